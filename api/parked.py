"""What a thing that was set aside says, as names and values: "Message 3f1.7, Status delivered" instead of signs of a
protocol.

Refuses to leave anything out: what has no name here stands under the gateway's own, and what is no such thing stays as
it came.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from api.i18n import Words
from api.words_office import PARKED_FACTS, PARKED_STATUS

MOST = 500


def facts(body: str, say: Words) -> list[tuple[str, str]]:
    """Names with values; without a name what cannot be taken apart."""
    try:
        said = msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.DecodeError:
        return [("", body[:MOST])]
    return list(_named(said, say))


def _named(said: dict[str, Any], say: Words) -> Iterator[tuple[str, str]]:
    for key, value in said.items():
        if isinstance(value, dict):
            yield from _named(value, say)
        elif value not in ("", None):
            status = PARKED_STATUS.get(value, "") if key == "status" and isinstance(value, str) else ""
            name = say(PARKED_FACTS[key]) if key in PARKED_FACTS else key[:60]
            yield name, say(status) if status else str(value)[:MOST]
