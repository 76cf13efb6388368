"""Why a wave or a delivery is held, in the reader's words: it is recorded in a few signs, the same in every language.

Refuses to guess: what it does not know, and what people wrote, is shown as it was recorded.
"""

import re

from api.formats import Formats
from api.i18n import N_

METRICS = {
    "complaint_rate": N_("complaints"),
    "opt_out_rate": N_("opt-outs"),
    "failure_rate": N_("failures"),
}
GATE = re.compile(r"gate: (\w+) (\S+%) > (\S+%)")
AGE = re.compile(r"(\d+[dhm]) > (\d+[dhm])")
GROUP = re.compile(r"(\w+)@(\d+) → \1@(\d+)")
BUDGET = re.compile(r"budget: (\S+) > (\S+)")
CONTENT = re.compile(r"content: (\d+) of (\d+) texts of (\w+) may not go out")
PROOFS = re.compile(r"proofs: (\d+) of (\d+) said that it fits")
OVERRUN = N_(
    "What goes out next costs %(needed)s, and %(left)s is left of the budget that was approved for this case. Nothing"
    " more is sent. Let fewer customers have it in a case of their own, or end this delivery."
)
LIST = re.compile(r"list (\w+)")


def spoken(reason: str, formats: Formats) -> str:
    """The gate is shut: complaints 0.41% > 0.2%."""
    say = formats.words
    if reason == "paused":
        return say(N_("Paused"))
    if reason == "stop rule overruled":
        return say(N_("A person let it go on after the stop rule; the rule is not asked again"))
    kind, separator, rest = reason.partition(": ")
    if found := GATE.fullmatch(reason):
        metric, was, most = found.groups()
        return say(N_("The gate is shut: %(metric)s %(was)s, at most %(most)s"), metric=say(METRICS[metric]), was=was,
                   most=most) if metric in METRICS else reason  # fmt: skip
    if found := BUDGET.fullmatch(reason):
        needed, left = map(formats.money, found.groups())
        return say(OVERRUN, needed=needed, left=left)
    if found := CONTENT.fullmatch(reason):
        wrong, texts, wave = found.groups()
        said = {"wrong": formats.number(int(wrong)), "texts": formats.number(int(texts)), "wave": wave}
        return say(N_("%(wrong)s of %(texts)s texts of the wave %(wave)s may not go out"), **said)
    if found := PROOFS.fullmatch(reason):
        fits, need = found.groups()
        return say(
            N_("%(fits)s of %(need)s people said of every text of the message that it fits"), fits=fits, need=need
        )
    if kind == "stop" and separator:
        return say(N_("The stop rule holds: %(rule)s"), rule=rest)
    if kind == "stale" and separator:
        return say(
            N_("The list is stale: %(why)s"), why=say("; ").join(_stale(one, formats) for one in rest.split(", "))
        )
    if reason.startswith("opened by "):
        return say(N_("Opened by %(who)s"), who=reason.removeprefix("opened by "))
    return reason


def _stale(why: str, formats: Formats) -> str:
    say = formats.words
    if found := AGE.fullmatch(why):
        was, most = map(formats.period, found.groups())
        return say(N_("selected %(was)s ago, at most %(most)s"), was=was, most=most)
    if found := GROUP.fullmatch(why):
        name, was, now = found.groups()
        return say(N_("group %(name)s has version %(now)s, version %(was)s was used"), name=name, was=was, now=now)
    if found := LIST.fullmatch(why):
        return say(N_("the imported list %(name)s is another one now"), name=found[1])
    return why
