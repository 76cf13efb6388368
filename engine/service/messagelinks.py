"""The links that stand in messages: made while a wave's texts are written, read when somebody follows one.

Where {link} leads is fixed with the wave, and may only lead to a host that the operator allows, asked again at every
click. Refuses to begin a wave whose link leads elsewhere or nowhere.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.delivery import links
from engine.delivery.links import RESERVED, Purpose
from engine.delivery.message import LONGEST_VALUE, placeholders
from engine.delivery.words import Message
from engine.service.app import Countersign
from engine.service.sealing import key_for, keys_for
from engine.settings import Settings
from engine.store import clicks
from engine.store.clicks import Linked

PURPOSE = "links in messages"
NAMED = re.compile(r"\{(form\.[a-z][a-z0-9_]{0,39})\}")


@dataclass(frozen=True, slots=True)
class Stamped:
    """The reserved names that a template uses, and their values for a row; None where it uses none."""

    names: tuple[str, ...]
    of_row: Callable[[int], tuple[str, ...]] | None


def stamp(
    app: Countersign, message: Message, wave: str, templates: Iterable[str], constants: Mapping[str, Any]
) -> Stamped:
    """What a wave's templates need of links. ValueError where {link} leads to no allowed host, or is too long."""
    used = {name for template in templates for name in placeholders(template)}
    names = tuple(name for name in RESERVED if name in used and name not in message.fields)
    if not names:
        return Stamped((), None)
    target = _target(app, message, constants) if "link" in names else ""
    with app.db.begin() as tx:
        number = clicks.enter(tx, wave, target)
    key = key_for(app.settings, PURPOSE)
    base = app.settings.public_url.rstrip("/")
    purposes: Mapping[str, Purpose] = {"link": "r", "optout": "o"}
    begins = [f"{base}/{purposes[name]}/" for name in names]
    if max(map(len, begins)) + links.LONGEST > LONGEST_VALUE:
        raise ValueError("the public address is too long for links in messages")
    makers = [links.maker(key, purposes[name], number) for name in names]
    pairs = tuple(zip(begins, makers, strict=True))
    return Stamped(names, lambda row: tuple([begin + make(row) for begin, make in pairs]))


def shown(settings: Settings, stamped: Collection[str]) -> dict[str, str]:
    """For who looks at a text before its wave is written: an address as long as theirs will be."""
    base, purposes = settings.public_url.rstrip("/"), {"link": "r", "optout": "o"}
    return {name: f"{base}/{purposes[name]}/{'x' * links.LONGEST}" for name in RESERVED if name not in stamped}


def find(app: Countersign, purpose: Purpose, token: str) -> Linked | None:
    """The message that a token stands in; None where it is none of ours, or there is no such message any more."""
    found = links.read(keys_for(app.settings, PURPOSE), purpose, token)
    if found is None or max(found) > 2**31 - 1:
        return None
    with app.db.read() as tx:
        return clicks.find(tx, *found)


def leads_on(settings: Settings, target: str) -> bool:
    """Whether a link may lead there."""
    return links.is_allowed(target, [one.strip() for one in settings.link_hosts.split(",") if one.strip()])


def _target(app: Countersign, message: Message, constants: Mapping[str, Any]) -> str:
    named = NAMED.fullmatch(message.link.strip())
    target = str(constants.get(named[1], "")) if named else message.link  # whole: rendering cuts a value at 100 signs
    if not leads_on(app.settings, target):
        raise ValueError("{link} leads to no host that COUNTERSIGN_LINK_HOSTS allows")
    return target
