"""The texts of letters beside the audience: filled with a member's masked values, framed so that nobody takes them for
the real thing, and known by a hash of what was written before anything was filled in.

Refuses channels whose messages do not leave the house.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from engine.definition.catalogue import catalogue
from engine.definition.model import Definition
from engine.delivery.channels import Email, Sms, Webhook
from engine.delivery.message import placeholders, renderer
from engine.delivery.plan import DeliveryPlan
from engine.masking import masked, masked_name
from engine.service import messagelinks
from engine.service.app import Countersign
from engine.service.wording import composed
from engine.settings import Settings

PROVABLE = (Sms.name, Email.name, Webhook.name)
"""The channels that proofs go over."""
MARK = {"zh": "样张", "en": "PROOF"}


@dataclass(frozen=True, slots=True)
class Form:
    """One text of a message: the channel, the first of its cells, the hash that it is known by; `variant`, where a
    test compares it with others."""

    channel: str
    cell: str
    about: str
    variant: str = ""


def forms(
    plan: DeliveryPlan, values: Mapping[str, Any], cells: Collection[str], channels: Collection[str]
) -> tuple[Form, ...]:
    """Every text once that customers of these cells get over these channels, for a form with these values."""
    found: dict[str, Form] = {}
    for channel in PROVABLE:
        if plan.message is None or channel not in channels:
            continue
        words = plan.message.words_for(channel)
        for cell in sorted(cells):
            own = words.get(cell, words.get(""))
            if own is not None:
                about = _about(plan, values, channel, own.template(values))
                found.setdefault(about, Form(channel, cell, about))
        if cells and any(wave.has_variants and channel in wave.channel for wave in plan.waves):
            for name, own in plan.message.variants.items():
                about = _about(plan, values, channel, own.template(values))
                found.setdefault(about, Form(channel, min(cells), about, name))
    return tuple(found.values())


def _about(plan: DeliveryPlan, values: Mapping[str, Any], channel: str, template: str) -> str:
    """Another hash as soon as anything of the text is another: its words, or a value of the form in them."""
    subject = _subject(plan, channel)
    link = plan.message.link if plan.message else ""
    named = {name for text in (subject, template, link) for name in placeholders(text) if name.startswith("form.")}
    filled = {name: str(values.get(name.removeprefix("form."))) for name in sorted(named)}
    return hashlib.sha256(json.dumps([channel, subject, template, link, filled]).encode()).hexdigest()[:32]


def filler(
    app: Countersign, definition: Definition, form: Mapping[str, Any], channel: str
) -> Callable[[str, str, tuple[Any, ...]], tuple[str, str]]:
    """What makes subject and text of a member of a cell, in a variant or the empty one, with these values, which it
    masks. ValueError where a text names what its plan does not allow."""
    plan = definition.delivery
    assert plan is not None
    assert plan.message is not None
    values = definition.context(form)["form"]
    texts = composed(app.settings, plan, values, (channel,))
    tested = composed(app.settings, plan, values, (channel,), is_tested=True)
    constants = {f"form.{name}": value for name, value in values.items()} | messagelinks.shown(app.settings, ())
    entitle = renderer(_subject(plan, channel), plan.message.fields, constants)
    hide, other = masks(definition, plan.message.fields), texts.get("", lambda _values: "")

    def filled(cell: str, variant: str, found: tuple[Any, ...]) -> tuple[str, str]:
        hidden = tuple(mask(value) for mask, value in zip(hide, found, strict=True))
        compose = tested[variant] if variant else texts.get(cell, other)
        return entitle(hidden), compose(hidden)

    return filled


def framed(settings: Settings, subject: str, text: str, name: str = "") -> tuple[str, str]:
    """Subject and text that say what they are; `name` is the proof that its reader answers on a page."""
    mark = MARK[settings.language]
    link = f"{settings.public_url.rstrip('/')}/proofs/{name}" if name else ""
    if settings.language == "zh":
        end = f"〔{mark}完，未发给客户。是否合适，请答：{link} 〕" if link else f"〔{mark}完，供抽查，无需处理〕"
        return f"〔{mark}〕{subject}" if subject else "", f"〔{mark}，非正式消息〕{text}{end}"
    end = f"[End of proof, not for customers. Does it fit? {link} ]" if link else "[End of proof, for checking only]"
    return f"[{mark}] {subject}" if subject else "", f"[{mark}, NOT A MESSAGE TO YOU] {text} {end}"


def masks(definition: Definition, names: tuple[str, ...]) -> tuple[Callable[[Any], Any], ...]:
    """For each field of customers what hides a value of it, where it is personal or nobody knows."""
    known = catalogue(definition.catalogue)

    def mask(name: str) -> Callable[[Any], Any]:
        field = known.fields.get(name) if known else None
        if field is not None and not field.personal and field.type != "address":
            return lambda value: value
        hide = masked_name if name == "name" else masked
        return lambda value: hide(str(value)) if value is not None else None

    return tuple(map(mask, names))


def _subject(plan: DeliveryPlan, channel: str) -> str:
    return plan.message.email.subject if plan.message and plan.message.email and channel == Email.name else ""
