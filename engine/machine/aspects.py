"""Aspects of a proposal: groups of fields that approvals look at, each with a digest of its own.

Refuses to know who looked: that is with the tasks.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from engine.machine.case import LEFT
from engine.values import digest_of

SHORT = 32  # 128 bits of a digest: enough to bind to, half the room in every task


def digests(aspects: Mapping[str, Sequence[str]], form: Mapping[str, Any]) -> dict[str, str]:
    """The digest of each aspect: of the fields of the form that belong to it; without fields, of the whole form."""
    return {
        aspect: digest_of({name: form.get(name) for name in fields or form if name != LEFT})[:SHORT]
        for aspect, fields in aspects.items()
    }
