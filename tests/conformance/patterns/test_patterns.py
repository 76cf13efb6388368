"""Control-flow patterns, by the numbers of "Workflow Control-Flow Patterns: A Revised View", on both databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import NotPossible
from engine.service import people, proposals
from tests.acceptance.offices import key
from tests.conformance.patterns.stage import REVIEW, SUBMITTER, Stage, staged


@pytest.fixture
def stage(db_url: str, tmp_path: Path) -> Iterator[Stage]:
    with staged(db_url, tmp_path) as found:
        found.publish("review", REVIEW)
        yield found


def begin(stage: Stage, to: str, *states: str, count: int = 0, places: tuple[str, ...] = ()) -> str:
    lines = [f"draft: {{kind: form, events: [{{event: submit, role: amy, to: {to}}}]}}", *states]
    stage.live("\n".join([*lines, "closed: {kind: final}"]), "ok", "no", "stop")
    return stage.start(title="x", count=count, places=list(places))


def task(name: str, person: str, to: str, *more: str) -> str:
    events = ", ".join([f"{{event: ok, role: {person}, to: {to}}}", *more])
    return f"{name}: {{kind: task, events: [{events}]}}"


def region(name: str, *states: str) -> str:
    return f"{name}: {{kind: compound, states: {{{', '.join(states)}, {name}_done: {{kind: final}}}}}}"


def together(*regions: str, to: str = "closed") -> str:
    return f"all: {{kind: parallel, states: {{{', '.join(regions)}}}, events: [{{event: done, to: {to}}}]}}"


def signed(stage: Stage, join: str, *, cat: str = "true", count: int = 0) -> str:
    stage.publish(
        "signed",
        f"""
approval:
  route: [{{else: main}}]
  chains: {{main: [{{use: three}}, {{approve: after, who: "role:dan"}}]}}
  blocks:
    three:
      parallel:
        - {{approve: first, who: "role:ann"}}
        - {{approve: second, who: "role:bob"}}
        - {{approve: third, who: "role:cat", when: "{cat}"}}
      join: {join}
""",
    )
    return stage.start("signed", title="x", count=count)


def reviews(stage: Stage, how: str, count: int = 0, places: tuple[str, ...] = ()) -> str:
    events = "{event: done, to: after}, {event: failed, to: closed}, {event: stop, role: ann, to: closed}"
    waits = f"reviews: {{kind: cases, open: review, {how}, events: [{events}, {{event: 'ok', role: ann, to: after}}]}}"
    return begin(stage, "reviews", waits, task("after", "bob", "closed"), count=count, places=places)


def approve(stage: Stage, case: str, *which: int) -> None:
    for n in which:
        stage.decide(stage.children(case)[n].id, "dan")


def test_01_sequence(stage: Stage):
    """The second is asked once the first is done."""
    case = begin(stage, "one", task("one", "ann", "two"), task("two", "bob", "closed"))
    assert stage.asked(case) == ["ann at one"]
    stage.do(case, "ann", "ok")
    assert stage.asked(case) == ["bob at two"]


def test_02_parallel_split(stage: Stage):
    """Both are asked at once."""
    case = begin(
        stage, "all", together(region("a", task("x", "ann", "a_done")), region("b", task("y", "bob", "b_done")))
    )
    assert stage.asked(case) == ["ann at x", "bob at y"]


def test_03_synchronization(stage: Stage):
    """What follows begins when both are done."""
    both = together(region("a", task("x", "ann", "a_done")), region("b", task("y", "bob", "b_done")), to="after")
    case = begin(stage, "all", both, task("after", "cat", "closed"))
    stage.do(case, "bob", "ok")
    assert stage.asked(case) == ["ann at x"]
    stage.do(case, "ann", "ok")
    assert stage.asked(case) == ["cat at after"]


CHOICE = "pick: {kind: wait, events: [{when: 'form.count > 5', to: big}, {when: 'form.count <= 5', to: small}]}"


@pytest.mark.parametrize(("count", "asked"), [(9, "ann at big"), (2, "bob at small")])
def test_04_exclusive_choice(stage: Stage, count: int, asked: str):
    """Exactly one branch is taken, as the form says."""
    case = begin(stage, "pick", CHOICE, task("big", "ann", "closed"), task("small", "bob", "closed"), count=count)
    assert stage.asked(case) == [asked]


@pytest.mark.parametrize(("count", "person"), [(9, "ann"), (2, "bob")])
def test_05_simple_merge(stage: Stage, count: int, person: str):
    """Whichever branch was taken, what follows is asked once."""
    branches = (task("big", "ann", "after"), task("small", "bob", "after"))
    case = begin(stage, "pick", CHOICE, *branches, task("after", "cat", "closed"), count=count)
    stage.do(case, person, "ok")
    assert stage.asked(case) == ["cat at after"]


@pytest.mark.parametrize(("count", "third"), [(9, ["cat at main/third"]), (2, [])])
def test_06_multi_choice(stage: Stage, count: int, third: list[str]):
    """Each branch is taken or not by its own condition."""
    case = signed(stage, "all", cat="form.count > 5", count=count)
    assert [one.rpartition("/")[2].split()[-1] for one in stage.asked(case)] == ["first", "second"] + ["third"] * len(
        third
    )


def test_07_structured_synchronizing_merge(stage: Stage):
    """It waits for the branches that were taken, and for no other."""
    case = signed(stage, "all", cat="form.count > 5", count=2)
    stage.decide(case, "ann")
    assert len(stage.asked(case)) == 1
    stage.decide(case, "bob")
    assert [one.split()[0] for one in stage.asked(case)] == ["dan"]


def test_08_multi_merge(stage: Stage):
    """What follows the merge runs once for each branch, also at the same time."""
    then = "{kind: cases, open: review, events: [{event: done, to: %s_done}, {event: failed, to: %s_done}]}"
    a = region("a", task("x", "ann", "ra"), "ra: " + then % ("a", "a"))
    b = region("b", task("y", "bob", "rb"), "rb: " + then % ("b", "b"))
    case = begin(stage, "all", together(a, b))
    stage.do(case, "ann", "ok")
    assert stage.states(case) == ["approving"]
    stage.do(case, "bob", "ok")
    assert stage.states(case) == ["approving", "approving"]
    approve(stage, case, 0, 1)
    assert stage.at(case) == {"closed"}


def partial(stage: Stage, n: int) -> str:
    branches = [region(r, task(f"{r}_work", who, f"{r}_done")) for r, who in (("a", "ann"), ("b", "bob"), ("c", "dan"))]
    gate = "gate: {kind: wait, events: [{while: {n: N, of: [a_done, b_done, c_done]}, to: after}]}".replace("N", str(n))
    return begin(stage, "all", together(*branches, region("on", gate, task("after", "cat", "on_done"))))


def test_09_structured_discriminator(stage: Stage):
    """The first branch lets the case go on, once; the others still run, and it ends when all are done."""
    case = partial(stage, 1)
    stage.do(case, "bob", "ok")
    assert stage.asked(case) == ["ann at a_work", "cat at after", "dan at c_work"]
    stage.do(case, "cat", "ok")
    stage.do(case, "ann", "ok")
    assert stage.asked(case) == ["dan at c_work"]
    stage.do(case, "dan", "ok")
    assert stage.at(case) == {"closed"}


def test_10_arbitrary_cycles(stage: Stage):
    """Ways back lead to several places, into and out of each other's loops."""
    a, c = task("a", "ann", "b"), task("c", "cat", "closed", "{event: no, role: cat, to: a}")
    case = begin(stage, "a", a, task("b", "bob", "c", "{event: no, role: bob, to: a}"), c)
    for person, event, at in (
        ("ann", "ok", "b"),
        ("bob", "no", "a"),
        ("ann", "ok", "b"),
        ("bob", "ok", "c"),
        ("cat", "no", "a"),
    ):
        stage.do(case, person, event)
        assert stage.at(case) == {at}


def test_11_implicit_termination(stage: Stage):
    """The case ends by itself when nothing is left to do in any branch, not before."""
    case = begin(
        stage, "all", together(region("a", task("x", "ann", "a_done")), region("b", task("y", "bob", "b_done")))
    )
    stage.do(case, "ann", "ok")
    assert stage.at(case) != {"closed"}
    stage.do(case, "bob", "ok")
    assert stage.at(case) == {"closed"}
    assert stage.asked(case) == []


def test_13_instances_known_at_design_time(stage: Stage):
    """As many instances as the definition says; all must be done."""
    case = reviews(stage, "for: '3'")
    approve(stage, case, 0, 2)
    assert (stage.states(case).count("approved"), stage.at(case)) == (2, {"reviews"})
    approve(stage, case, 1)
    assert stage.at(case) == {"after"}


def test_14_instances_known_at_run_time(stage: Stage):
    """One instance for each element of the form, known when the state is entered."""
    case = reviews(stage, "for: form.places, pass: {title: each}", places=("north", "west"))
    assert [stage.case(child.id).form["title"] for child in stage.children(case)] == ["north", "west"]
    approve(stage, case, 0, 1)
    assert stage.at(case) == {"after"}


def test_15_instances_added_while_they_run(stage: Stage):
    """A further instance may be added while others run; it is waited for like them."""
    case = reviews(stage, "for: '1', add: bob")
    stage.add(case, "bob")
    approve(stage, case, 0)
    assert stage.at(case) == {"reviews"}
    approve(stage, case, 1)
    assert stage.at(case) == {"after"}


def test_16_deferred_choice(stage: Stage):
    """Who acts first chooses the way; the others are asked no more."""
    case = begin(stage, "x", task("x", "ann", "closed", "{event: no, role: bob, to: y}"), task("y", "cat", "closed"))
    assert stage.asked(case) == ["ann at x", "bob at x"]
    stage.do(case, "bob", "no")
    assert stage.asked(case) == ["cat at y"]


def test_18_milestone(stage: Stage):
    """Something can be done only as long as another branch is in a certain state."""
    a = region("a", task("window", "ann", "a_done"))
    b = region("b", task("y", "bob", "b_done", "{event: no, role: bob, while: window, to: y}"))
    case = begin(stage, "all", together(a, b))
    stage.do(case, "bob", "no")
    stage.do(case, "ann", "ok")
    with pytest.raises(NotPossible):
        stage.do(case, "bob", "no")


def test_19_cancel_task(stage: Stage):
    """One task is called off; the rest of the case goes on."""
    a = region("a", task("x", "bob", "a_done", "{event: stop, role: ann, to: a_done}"))
    case = begin(stage, "all", together(a, region("b", task("y", "cat", "b_done"))))
    stage.do(case, "ann", "stop")
    assert stage.asked(case) == ["cat at y"]


def test_20_cancel_case(stage: Stage):
    """The whole case is called off, with everything that was asked."""
    case = signed(stage, "all")
    proposals.withdraw(stage.app, people.viewer_named(stage.app, SUBMITTER), case, "no need", key=key())
    assert (stage.case(case).state, stage.asked(case)) == ("withdrawn", [])


def test_21_structured_loop(stage: Stage):
    """The work is repeated until the check lets it pass."""
    check = task("check", "bob", "closed", "{event: no, role: bob, to: work}")
    case = begin(stage, "work", task("work", "ann", "check"), check)
    for event in ("no", "no", "ok"):
        stage.do(case, "ann", "ok")
        stage.do(case, "bob", event)
    assert stage.at(case) == {"closed"}
    assert stage.done_in(case) == ["work", "check", "work", "check", "work", "check"]


def test_22_recursion(stage: Stage):
    """A definition opens itself, down to where its condition ends it, and comes back up."""
    pick = "pick: {kind: wait, events: [{when: 'form.count > 0', to: deeper}, {when: 'form.count == 0', to: leaf}]}"
    ends = "events: [{event: done, to: closed}, {event: failed, to: closed}]"
    deeper = f"deeper: {{kind: cases, open: pattern, depth: 3, pass: {{count: form.count - 1}}, {ends}}}"
    top = begin(stage, "pick", pick, deeper, task("leaf", "bob", "closed"), count=2)
    middle = stage.children(top)[0].id
    bottom = stage.children(middle)[0].id
    assert (stage.at(bottom), stage.at(middle)) == ({"leaf"}, {"deeper"})
    stage.do(bottom, "bob", "ok")
    assert stage.at(top) == {"closed"}


def test_23_transient_trigger(stage: Stage):
    """A signal that nobody waits for yet is lost."""
    case = begin(stage, "work", task("work", "bob", "ready"), task("ready", "ann", "closed"))
    with pytest.raises(NotPossible):
        stage.do(case, "ann", "ok")
    stage.do(case, "bob", "ok")
    assert stage.at(case) == {"ready"}
    stage.do(case, "ann", "ok")
    assert stage.at(case) == {"closed"}


def test_24_persistent_trigger(stage: Stage):
    """A signal that comes early is kept until it is waited for."""
    gate = "gate: {kind: wait, events: [{while: s_done, to: w_done}]}"
    case = begin(
        stage,
        "all",
        together(region("s", task("signal", "ann", "s_done")), region("w", task("work", "bob", "gate"), gate)),
    )
    stage.do(case, "ann", "ok")
    assert stage.asked(case) == ["bob at work"]
    stage.do(case, "bob", "ok")
    assert stage.at(case) == {"closed"}


def test_25_cancel_region(stage: Stage):
    """A set of tasks is called off together; those outside it stay."""
    inner = ", ".join([region("p", task("x", "ann", "p_done")), region("q", task("y", "bob", "q_done"))])
    part = f"part: {{kind: parallel, states: {{{inner}}}, events: [{{event: stop, role: dan, to: a_done}}]}}"
    case = begin(stage, "all", together(region("a", part), region("b", task("z", "cat", "b_done"))))
    stage.do(case, "dan", "stop")
    assert stage.asked(case) == ["cat at z"]


def test_26_cancel_instances(stage: Stage):
    """All instances are called off, and what follows them is not done."""
    case = reviews(stage, "for: '3'")
    approve(stage, case, 0)
    stage.do(case, "ann", "stop")
    assert stage.at(case) == {"closed"}
    assert stage.states(case) == ["approved", "cancelled", "cancelled"]


def test_27_complete_instances(stage: Stage):
    """Enough is enough: the instances that still run are called off, and the case goes on."""
    case = reviews(stage, "for: '3'")
    approve(stage, case, 1)
    stage.do(case, "ann", "ok")
    assert stage.at(case) == {"after"}
    assert stage.states(case) == ["cancelled", "approved", "cancelled"]


def test_29_cancelling_discriminator(stage: Stage):
    """The first branch lets the case go on and ends the others."""
    case = signed(stage, "any")
    stage.decide(case, "bob")
    assert [one.split()[0] for one in stage.asked(case)] == ["dan"]
    assert list(stage.why_cancelled(case).values()) == ["joined", "joined"]


def test_30_structured_partial_join(stage: Stage):
    """Two of three branches let the case go on, once; the third still runs."""
    case = partial(stage, 2)
    stage.do(case, "bob", "ok")
    assert "cat at after" not in stage.asked(case)
    stage.do(case, "dan", "ok")
    assert stage.asked(case) == ["ann at a_work", "cat at after"]
    stage.do(case, "ann", "ok")
    assert stage.asked(case) == ["cat at after"]


def test_32_cancelling_partial_join(stage: Stage):
    """Two of three branches let the case go on and end the third."""
    case = signed(stage, "{n: 2}")
    stage.decide(case, "ann")
    assert len(stage.asked(case)) == 2
    stage.decide(case, "cat")
    assert [one.split()[0] for one in stage.asked(case)] == ["dan"]
    assert list(stage.why_cancelled(case).values()) == ["joined"]


def test_34_static_partial_join_of_instances(stage: Stage):
    """Two of three instances let the case go on; the third runs to its end and changes nothing."""
    case = reviews(stage, "for: '3', join: {n: 2}, rest: continue")
    approve(stage, case, 0, 1)
    assert (stage.at(case), stage.states(case)[2]) == ({"after"}, "approving")
    approve(stage, case, 2)
    assert (stage.at(case), stage.states(case)[2]) == ({"after"}, "approved")


def test_35_cancelling_partial_join_of_instances(stage: Stage):
    """Two of three instances let the case go on; the third is called off."""
    case = reviews(stage, "for: '3', join: {n: 2}")
    approve(stage, case, 0, 1)
    assert (stage.at(case), stage.states(case)[2]) == ({"after"}, "cancelled")


def test_36_dynamic_partial_join_of_instances(stage: Stage):
    """Instances are added while they run, and a rule over all of them says at each end whether the case goes on."""
    case = reviews(stage, "for: '2', join: {when: children.done * 2 > children.total}, rest: continue, add: bob")
    stage.add(case, "bob")
    stage.add(case, "bob")
    approve(stage, case, 0, 1)
    assert stage.at(case) == {"reviews"}
    approve(stage, case, 3)
    assert (stage.at(case), stage.states(case)[2]) == ({"after"}, "approving")
