"""Which stages the cases of a definition have after their approval.

The states themselves are written in the language: `definitions/library/marketing-lifecycle.yaml`, or a definition's
own lifecycle. Refuses to know them.
"""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from engine.machine.drifting import Tolerance
from engine.machine.states import Evaluation

Widens = Literal["raise", "lengthen"]
"""How a field may change once customers were written to."""


class Stages(Struct, frozen=True):
    """Which stages follow the approval. `widens` are the fields of which the submitter may ask for more while the
    delivery is paused."""

    audience: bool = False
    tolerance: Tolerance | None = None
    reselects: bool = False  # a stale list may be selected anew: the definition says what another count leads to
    delivery: bool = False
    evaluation: Evaluation | None = None
    widens: Mapping[str, Widens] = {}
