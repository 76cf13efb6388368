"""The figures in the text format of Prometheus: requests as they are answered, everything else when it is asked for.

Labels are route patterns, states, channels, flows and wave ids; refuses whatever names a person, an office, a customer
or an address.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from engine.service import figures
from engine.service.app import Countersign
from engine.service.figures import Figures
from engine.service.watching import WORKER

TYPE = "text/plain; version=0.0.4; charset=utf-8"
REQUESTS = CollectorRegistry()
ANSWERED = Histogram(
    "countersign_http_request_seconds",
    "Requests answered, by method, route and status, and how long they took",
    ("method", "route", "status"),
    buckets=(0.01, 0.05, 0.1, 0.3, 1, 3, 10),
    registry=REQUESTS,
)
ProcessCollector(registry=REQUESTS)


def text(app: Countersign) -> bytes:
    """Everything that is counted now."""
    now = CollectorRegistry()
    now.register(_Counted(figures.counted(app)))
    return generate_latest(REQUESTS) + generate_latest(now)


class _Counted(Collector):
    """The figures of one moment."""

    def __init__(self, found: Figures) -> None:
        self._found = found

    def collect(self) -> Iterable[Metric]:
        """See Collector."""
        found = self._found
        yield _by("cases", "Cases by state", "state", {state: count for state, count, _ in found.cases})
        entries = sum(number for _, _, number in found.cases)
        yield _one("transitions", "Entries of all case histories; its rate is that of transitions", entries)
        for name, words, aged in (
            ("open_tasks", "Tasks that wait in inboxes", found.tasks),
            ("outbox_waiting", "Effects that wait", found.effects),
            ("messages_waiting", "Notices and webhook calls that wait", found.messages),
        ):
            yield _one(name, words, aged.count)
            age = max(0.0, (found.at - aged.oldest).total_seconds()) if aged.oldest else 0.0
            yield _one(f"{name}_age_seconds", f"{words}: the age of the oldest", age)
        yield _one("outbox_failing", "Effects that failed and are tried again", found.effect_counts["trying"])
        yield _one("outbox_given_up", "Effects that were given up", found.effect_counts["dead"])
        yield _by("timers", "Timers: armed, late (due and not fired), failed", "state", found.timers)
        sums = GaugeMetricFamily(
            "countersign_recipients", "Recipients of waves under way", labels=("wave", "channel", "state")
        )
        for one in found.waves:
            sums.add_metric((one.wave, one.channel, one.state), one.count)
        yield sums
        chunks = GaugeMetricFamily(
            "countersign_chunks",
            "Chunks of waves under way that are not sent: waiting, claimed, expired (claimed by a worker that ended)",
            labels=("wave", "channel", "state"),
        )
        for left in found.backlog:
            for state in ("waiting", "claimed", "expired"):
                chunks.add_metric((left.wave, left.channel, state), getattr(left, state))
        yield chunks
        failing = {left.channel for left in found.backlog if left.failing}
        channels = sorted({left.channel for left in found.backlog})
        yield _by(
            "channel_up",
            "Whether the channel of a wave under way takes what is handed to it",
            "channel",
            {name: int(name not in failing) for name in channels},
        )
        down = {name: found.down.count(name) for name in sorted(set(found.down))}
        yield _by(
            "notices_down", "Channels of notices, webhooks and hosts that do not answer, by kind", "channel", down
        )
        yield _one("receipts_parked", "Receipts that belong to no message", found.parked)
        yield _one("sends_in_doubt", "Recipients in doubt, of waves under way", found.in_doubt)
        ages = {one.name: one.seconds for one in found.flows}
        yield _by("flow_last_round_age_seconds", "How long ago a flow looked for work", "flow", ages)
        yield _by("flow_failing", "Whether its last round failed", "flow", {one.name: one.fails for one in found.flows})
        workers = {one.name.removeprefix(WORKER): one.seconds for one in found.workers}
        yield _by("worker_last_round_age_seconds", "How long ago a further delivery worker looked", "worker", workers)
        late = GaugeMetricFamily(
            "countersign_cases_standing",
            "Cases that stand still by state and by what says so (usual: earlier cases, fixed: a limit), 50 at most of"
            " states, 50 of steps where people are asked",
            labels=("state", "basis"),
        )
        over = GaugeMetricFamily(
            "countersign_cases_standing_oldest_seconds", "Of these, for how long the oldest stands", labels=("state",)
        )
        for (state, basis), count in sorted(Counter((one.state, one.limit.basis) for one in found.standing).items()):
            late.add_metric((state, basis), count)
        for state in sorted({one.state for one in found.standing}):
            oldest = min(one.since for one in found.standing if one.state == state)
            over.add_metric((state,), (found.at - oldest).total_seconds())
        yield late
        yield over
        yield _one("sending_held", "1 while nothing is sent because the database was restored", int(found.is_held))
        yield _one("database_bytes", "Size of the case database", found.database_size)


def _one(name: str, words: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"countersign_{name}", words, value=value)


def _by(name: str, words: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"countersign_{name}", words, labels=(label,))
    for one, value in values.items():
        family.add_metric((one,), value)
    return family
