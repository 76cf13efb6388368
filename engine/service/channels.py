"""The channels by which staff are told: which are open, for which occasions people have them who chose nothing, and
where each reaches a person. Administrators set the channels; mail and the SMS gateway lie where the settings say.
"""

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from engine.errors import InvalidForm, Problem
from engine.service import addresses
from engine.service.addresses import AddressRefused
from engine.service.app import Countersign
from engine.service.authorizing import authorize
from engine.service.holding import CHANNELS, GROUPS, Address, Channel, Group, Preferences
from engine.service.views import Viewer
from engine.store import circuits, messages, preferences
from engine.store.circuits import Down
from engine.store.messages import Line
from engine.values import Bilingual

ADMINISTRATOR = "administrator"
LABELS: dict[str, Bilingual] = {
    "email": Bilingual(zh="电子邮件", en="E-mail"),
    "sms": Bilingual(zh="短信", en="SMS"),
    "wecom": Bilingual(zh="企业微信机器人", en="WeCom bot"),
    "dingtalk": Bilingual(zh="钉钉机器人", en="DingTalk bot"),
    "feishu": Bilingual(zh="飞书机器人", en="Feishu bot"),
    "webhook": Bilingual(zh="自有地址", en="Own address"),
}
BOTS: dict[str, str] = {  # how the address of a bot begins, as its vendor shows it
    "wecom": "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=",
    "dingtalk": "https://oapi.dingtalk.com/robot/send?access_token=",
    "feishu": "https://open.feishu.cn/open-apis/bot/v2/hook/",
}
SIGNED = ("dingtalk", "feishu", "webhook")  # whose address may come with a key that signs


class ChannelChoice(BaseModel):
    """What an administrator sets of a channel. `server`: where the bots of a private installation lie, in place of the
    vendor's own host; `groups`: the occasions for which people have it who chose nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    is_open: bool = False
    server: str = Field("", max_length=200, examples=["https://wecom.example.org"])
    groups: tuple[Group, ...] = Field((), examples=[["task", "reminder"]])


AS_IT_COMES = {name: ChannelChoice() for name in CHANNELS} | {"email": ChannelChoice(is_open=True, groups=GROUPS)}


GivenUp = Line  # as callers name it


@dataclass(frozen=True, slots=True)
class ChannelView:
    """A channel for its administrator. `is_set_up`: the settings name its server, where it needs one."""

    name: Channel
    label: Bilingual
    choice: ChannelChoice
    is_set_up: bool
    waiting: int
    dead: int
    down: Down | None
    has_server: bool


def chosen_by_administrators(tx: Connection) -> dict[Channel, ChannelChoice]:
    """Every channel as it is set."""
    kept = preferences.of_channels(tx)
    return {
        name: ChannelChoice.model_validate_json(kept[name]) if name in kept else AS_IT_COMES[name] for name in CHANNELS
    }


def wanted_by(tx: Connection, person: str) -> Preferences:
    """What a person chose; everything as it comes where they chose nothing."""
    body = preferences.of_person(tx, person)
    return Preferences() if body is None else Preferences.model_validate_json(body)


def address_of(tx: Connection, person: str, channel: str) -> Address:
    """Where a channel reaches a person; empty where it does not."""
    return next((one for name, one in wanted_by(tx, person).addresses.items() if name == channel), Address())


def chosen(app: Countersign, tx: Connection, wanted: Preferences, group: Group) -> tuple[Channel, ...]:
    """The open channels by which a person is told of such occasions, as far as they have an address there."""
    every = chosen_by_administrators(tx)
    own = wanted.channels.get(group)
    return tuple(
        name
        for name, choice in every.items()
        if choice.is_open
        and (name in own if own is not None else group in choice.groups)
        and (name == "email" or (name in wanted.addresses and wanted.addresses[name].to))
    )


def circuit_of(channel: Channel, wanted: Preferences) -> str:
    """What goes down together with this channel for this person: all of it, or the host of their own address."""
    if channel != "webhook":
        return channel
    return f"webhook:{addresses.parsed(wanted.addresses[channel].to, private=True).host}"[:120]


def administrators(app: Countersign, tx: Connection) -> tuple[str, ...]:
    """Who is told when something does not work."""
    organisation = app.organisation(tx)
    holders = dict.fromkeys(grant.person for grant in organisation.grants if grant.role == ADMINISTRATOR)
    return tuple(person for person in holders if organisation.is_active(person))


def begins(channel: Channel, choice: ChannelChoice) -> str:
    """How the address of a bot must begin; empty where it is no bot."""
    usual = BOTS.get(channel, "")
    if not usual or not choice.server:
        return usual
    return choice.server.rstrip("/") + "/" + usual.split("/", 3)[3]


def overview(app: Countersign, viewer: Viewer) -> tuple[ChannelView, ...]:
    """Every channel with what waits and what was given up, for administrators."""
    authorize(viewer, "channels.manage")
    with app.db.read() as tx:
        every, counted = chosen_by_administrators(tx), messages.counts(tx)
        down = {one.name: one for one in circuits.all_down(tx)}
    there = {"email": bool(app.settings.mail_url), "sms": bool(app.settings.sms_url)}
    return tuple(
        ChannelView(
            name=name,
            label=LABELS[name],
            choice=choice,
            is_set_up=there.get(name, True),
            waiting=counted.get((name, "pending"), 0) + counted.get((name, "bundled"), 0),
            dead=counted.get((name, "dead"), 0),
            down=down.get(name),
            has_server=name in BOTS,
        )
        for name, choice in every.items()
    )


def not_answering(app: Countersign) -> tuple[Down, ...]:
    """Every channel, webhook or address that does not answer now: for the page of the application's health."""
    with app.db.read() as tx:
        return circuits.all_down(tx)


def set_channel(app: Countersign, viewer: Viewer, name: Channel, choice: ChannelChoice) -> None:
    """Open or close a channel, and say who has it without choosing. InvalidForm where the server cannot be used."""
    authorize(viewer, "channels.manage")
    if choice.server:
        try:
            target = addresses.parsed(choice.server, private=app.settings.private_addresses)
        except AddressRefused as refused:
            raise InvalidForm([_problem(f"{name}-server", refused)]) from None
        if target.path != "/" or name not in BOTS:
            raise InvalidForm([_problem(f"{name}-server", AddressRefused(reason="only scheme and host belong here"))])
    with app.db.begin() as tx:
        preferences.keep_of_channel(tx, name, choice.model_dump_json(), app.now())


def given_up(app: Countersign, viewer: Viewer, limit: int = 100) -> tuple[Line, ...]:
    """The messages that were given up, the newest first; `error` says why."""
    authorize(viewer, "channels.manage")
    with app.db.read() as tx:
        return messages.listed(tx, state="dead", limit=limit)


def send_again(app: Countersign, viewer: Viewer, number: int) -> bool:
    """Try a message once more that was given up. False where it was not."""
    authorize(viewer, "channels.manage")
    with app.db.begin() as tx:
        return messages.revive(tx, number, app.now())


def _problem(at: str, refused: AddressRefused) -> Problem:
    return Problem("address", refused.message, at=at, fields=refused.fields)
