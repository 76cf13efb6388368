"""The approval sheet as PDF. Chinese is set in a font that every PDF reader has by its standard (decision 0013), so
that no font file is shipped and the text can be searched and copied. Refuses to know who may see a case.
"""

from io import BytesIO
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from api.formats import Formats
from api.i18n import N_
from api.words import DECISIONS, STATES
from engine.service.papers import Opinion, Paper
from engine.service.rehearsal_views import RehearsalLine
from engine.service.stage_views import CellView

FONT = "STSong-Light"
INK, SOFT, LINE, SEAL, SHADE = (HexColor(one) for one in ("#1d2530", "#5b6673", "#999999", "#b4261e", "#f3f1ec"))
WIDTH = A4[0] - 36 * mm
TITLE = N_("Approval sheet of a marketing case")


def pdf(paper: Paper, formats: Formats) -> bytes:
    """The paper as the bytes of a PDF of A4 pages, in the language of `formats`."""
    pdfmetrics.registerFont(UnicodeCIDFont(FONT))
    row, out = paper.case.row, BytesIO()
    head = " · ".join(filter(None, (row.number, _confidential(paper, formats))))
    document = SimpleDocTemplate(
        out,
        pagesize=A4,
        leftMargin=18 * mm,
        rightMargin=18 * mm,
        topMargin=20 * mm,
        bottomMargin=20 * mm,
        title=f"{formats.words(TITLE)} {row.number}",
        author=paper.made_for,
        lang="zh-CN" if formats.words.language == "zh" else "en",
    )

    def numbered(*given: Any, **more: Any) -> Canvas:
        return _Numbered(*given, head=head, page=formats.words("Page %(page)s of %(pages)s"), **more)

    document.build(_story(paper, formats), canvasmaker=numbered)
    return out.getvalue()


class _Numbered(Canvas):
    """Writes number and "page n of m" on every page once it is known how many there are."""

    def __init__(self, *given: Any, head: str, page: str, **more: Any) -> None:
        super().__init__(*given, **more)
        self.head, self.page = head, page
        self.pages: list[dict[str, Any]] = []

    def showPage(self) -> None:
        """Keep the page for later."""
        self.pages.append(dict(self.__dict__))
        self._startPage()  # type: ignore[attr-defined]

    def save(self) -> None:
        """Write all pages."""
        for place, kept in enumerate(self.pages, start=1):
            self.__dict__.update(kept)
            self.setFont(FONT, 9)
            self.setFillColor(SOFT)
            self.drawString(18 * mm, 10 * mm, self.head)
            said = self.page.replace("%(page)s", str(place)).replace("%(pages)s", str(len(self.pages)))
            self.drawRightString(A4[0] - 18 * mm, 10 * mm, said)
            self.setStrokeColor(SEAL)
            self.setLineWidth(1.5)
            self.line(18 * mm, A4[1] - 14 * mm, A4[0] - 18 * mm, A4[1] - 14 * mm)
            super().showPage()
        super().save()


def _style(size: float, **more: Any) -> ParagraphStyle:
    given: dict[str, Any] = {"leading": size * 1.45, "textColor": INK, "wordWrap": "CJK"} | more
    return ParagraphStyle(f"{size}", fontName=FONT, fontSize=size, **given)


BODY, SMALL, HEAD = _style(10), _style(8.5, textColor=SOFT), _style(11.5, spaceBefore=10, spaceAfter=4)
TOP = _style(17, alignment=1, spaceAfter=2)
CENTRED = _style(10, alignment=1, textColor=SOFT, spaceAfter=8)


def _text(said: str, style: ParagraphStyle = BODY) -> Paragraph:
    return Paragraph(escape(said).replace("\n", "<br/>"), style)


def _confidential(paper: Paper, formats: Formats) -> str:
    return formats.words("confidential") if paper.case.confidential else ""


def _story(paper: Paper, formats: Formats) -> list[Any]:
    case, words = paper.case, formats.words
    row = case.row
    state = formats.label(row.state_label) or words(STATES.get(row.state, row.state))
    named = " · ".join(filter(None, (formats.label(row.definition), _confidential(paper, formats))))
    facts = [
        (words("Case number"), row.number, words("State"), state),
        (words("Office"), formats.label(row.office), words("Submitter"), row.submitter),
    ]
    story: list[Any] = [_text(words(TITLE), TOP), _text(named, CENTRED)]
    story.append(_table([[_text(cell) for cell in each] for each in facts], (0.15, 0.35, 0.15, 0.35), labels=(0, 2)))
    for one in case.registered:
        number, office = one.number, formats.label(one.office)
        story.append(_text(words("register number %(number)s (%(office)s)", number=number, office=office), SMALL))
    story.append(_text(words("Proposal"), HEAD))
    fields = [[_text(formats.label(field.label)), _text(formats.field(field))] for field in case.fields]
    story.append(_table(fields, (0.22, 0.78), labels=(0,)))
    if case.audience:
        story.append(_text(words("Selection of customers"), HEAD))
        rows = [
            [_text(formats.label(one.label)), _text(formats.number(one.out if one.name in ENDS else -one.removed))]
            for one in case.audience.waterfall
        ]
        story.append(_table(rows, (0.6, 0.4), labels=(0,)))
    cells = case.audience.by_cell if case.audience else case.cells
    if len(cells) > 1 or any(one.offer for one in cells):
        story.append(_text(words("Target groups"), HEAD))
        rows = [[_text(one.name or "–"), _text(_offered(one, formats)), _text(_sizes(one, formats))] for one in cells]
        story.append(_table(rows, (0.2, 0.45, 0.35), labels=(0,)))
    if case.rehearsals:
        story.append(_text(words("Rehearsals"), HEAD))
        rows = [[_text(called), _text(said)] for called, said in (_rehearsed(one, formats) for one in case.rehearsals)]
        story.append(_table(rows, (0.3, 0.7), labels=(0,)))
    story.append(_text(words("Opinions"), HEAD))
    story += _opinions(paper, formats)
    story.append(Spacer(1, 8))
    at = formats.moment(paper.made_at)
    story.append(_text(words("Made for %(who)s on %(at)s", who=paper.made_for, at=at), SMALL))
    return story


ENDS = ("base", "target", "control")


def _offered(cell: CellView, formats: Formats) -> str:
    own = "" if cell.has_own_offer or not cell.offer else formats.words("that of the case")
    return " ".join(filter(None, (formats.label(cell.offer_label), own)))


def _sizes(cell: CellView, formats: Formats) -> str:
    if cell.target is None or cell.control is None:
        return cell.when
    target, control = formats.number(cell.target), formats.number(cell.control)
    return formats.words(N_("%(target)s target, %(control)s control"), target=target, control=control)


def _rehearsed(line: RehearsalLine, formats: Formats) -> tuple[str, str]:
    """What was rehearsed, and what it would do to whom."""
    words, known = formats.words, line.known
    called = words("%(name)s, version %(version)s", name=formats.label(line.name), version=line.version)
    fewer = {"n": formats.number(line.winners), "of": formats.number(known)}
    said = [
        words(
            "%(n)s of %(of)s customers (%(share)s) would pay less", **fewer, share=formats.share(line.winners, known)
        ),
        words("%(n)s (%(share)s) more.", n=formats.number(line.losers), share=formats.share(line.losers, known)),
    ]
    revenue = words(
        "Revenue a month: %(all)s if all switch, %(some)s if only those switch who gain.",
        all=formats.money(line.change),
        some=formats.money(line.winners_change),
    )
    months = words("usage of %(first)s to %(last)s", first=line.months[0], last=line.months[-1])
    return f"{called}\n{line.offer} · {months}", words(", ").join(said) + "\n" + revenue


def _opinions(paper: Paper, formats: Formats) -> list[Any]:
    words = formats.words
    if not paper.opinions:
        return [_text(words("Nobody has decided yet."))]
    columns = (N_("Step"), N_("Who"), N_("Decision"), N_("Time"), N_("Remark"))
    rows = [[_text(words(one), SMALL) for one in columns]]
    rows += [_opinion(one, formats, rounds=paper.case.round > 1) for one in paper.opinions]
    return [_table(rows, (0.18, 0.24, 0.12, 0.16, 0.30), header=True)]


def _opinion(one: Opinion, formats: Formats, *, rounds: bool) -> list[Paragraph]:
    words = formats.words
    who = f"{one.name}\n{formats.label(one.office)}"
    if one.on_behalf_of:
        who += "\n" + words("for %(who)s", who=one.on_behalf_of)
    step = formats.label(one.step)
    if rounds:
        step += "\n" + words("Round %(round)s", round=one.round)
    decision = words(DECISIONS.get(one.decision, one.decision))
    if not one.counts:
        decision += "\n" + words("(an opinion)")
    return [_text(step), _text(who), _text(decision), _text(formats.moment(one.at)), _text(one.remark)]


def _table(
    rows: list[list[Paragraph]], shares: tuple[float, ...], *, labels: tuple[int, ...] = (), header: bool = False
) -> Table:
    style: list[Any] = [("GRID", (0, 0), (-1, -1), 0.5, LINE), ("VALIGN", (0, 0), (-1, -1), "TOP")]
    style += [("BACKGROUND", (column, 0), (column, -1), SHADE) for column in labels]
    if header:
        style.append(("BACKGROUND", (0, 0), (-1, 0), SHADE))
    widths = [share * WIDTH for share in shares]
    # a long remark goes on over the next page
    return Table(rows, widths, style=TableStyle(style), repeatRows=1 if header else 0, splitInRow=1)
