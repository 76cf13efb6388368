"""The close-out report as PDF (结案报告). Refuses to know who may see a case."""

from datetime import datetime
from typing import Any

from reportlab.platypus import Spacer

from api import charts
from api.formats import Formats
from api.i18n import N_
from api.typeset import BODY, CENTRED, HEAD, SMALL, TOP, table, text, typeset
from api.verdicts import metric_of, sentence_of
from api.words import ARMS
from api.words_closing import INPUTS, INPUTS_NOTED
from api.words_evaluation import WARNINGS
from engine.service.closing_views import ClosingView, FrozenReport
from engine.service.stage_views import EvaluationView

TITLE = N_("Close-out report of a marketing case")


def pdf(view: ClosingView, formats: Formats, *, made_for: str, made_at: datetime) -> bytes:
    """The report as the bytes of a PDF of A4 pages, in the language of `formats`."""
    words, row = formats.words, view.row
    confidential = words("confidential") if view.confidential else ""
    head = " · ".join(filter(None, (row.number, confidential)))
    story: list[Any] = [
        text(words(TITLE), TOP),
        text(" · ".join(filter(None, (formats.label(row.definition), confidential))), CENTRED),
    ]
    facts = [
        (words("Case number"), row.number, words("Title"), row.title),
        (words("Office"), formats.label(row.office), words("Submitter"), row.submitter),
    ]
    story.append(table([[text(cell) for cell in each] for each in facts], (0.15, 0.35, 0.15, 0.35), labels=(0, 2)))
    if view.frozen:
        story += _figures(view.frozen.report, formats)
    story += _lessons(view, formats)
    story += _signature(view, formats)
    if view.frozen:
        story += _inputs(view.frozen, formats)
    story.append(Spacer(1, 8))
    story.append(text(words("Made for %(who)s on %(at)s", who=made_for, at=formats.moment(made_at)), SMALL))
    return typeset(story, formats, head=head, title=f"{words(TITLE)} {row.number}", author=made_for)


def _figures(report: EvaluationView, formats: Formats) -> list[Any]:
    words = formats.words
    story: list[Any] = [text(words("Verdict"), HEAD), text(sentence_of(report, formats), BODY)]
    story += [text(words(WARNINGS.get(one, one)), SMALL) for one in report.warnings]
    rows = [
        [text(metric_of(one.name, formats)), text(formats.number(one.count)), text(formats.share(one.count, one.of))]
        if one.count is not None
        else [text(metric_of(one.name, formats)), text(words("not measured")), text("")]
        for one in report.funnel
    ]
    story += [text(words("Funnel"), HEAD), table(rows, (0.5, 0.25, 0.25), labels=(0,))]
    if report.uplift:
        columns = (N_("Metric"), N_("Group"), N_("Contacted"), N_("Control group"), N_("Lift"), "p")
        lines = [[text(words(one), SMALL) for one in columns]]
        for panel in charts.panels(report.uplift):
            for row in panel.rows:
                low, high = formats.lift(row.low, panel.is_rate), formats.lift(row.high, panel.is_rate)
                arm = words(ARMS[row.arm]) if row.arm in ARMS else row.arm
                cells = (
                    metric_of(row.metric, formats),
                    arm,
                    f"{formats.level(row.value, panel.is_rate)} (n {formats.number(row.n)})",
                    f"{formats.level(row.control_value, panel.is_rate)} (n {formats.number(row.n_control)})",
                    f"{formats.lift(row.lift, panel.is_rate)}\n{low} … {high}",
                    formats.p(row.p),
                )
                lines.append([text(cell, SMALL) for cell in cells])
        story += [text(words("Uplift"), HEAD), table(lines, (0.17, 0.15, 0.2, 0.2, 0.18, 0.1), header=True)]
    money = [
        (words("Revenue"), formats.money(report.revenue)),
        (words("Cost"), formats.money(report.cost)),
        (words("Incremental profit"), formats.money(report.profit)),
        (words("Return on investment"), formats.percent(report.roi, 0)),
    ]
    story += [text(words("Money"), HEAD), table([[text(a), text(b)] for a, b in money], (0.5, 0.5), labels=(0,))]
    return story


def _lessons(view: ClosingView, formats: Formats) -> list[Any]:
    words, said = formats.words, view.lessons
    named = (
        (words("What worked"), said.worked),
        (words("What did not"), said.failed),
        (words("For whom to repeat it"), said.repeat),
    )
    rows = [[text(name), text(told)] for name, told in named if told]
    return [text(words("Lessons"), HEAD), table(rows, (0.25, 0.75), labels=(0,))] if rows else []


def _signature(view: ClosingView, formats: Formats) -> list[Any]:
    words = formats.words
    if view.closed_at is None:
        said = words("Not signed yet")
    elif view.signed_by:
        said = words("Signed by %(who)s on %(at)s", who=view.signed_by, at=formats.moment(view.closed_at))
    else:
        said = words(
            "Closed by itself on %(at)s; the definition asks for no signature", at=formats.moment(view.closed_at)
        )
    return [text(words("Signature"), HEAD), text(said, BODY)]


def _inputs(frozen: FrozenReport, formats: Formats) -> list[Any]:
    words = formats.words
    rows = [
        [
            text(words(INPUTS[one.name]), SMALL),
            text(f"{formats.number(one.rows)} {words(INPUTS_NOTED[one.name])}", SMALL),
            text(one.digest, SMALL),
        ]
        for one in frozen.inputs
    ]
    as_of = words("What the report was made from, as of %(at)s", at=formats.moment(frozen.as_of))
    return [
        text(as_of, HEAD),
        table(rows, (0.24, 0.2, 0.56), labels=(0,)),
        text(words("Digest of the report: %(digest)s", digest=frozen.digest), SMALL),
    ]
