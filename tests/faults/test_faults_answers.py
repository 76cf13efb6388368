"""A gateway that answers nonsense: half a batch, garbage, 500, 429. Each promise holds, on both databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.service import delivering
from engine.service.app import Countersign
from tests.faults.delivering_case import CASE, delivering_case
from tests.faults.sending_case import TARGET, send_all, shown, states_of
from tests.faults.test_faults_kills import of_state
from tests.servers.gateway import RunningGateway, running_gateway

PROMISES = ("exactly_once_effect", "query_then_send", "at_most_once")


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[RunningGateway]:
    """A gateway that sends no receipts."""
    with running_gateway(tmp_path / "sms.log") as started:
        yield started


@pytest.fixture(params=PROMISES)
def promise(request: pytest.FixtureRequest) -> str:
    """What the settings say that the gateway can do."""
    promised: str = request.param
    return promised


@pytest.fixture
def app(db_url: str, tmp_path: Path, gateway: RunningGateway, promise: str) -> Iterator[Countersign]:
    """A delivery to 270 customers that has begun."""
    more = {"sms_url": gateway.url, "sms_guarantee": promise}
    opened = delivering_case(db_url, tmp_path / "home", customers=300, **more)
    delivering.begin(opened, CASE)
    yield opened
    opened.close()


def test_half_a_batch_and_garbage_are_doubts_and_not_answers(
    app: Countersign, gateway: RunningGateway, promise: str
) -> None:
    gateway.behave(half=2, garbage=1, forgets=promise != "exactly_once_effect")
    send_all(app)
    shown(app)
    states, reached = of_state(app), [message["id"] for message in gateway.messages()]
    assert len(reached) == len(set(reached)), "nobody twice"
    assert states.get("sent", set()) <= set(reached)
    if promise == "at_most_once":
        unknown = states["unknown"]
        assert len(unknown & set(reached)) == 25, "half of a chunk arrived, and its answer was garbage"
        assert len(unknown - set(reached)) == 50, "two halves never did"
        assert len(states["sent"]) == TARGET - len(unknown)
    else:
        assert states_of(app) == {"sent": TARGET} and len(reached) == TARGET


def test_refusals_in_turn_lose_nobody(app: Countersign, gateway: RunningGateway, promise: str) -> None:
    gateway.behave(refuse=1, too_many=2, retry_after=0, slow_seconds=0.1, forgets=promise != "exactly_once_effect")
    send_all(app)
    reached = [message["id"] for message in gateway.messages()]
    assert len(reached) == len(set(reached))
    in_doubt = states_of(app).get("unknown", 0)
    assert states_of(app)["sent"] == TARGET - in_doubt == len(reached)
    assert in_doubt <= (50 if promise == "at_most_once" else 0), "a 500 behind a proxy may have been taken"
