"""How a delivery stands: the figures that gates and stop rules look at, from counts.

Rates are shares of what left the house or may have; with nothing sent they are zero. Refuses to count anything.
"""

from dataclasses import dataclass
from decimal import Decimal

from engine.delivery.plan import METRICS, Gate


@dataclass(frozen=True, slots=True)
class Standing:
    """Counts of some waves, and what they have cost."""

    audience: int
    sent: int
    delivered: int
    failed: int
    complaints: int
    opt_outs: int
    spent: Decimal

    def metric(self, name: str) -> int | Decimal:
        """One of `METRICS`."""
        match name:
            case "complaint_rate":
                return self._share(self.complaints)
            case "opt_out_rate":
                return self._share(self.opt_outs)
            case "failure_rate":
                return self._share(self.failed)
        value: int | Decimal = getattr(self, name)
        return value

    def metrics(self) -> dict[str, int | Decimal]:
        """All of `METRICS`: what `m` stands for in `stop_when`."""
        return {name: self.metric(name) for name in METRICS}

    def _share(self, count: int) -> Decimal:
        return Decimal(count) / self.sent if self.sent else Decimal()


def closed_because(gate: Gate, standing: Standing) -> str:
    """Why the gate does not open, or an empty text where it does: "complaint_rate 0.41% > 0.2%"."""
    value = Decimal(standing.metric(gate.metric))
    return f"{gate.metric} {_percent(value)} > {_percent(gate.max)}" if value > gate.max else ""


def _percent(share: Decimal) -> str:
    return f"{round(share * 100, 2).normalize():f}%"
