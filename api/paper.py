"""The approval sheet as PDF. Refuses to know who may see a case."""

from typing import Any

from reportlab.platypus import Paragraph, Spacer

from api.formats import Formats
from api.i18n import N_
from api.typeset import CENTRED, HEAD, SMALL, TOP, table, text, typeset
from api.words import DECISIONS, STATES
from engine.service.papers import Opinion, Paper
from engine.service.rehearsal_views import RehearsalLine
from engine.service.stage_views import CellView

TITLE = N_("Approval sheet of a marketing case")


def pdf(paper: Paper, formats: Formats) -> bytes:
    """The paper as the bytes of a PDF of A4 pages, in the language of `formats`."""
    row = paper.case.row
    head = " · ".join(filter(None, (row.number, _confidential(paper, formats))))
    title = f"{formats.words(TITLE)} {row.number}"
    return typeset(_story(paper, formats), formats, head=head, title=title, author=paper.made_for)


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
    story: list[Any] = [text(words(TITLE), TOP), text(named, CENTRED)]
    story.append(table([[text(cell) for cell in each] for each in facts], (0.15, 0.35, 0.15, 0.35), labels=(0, 2)))
    for one in case.registered:
        number, office = one.number, formats.label(one.office)
        story.append(text(words("register number %(number)s (%(office)s)", number=number, office=office), SMALL))
    story.append(text(words("Proposal"), HEAD))
    fields = [[text(formats.label(field.label)), text(formats.field(field))] for field in case.fields]
    story.append(table(fields, (0.22, 0.78), labels=(0,)))
    if case.audience:
        story.append(text(words("Selection of customers"), HEAD))
        rows = [
            [text(formats.label(one.label)), text(formats.number(one.out if one.name in ENDS else -one.removed))]
            for one in case.audience.waterfall
        ]
        story.append(table(rows, (0.6, 0.4), labels=(0,)))
    cells = case.audience.by_cell if case.audience else case.cells
    if len(cells) > 1 or any(one.offer for one in cells):
        story.append(text(words("Target groups"), HEAD))
        rows = [[text(one.name or "–"), text(_offered(one, formats)), text(_sizes(one, formats))] for one in cells]
        story.append(table(rows, (0.2, 0.45, 0.35), labels=(0,)))
    if case.rehearsals:
        story.append(text(words("Rehearsals"), HEAD))
        rows = [[text(called), text(said)] for called, said in (_rehearsed(one, formats) for one in case.rehearsals)]
        story.append(table(rows, (0.3, 0.7), labels=(0,)))
    story.append(text(words("Opinions"), HEAD))
    story += _opinions(paper, formats)
    story.append(Spacer(1, 8))
    at = formats.moment(paper.made_at)
    story.append(text(words("Made for %(who)s on %(at)s", who=paper.made_for, at=at), SMALL))
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
        return [text(words("Nobody has decided yet."))]
    columns = (N_("Step"), N_("Who"), N_("Decision"), N_("Time"), N_("Remark"))
    rows = [[text(words(one), SMALL) for one in columns]]
    rows += [_opinion(one, formats, rounds=paper.case.round > 1) for one in paper.opinions]
    return [table(rows, (0.18, 0.24, 0.12, 0.16, 0.30), header=True)]


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
    return [text(step), text(who), text(decision), text(formats.moment(one.at)), text(one.remark)]
