"""Which stages the cases of a definition have after their approval.

The states themselves are written in the language: `definitions/library/marketing-lifecycle.yaml`, or a definition's
own lifecycle. Refuses to know them.
"""

from msgspec import Struct

from engine.machine.drifting import Tolerance
from engine.machine.states import Evaluation


class Stages(Struct, frozen=True):
    """Which stages follow the approval."""

    audience: bool = False
    tolerance: Tolerance | None = None
    reselects: bool = False  # a stale list may be selected anew: the definition says what another count leads to
    delivery: bool = False
    evaluation: Evaluation | None = None
