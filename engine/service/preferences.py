"""Each person's own choice of how they are told: shown, checked, kept, tried. The inbox always tells everything."""

import re
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection

from engine.errors import InvalidForm, Problem
from engine.service import addresses, channels
from engine.service.addresses import AddressRefused
from engine.service.app import Countersign
from engine.service.channels import ChannelChoice
from engine.service.holding import GROUPS, Address, Channel, Group, Preferences
from engine.service.views import Viewer
from engine.store import messages, people, preferences
from engine.store.messages import New, Ping
from engine.values import Bilingual

MOBILE = re.compile(r"\+?\d{7,15}")


@dataclass(frozen=True, slots=True)
class OwnChannel:
    """An open channel for one person: where it reaches them, how an address must begin, whether it may have a key."""

    name: Channel
    label: Bilingual
    to: str
    begins: str
    is_signed: bool
    has_secret: bool
    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class PreferencesView:
    """What a person chose, with the channels they can choose from."""

    wanted: Preferences
    channels: tuple[OwnChannel, ...]


def shown(app: Countersign, viewer: Viewer) -> PreferencesView:
    """The viewer's choice. Keys of bots are not shown again."""
    with app.db.read() as tx:
        return _view(tx, viewer, channels.wanted_by(tx, viewer.person))


def read(given: dict[str, Any]) -> Preferences:
    """What was entered, as preferences; InvalidForm where a value is none of those that there are."""
    try:
        return Preferences.model_validate(given)
    except ValidationError as error:
        problems = [
            Problem("preference", str(each["msg"]), at=str(each["loc"][0]), fields={"name": str(each["loc"][0])})
            for each in error.errors()
        ]
        raise InvalidForm(problems) from None


def entered(app: Countersign, viewer: Viewer, wanted: Preferences) -> PreferencesView:
    """What the viewer entered and is not kept yet, to be shown with what is wrong with it."""
    with app.db.read() as tx:
        return _view(tx, viewer, wanted)


def save(app: Countersign, viewer: Viewer, wanted: Preferences) -> None:
    """Keep what the viewer chose, from the next notice on. An empty key leaves the one that there is where the address
    stays the same. InvalidForm with all that is wrong."""
    with app.db.read() as tx:
        before, every = channels.wanted_by(tx, viewer.person), channels.chosen_by_administrators(tx)
    kept = {name: _with_secret(one, before.addresses.get(name)) for name, one in wanted.addresses.items() if one.to}
    problems = [
        problem
        for name, one in kept.items()
        if one != before.addresses.get(name) and (problem := _wrong(app, name, one, every[name]))
    ]
    problems += _without_address(wanted, kept)
    if bool(wanted.quiet_from) != bool(wanted.quiet_to):
        problems.append(Problem("quiet", "quiet hours need a beginning and an end", at="quiet"))
    if problems:
        raise InvalidForm(problems)
    body = wanted.model_copy(update={"addresses": kept}).model_dump_json()
    with app.db.begin() as tx:
        preferences.keep_of_person(tx, viewer.person, body, app.now())


def try_out(app: Countersign, viewer: Viewer, channel: Channel, key: str) -> None:
    """Send the viewer a test by a channel of theirs. InvalidForm where it does not reach them."""
    with app.db.begin() as tx:
        wanted = channels.wanted_by(tx, viewer.person)
        choice = channels.chosen_by_administrators(tx)[channel]
        if not choice.is_open or (channel != "email" and not wanted.addresses.get(channel, Address()).to):
            raise InvalidForm([Problem("no-address", "there is no address", at=f"{channel}-to")])
        new = New(
            key=f"ping:{key}:{channel}"[:240],
            person=viewer.person,
            channel=channel,
            circuit=channels.circuit_of(channel, wanted),
            occasion="ping",
            case_id="",
            subject=Ping(),
            release_at=app.now(),
        )
        messages.put(tx, new, app.now())


def _view(tx: Connection, viewer: Viewer, wanted: Preferences) -> PreferencesView:
    row = people.find_person(tx, viewer.person)
    own = []
    for name, choice in channels.chosen_by_administrators(tx).items():
        if choice.is_open:
            address = wanted.addresses.get(name, Address())
            own.append(
                OwnChannel(
                    name=name,
                    label=channels.LABELS[name],
                    to=address.to if name != "email" else (row.email if row else ""),
                    begins=channels.begins(name, choice),
                    is_signed=name in channels.SIGNED,
                    has_secret=bool(address.secret),
                    groups=_ticked(name, choice, wanted, is_reached=name == "email" or bool(address.to)),
                )
            )
    return PreferencesView(wanted, tuple(own))


def _ticked(name: Channel, choice: ChannelChoice, wanted: Preferences, *, is_reached: bool) -> tuple[Group, ...]:
    """The occasions that a channel is chosen for; as administrators set it where the person chose nothing, and the
    channel reaches them at all."""
    usual = choice.groups if is_reached else ()
    return tuple(
        group for group in GROUPS if (name in wanted.channels[group] if group in wanted.channels else group in usual)
    )


def _with_secret(one: Address, before: Address | None) -> Address:
    if one.secret or before is None or before.to != one.to:
        return one
    return before


def _wrong(app: Countersign, name: Channel, one: Address, choice: ChannelChoice) -> Problem | None:
    at = f"{name}-to"
    if name == "email":
        return Problem("no-address", "mail goes to the address of the account", at=at)
    if name == "sms":
        return None if MOBILE.fullmatch(one.to) else Problem("mobile", "this is no mobile number", at=at)
    if not one.to.startswith(begins := channels.begins(name, choice)):
        return Problem("bot", f"it begins with {begins}", at=at, fields={"begins": begins})
    try:
        addresses.checked(one.to, private=app.settings.private_addresses)
    except AddressRefused as refused:
        return Problem("address", refused.message, at=at, fields=refused.fields)
    return None


def _without_address(wanted: Preferences, kept: dict[Channel, Address]) -> list[Problem]:
    asked = dict.fromkeys(channel for group in wanted.channels.values() for channel in group)
    return [
        Problem("no-address", "there is no address", at=f"{name}-to")
        for name in asked
        if name != "email" and name not in kept
    ]
