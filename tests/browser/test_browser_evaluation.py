"""The evaluation tab with each verdict in a real Chromium, in both languages, without its script too."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import pytest

from engine.evaluation.sentence import Verdict
from engine.service import cases, evaluating, people
from engine.service.app import Countersign
from engine.service.responses import import_responses
from engine.store import reports
from engine.store.reports import Stored
from engine.values import canonical_json, digest_of
from tests.acceptance.counted_case import CONTROL, HEADINGS, TARGET, bought, counted, frozen_at
from tests.acceptance.offices import key, viewer
from tests.browser.looking import drawn, look, sign_in

Windows = Callable[..., Any]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_verdict_is_said_first_and_large_with_what_to_do(
    app: Countersign, window: Windows, tmp_path: Path, language: str
) -> None:
    with ThreadPoolExecutor(1) as beside:  # sending runs an event loop, and Playwright's is here already
        made = beside.submit(counted, app, tmp_path).result()
    submitter = viewer(app, "wangmin")
    early, late = bought(TARGET[:45], frozen_at(app, made)), bought([*TARGET[100:190], *CONTROL[:21]], app.now())
    import_responses(app, submitter, made, "\n".join([HEADINGS, early + late]).encode())
    evaluating.evaluate(app, made, "14d", True, key())
    (found,) = cases.case_page(app, submitter, made).evaluations
    people.set_language(app, submitter, "zh" if language == "zh" else "en")
    page = window()
    sign_in(page, "wangmin")
    wrong: list[str] = []
    for n, verdict in enumerate(get_args(Verdict), 1):
        label = f"{n}d"
        report = replace(found, verdict=verdict, label=label, as_of=found.as_of + timedelta(days=n), digest="")
        with app.db.begin() as tx:
            stored = Stored(label, report.as_of, canonical_json(report).decode(), digest_of(report))
            reports.store_evaluation(tx, made, stored)
        page.goto(f"/cases/{made}?tab=evaluation")
        assert page.locator(".evaluation h2.verdict").first.inner_text()
        assert page.locator(".evaluation .warnings li").count() == len(found.warnings)
        if n > 1 and verdict not in ("works", "not_sent"):
            page.evaluate("document.querySelectorAll('.evaluation ~ section').forEach(one => one.remove())")
        if n == 1:
            drawn(page)
            assert "look=wide" in page.locator("figure.picture img").first.evaluate("each => each.currentSrc")
        wrong += look(page, f"evaluation-{verdict}-{language}")
    assert wrong == []
