"""How cases go through their approval as pictures, in the reader's language: times of steps, what became of the cases,
times by the month of submission."""

from collections.abc import Mapping

from api.formats import Formats
from api.vega.drawn import Drawn
from api.vega.pictures import Bar, Bars, Columns, latest, plain
from engine.evaluation.stays import Took
from engine.service.process_views import GroupFigures, ProcessPage, StepFigures

MOST_STEPS = 15


def drawings(page: ProcessPage, filters: Mapping[str, str], formats: Formats) -> tuple[Drawn, ...]:
    """The pictures that have something to show, in the order of the page."""
    if not page.cases:
        return ()
    note = _chosen(page, filters, formats)
    timed = any(one.took for one in page.steps)
    steps = [_steps(page, note, formats, is_one=bool(filters["definition"]))] if timed else []
    months = [_months(page, note, formats)] if page.took else []
    return (_outcomes(page, note, formats), *steps, *months)


def _outcomes(page: ProcessPage, note: str, formats: Formats) -> Drawn:
    words, whole = formats.words, page.cases
    counts = (
        (words("Cases submitted"), whole),
        (words("Decided"), page.decided),
        (words("Filed"), page.files),
        (words("Sent back"), page.returned),
        (words("Steps entered again"), page.again),
    )
    bars = tuple(
        Bar(
            name,
            count,
            formats.number(count),
            note=""
            if place == 0
            else words("%(share)s of %(count)s cases", share=formats.share(count, whole), count=formats.number(whole)),
        )
        for place, (name, count) in enumerate(counts)
    )
    title = words("What became of the cases")
    said = words("A case may stand in several bars: one that was sent back may have been decided since.")
    return Drawn("outcomes", title, said, Bars(title, f"{note} · {said}", bars))


def _steps(page: ProcessPage, note: str, formats: Formats, *, is_one: bool) -> Drawn:
    words = formats.words
    timed = [(one, one.took) for one in page.steps if one.took is not None]
    bars = tuple(
        Bar(
            label=plain(_step(one, formats, is_one=is_one)),
            value=took.half,
            text=formats.seconds(took.half),
            low=took.half,
            high=took.most,
            told=_told(took, formats),
            note=words("9 in 10: %(most)s, n %(count)s", most=formats.seconds(took.most), count=formats.number(took.n)),
        )
        for one, took in timed[:MOST_STEPS]
    )
    said = words("The bar is the time that half took within, the line after it nine in ten; the slowest first.")
    if more := len(timed[MOST_STEPS:]):
        said += " " + words("And %(count)s more, which are in the table.", count=formats.number(more))
    title = words("How long steps take")
    return Drawn("steps", title, said, Bars(title, f"{note} · {said}", bars))


def _months(page: ProcessPage, note: str, formats: Formats) -> Drawn:
    words = formats.words
    bars = [_month(one, one.took, formats) for one in page.months if one.took is not None]
    kept, more = latest(bars)
    said = words("The column is the time that half took within, the line above it nine in ten, by month of submission.")
    if more:
        said += " " + words("%(count)s earlier ones are in the table.", count=formats.number(more))
    title = words("From submission to decision")
    return Drawn("months", title, said, Columns(title, f"{note} · {said}", kept))


def _month(one: GroupFigures, took: Took, formats: Formats) -> Bar:
    told = (
        *_told(took, formats),
        (formats.words("Cases"), formats.number(one.cases)),
        (formats.words("Sent back"), formats.number(one.returned)),
    )
    return Bar(one.key, took.half, formats.seconds(took.half), took.half, took.most, told)


def _told(took: Took, formats: Formats) -> tuple[tuple[str, str], ...]:
    return (
        (formats.words("Half within"), formats.seconds(took.half)),
        (formats.words("9 in 10 within"), formats.seconds(took.most)),
        (formats.words("Half, working time"), formats.worked(took.worked_half)),
        (formats.words("9 in 10, working time"), formats.worked(took.worked_most)),
        (formats.words("Decided"), formats.number(took.n)),
    )


def _step(one: StepFigures, formats: Formats, *, is_one: bool) -> str:
    return formats.label(one.label) if is_one else f"{formats.label(one.label)} · {formats.label(one.title)}"


def _chosen(page: ProcessPage, filters: Mapping[str, str], formats: Formats) -> str:
    """The cases that are shown, and when they were counted: a file stands alone."""
    titles = dict(page.definitions)
    days = f"{filters['since']} – {filters['until']}" if filters["since"] or filters["until"] else ""
    definition = filters["definition"]
    version = f" v{filters['version']}" if filters["version"] else ""
    named = f"{formats.label(titles[definition])}{version}" if definition in titles else ""
    counted = formats.words("Counted %(at)s.", at=formats.moment(page.as_of)) if page.as_of else ""
    return " · ".join(filter(None, (days, named, formats.label(page.office) if page.office else "", counted)))
