"""Pictures of a page whose figures take long, kept from the page until its drawings are asked for.

The browser asks for each drawing by itself, right after the page, and would have the same figures counted once for
each. What is kept is the person's own: they were just shown the same numbers. Refuses to keep anything longer than a
minute; then, and in another web server, it is counted anew.
"""

import threading
import time
from collections import OrderedDict
from weakref import WeakKeyDictionary

from api.vega.drawn import Drawn
from engine.service.app import Countersign

LONGEST, MOST = 60.0, 64
Key = tuple[str, ...]  # whose it is, in which language, and what was asked

_turn = threading.Lock()
_kept: "WeakKeyDictionary[Countersign, OrderedDict[Key, tuple[float, tuple[Drawn, ...]]]]" = WeakKeyDictionary()


def keep(app: Countersign, key: Key, drawings: tuple[Drawn, ...]) -> None:
    """Keep the drawings of a page; the oldest page goes."""
    with _turn:
        pages = _kept.setdefault(app, OrderedDict())
        pages.pop(key, None)
        pages[key] = (time.monotonic(), drawings)
        while len(pages) > MOST:
            pages.popitem(last=False)


def find(app: Countersign, key: Key) -> tuple[Drawn, ...] | None:
    """The drawings of that page, where it was made less than a minute ago."""
    with _turn:
        at, drawings = _kept.get(app, OrderedDict()).get(key, (0.0, None))
    return drawings if drawings is not None and time.monotonic() - at < LONGEST else None
