"""What shipped definitions allow in their scenarios, they accept when it is told as a log; and nothing else."""

from pathlib import Path

import pytest

from engine.cli.definitions.files import loaded
from engine.definition.document import read
from engine.definition.replay import Judged
from engine.definition.replay_own import BETWEEN, INSIDE, OwnReplay
from engine.definition.scenario_run import run_scenarios
from engine.machine.outcome import Moved
from tests.acceptance.test_shipped import FILES, SHIPPED


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_the_histories_of_all_scenarios_are_accepted(file: Path) -> None:
    definition = loaded(file)
    replay = OwnReplay(definition)
    results = run_scenarios(definition, read(definition.source)).results
    for result in results:
        for outcome in result.trial.outcomes:
            moves = (INSIDE.join(one.configuration) for one in outcome.events if isinstance(one, Moved))
            replay.take(result.name, "", BETWEEN.join(moves))
    judged = list(replay.judged())
    assert len(judged) == len(results) > 0
    assert [one for one in judged if one.verdict == "refuse"] == []


def judged(*events: tuple[str, str]) -> Judged:
    replay = OwnReplay(loaded(SHIPPED))
    for name, moves in events:
        replay.take("case", name, moves)
    (found,) = replay.judged()
    return found


def test_a_case_that_was_sent_back_is_open_and_one_that_was_rejected_has_ended() -> None:
    begun = (("create", "draft"), ("edit", ""), ("submit", "to_city/county_head"))
    assert judged(*begun, ("return", "returned")).verdict == "open"
    assert judged(*begun, ("reject", "rejected")) == Judged("case", "accept", "rejected")


@pytest.mark.parametrize(
    ("events", "index"),
    [
        ((("create", "to_city/county_head"),), 0),
        ((("edit", ""),), 0),
        ((("create", "draft"), ("submit", "delivering")), 1),
        ((("create", "draft"), ("submit", "to_mars/head"), ("edit", "")), 1),
    ],
)
def test_a_move_that_the_chart_does_not_have_is_refused(events: tuple[tuple[str, str], ...], index: int) -> None:
    found = judged(*events)
    assert (found.verdict, found.index, found.event) == ("refuse", index, events[index][0])
