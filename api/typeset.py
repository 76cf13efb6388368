"""How papers are set as PDF: page, fonts, tables. Chinese is set in a font that every PDF reader has by its standard
(decision 0013), so that no font file is shipped and the text can be searched and copied. Refuses to know what stands in
a paper.
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
from reportlab.platypus import Paragraph, SimpleDocTemplate, Table, TableStyle

from api.formats import Formats

FONT = "STSong-Light"
pdfmetrics.registerFont(UnicodeCIDFont(FONT))  # paragraphs look for it when they are made
INK, SOFT, LINE, SEAL, SHADE = (HexColor(one) for one in ("#1d2530", "#5b6673", "#999999", "#b4261e", "#f3f1ec"))
WIDTH = A4[0] - 36 * mm


def typeset(story: list[Any], formats: Formats, *, head: str, title: str, author: str) -> bytes:
    """The bytes of a PDF of A4 pages; `head` stands at the foot of each beside its number."""
    out = BytesIO()
    document = SimpleDocTemplate(
        out,
        pagesize=A4,
        leftMargin=18 * mm,
        rightMargin=18 * mm,
        topMargin=20 * mm,
        bottomMargin=20 * mm,
        title=title,
        author=author,
        lang="zh-CN" if formats.words.language == "zh" else "en",
    )

    def numbered(*given: Any, **more: Any) -> Canvas:
        return _Numbered(*given, head=head, page=formats.words("Page %(page)s of %(pages)s"), **more)

    document.build(story, canvasmaker=numbered)
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


def text(said: str, style: ParagraphStyle = BODY) -> Paragraph:
    return Paragraph(escape(said).replace("\n", "<br/>"), style)


def table(
    rows: list[list[Paragraph]], shares: tuple[float, ...], *, labels: tuple[int, ...] = (), header: bool = False
) -> Table:
    style: list[Any] = [("GRID", (0, 0), (-1, -1), 0.5, LINE), ("VALIGN", (0, 0), (-1, -1), "TOP")]
    style += [("BACKGROUND", (column, 0), (column, -1), SHADE) for column in labels]
    if header:
        style.append(("BACKGROUND", (0, 0), (-1, 0), SHADE))
    widths = [share * WIDTH for share in shares]
    # a long remark goes on over the next page
    return Table(rows, widths, style=TableStyle(style), repeatRows=1 if header else 0, splitInRow=1)
