"""The definitions and organisations that the random walks are made in, and what the model expects of them."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any, Literal, NamedTuple

from hypothesis import strategies as st
from msgspec import Struct

from engine.machine.asking import OwnPolicy
from engine.machine.chains import Column, Countersign
from engine.machine.deadlines import Lapse, Timeout
from engine.machine.lifecycle import Stages
from engine.machine.process import Process, Row
from engine.machine.standing import Resume
from engine.machine.steps import Repeat
from engine.machine.tally import AllOf, AnyOf, InSequence, Quorum, Tally, Vote
from engine.values import Duration
from tests.fakes.organisation import FakeDirectory
from tests.unit.machine import trial
from tests.unit.machine import walk_model as model
from tests.unit.machine.trial import LARGE, MIDDLE, SMALL, STAGES, approve, copy, file, rule

Mode = Literal["any", "claim", "all", "sequence", "quorum", "vote"]
TALLIES: dict[Mode, Tally] = {
    "any": AnyOf(),
    "claim": AnyOf(),
    "all": AllOf(),
    "sequence": InSequence(),
    "quorum": Quorum(n=2),
    "vote": Vote(),
}
FORMS = (SMALL, MIDDLE, LARGE)
OUTSIDE = ("ann", "bob", "cat", "dan")
"""People with an account and no role, whom others bring in."""
HOLDERS: dict[str, tuple[str, ...]] = {
    "role:finance@city": ("fin_a", "fin_b", "fin_c"),
    "role:network@city": ("net_a", "net_b"),
    "role:service@city": ("srv_a", "srv_b"),
    "role:legal@city": ("clerk", "leg_a"),
    "role:vp_market@city": ("vp_a", "fin_a"),
    "role:marketing@province": ("mkt_a", "mkt_b"),
    "role:marketing@city": ("mkt_c",),
    "role:process_admin": ("admin",),
}
SUPERIORS = {
    **dict.fromkeys(("fin_a", "fin_b", "fin_c", "net_a", "net_b", "clerk", "ann"), "city_head"),
    **dict.fromkeys(("city_head", "srv_a", "srv_b", "vp_a"), "province_head"),
}
REPRESENTED = {"clerk": ("deputy",), "fin_a": ("stand_in",), "net_a": ("fin_b",)}
LEFT: dict[str, tuple[str, ...]] = {
    "role:finance@city": ("fin_b",),
    "role:network@city": ("net_b", "net_c"),
    "role:vp_market@city": (),
}
"""Who holds these roles after people have left."""
HIRED = {**LEFT, "role:finance@city": ("fin_d", "fin_a", "fin_c"), "role:service@city": ("srv_b", "srv_c", "deputy")}
OFFICES = {
    "first": FakeDirectory(HOLDERS, SUPERIORS, {"fin_a": 3}, {"clerk": "clerk2"}, REPRESENTED),
    "left": FakeDirectory(
        {**HOLDERS, **LEFT}, SUPERIORS, {"fin_a": 3}, {"clerk": "clerk2"}, REPRESENTED, frozenset({"fin_a", "ann"})
    ),
    "deserted": FakeDirectory(
        {**HOLDERS, "role:finance@city": (), "role:vp_market@city": (), "role:process_admin": ()},
        SUPERIORS,
        twins={"clerk": "clerk2"},
        represented=REPRESENTED,
    ),
    "hired": FakeDirectory({**HOLDERS, **HIRED}, SUPERIORS, {"fin_d": 2}, {"clerk": "clerk2"}, REPRESENTED),
}


class World(NamedTuple):
    """What a definition chooses."""

    mode: Mode
    last: Mode
    resume: Resume
    repeat: Repeat
    lapse: Lapse
    own: OwnPolicy
    join: int | None
    has_stages: bool


WORLDS = st.builds(
    World,
    mode=st.sampled_from(list(TALLIES)),
    last=st.sampled_from(["any", "claim", "all"]),
    resume=st.sampled_from(["restart", "at_returner", "changed_aspects"]),
    repeat=st.sampled_from(["ask_again", "carry", "carry_adjacent"]),
    lapse=st.sampled_from(["escalate", "escalate", "return", "reject", "approve"]),
    own=st.sampled_from(["next_level_up", "skip"]),
    join=st.sampled_from([None, None, 1, 2]),
    has_stages=st.booleans(),
)


class UpTo(Struct, frozen=True):
    """Silence approves up to this budget."""

    budget: int

    def is_within(self, form: dict[str, Any]) -> bool:
        return bool(form["budget"] <= self.budget)


LIMIT = UpTo(100_000)


@cache
def process(world: World, office: str = "first") -> Process:
    """The definition of a world, in the organisation as it is now."""
    timeout = Timeout((Duration.parse("1wd"),), Duration.parse("3wd"), limit=2, do=world.lapse, passes=LIMIT)
    more: dict[str, Any] = {"own": world.own, "timeout": timeout}

    def decided(name: str, who: str, mode: Mode, **others: Any) -> Any:
        return approve(name, who, TALLIES[mode], claim=mode == "claim", return_to=("any",), **more, **others)

    main: tuple[Column, ...] = (
        decided("finance", "role:finance@city", world.mode),
        Countersign(
            "both",
            (
                decided("network", "role:network@city", "all"),
                decided("service", "role:service@city", "sequence"),
                decided("legal", "role:legal@city", "any", when="form.reach > 50000"),
            ),
            join=world.join,
        ),
        decided("vp", "role:vp_market@city", world.last, repeat=world.repeat, on_reject="return_submitter"),
        file("province", "role:marketing@province"),
        copy("seen", "role:finance@city"),
    )
    small = (file("register", "role:marketing@city", window="2wd", objection="main"),)
    chains = {"main": main, "small": small}
    stages = STAGES if world.has_stages else Stages()
    route = (Row("small", rule("form.budget <= 5000 && form.reach <= 2000")), Row("main"))
    built = trial.process(chains, route=route, stages=stages, people=OFFICES[office])
    return replace(built, resume=world.resume)


STEPS = {
    "finance": "role:finance@city",
    "network": "role:network@city",
    "service": "role:service@city",
    "legal": "role:legal@city",
    "vp": "role:vp_market@city",
    "province": "role:marketing@province",
    "register": "role:marketing@city",
}
BARRED = ("clerk", "clerk2", "deputy")
"""The submitter, their other account, and who stands in for them: none of them decides on the case."""


def superiors_of(person: str, office: str) -> tuple[str, ...]:
    """Whom a task escalates to, first choice first."""
    return (SUPERIORS[person],) if person in SUPERIORS else OFFICES[office].holders["role:process_admin"]


def expected_approval(world: World, form: dict[str, Any], office: str, chain: str = "") -> model.Approval:
    """What the model expects of a case with this form, from the beginning of its chain."""
    people, weights = people_of(world, office)
    mode, last = ("any" if one == "claim" else one for one in (world.mode, world.last))
    main = (
        model.Column((model.Step("finance", mode),)),
        model.Column(
            (model.Step("network", "all"), model.Step("service", "sequence"), model.Step("legal", "any", 50_000)),
            "both",
            world.join or 0,
            "returned",
        ),
        model.Column((model.Step("vp", last, carries=True),), refused="returned"),
        model.Column((model.Step("province", "file"),)),
        model.Column((model.Step("seen", "copy"),)),
    )
    is_small = chain != "main" and form["budget"] <= 5_000
    columns = (model.Column((model.Step("register", "file"),)),) if is_small else main
    return model.Approval(columns, form["reach"], people, weights, world.repeat)


def people_of(world: World, office: str) -> tuple[dict[str, tuple[str, ...]], Mapping[str, int]]:
    """Whom each step asks in an organisation, and the weights of their votes."""
    directory = OFFICES[office]
    admins = directory.holders["role:process_admin"]
    return {
        step: _asked(world, step, directory.holders[who]) or admins for step, who in STEPS.items()
    }, directory.weights


def _asked(world: World, step: str, found: tuple[str, ...]) -> tuple[str, ...]:
    people = tuple(one for one in found if one not in BARRED)
    is_own = len(people) < len(found)
    enough = people and (
        step in ("legal", "province", "register") or (step == "finance" and world.mode in ("any", "claim"))
    )
    if is_own and not enough and world.own == "next_level_up":
        people = (*people, "city_head")
    return people
