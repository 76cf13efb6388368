"""docs/metrics.md is what the catalogue of metrics says. `python -m tests.unit.test_metrics_page` writes it."""

from engine.definition.catalogue import figures
from tests.support import ROOT

PAGE = ROOT / "docs/metrics.md"
INTRO = """# Metrics

Written by `python -m tests.unit.test_metrics_page` from `definitions/catalogue/facts/metrics.yaml`; what facts
are is in [facts.md](facts.md). In SQL `f` is a row of facts and `c` the row of its case.

| metric | called | formula | over | unit | kind | numerator and denominator |
|---|---|---|---|---|---|---|
"""
REPORT = "\n\n## The report on a case\n\n| figure | what it is, and of what |\n|---|---|\n"


def page() -> str:
    """The whole page."""
    known = figures()
    rows = [
        f"| `{name}` | {one.label.zh} / {one.label.en} | {one.says.zh} / {one.says.en} | `{one.of}` | {one.unit}"
        f" | {one.kind} | `{one.numerator}`; `{one.denominator}` |"
        for name, one in known.metrics.items()
    ]
    dimensions = [
        f"| `{name}` | {one.label.zh} / {one.label.en} | {', '.join(one.by)} |"
        for name, one in known.dimensions.items()
    ]
    head = "\n\n## Dimensions\n\n| dimension | called | of facts of |\n|---|---|---|\n"
    figures_of_a_case = [f"| `{name}` | {says.zh} / {says.en} |" for name, says in known.report.items()]
    return INTRO + "\n".join(rows) + head + "\n".join(dimensions) + REPORT + "\n".join(figures_of_a_case) + "\n"


def test_the_page_of_metrics_is_what_the_catalogue_says() -> None:
    assert PAGE.read_text("utf-8") == page(), "run: python -m tests.unit.test_metrics_page"


def test_every_metric_and_dimension_has_both_languages_and_a_fact() -> None:
    known = figures()
    for name, one in known.metrics.items():
        assert all((one.label.zh, one.label.en, one.says.zh, one.says.en)), name
        assert known.dimensions_of(name), name
    for name, each in known.dimensions.items():
        assert each.label.zh and each.label.en and each.by, name


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
