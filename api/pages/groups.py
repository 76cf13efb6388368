"""Customer groups and the rule library: the list, one group with its versions, and the form that tries out and saves.

The numbers of an edit are shown before it can be saved: a text that was changed since is shown its numbers anew.
"""

from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, Response

from api import diagnostics
from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit, Posted, text
from api.errors import problem_sentence, sentence
from api.pages.admin import by, tried
from api.visit import Visit
from engine.errors import CountersignError, GroupChanged, Invalid, NoCustomers, Problem
from engine.service import group_impact, group_yaml, groups
from engine.service.app import Countersign
from engine.service.group_impact import Impact
from engine.service.groups import GroupView
from engine.service.views import Viewer
from engine.values import digest_of

router = APIRouter(dependencies=[for_page("groups.read")])
WRITING = for_page("groups.write")
FIELDS = ("name", "title", "note")
BEGINNING = {"rule": "c.arpu >= 100"}
EXAMPLES = ({"in": {"arpu": 120}}, {"out": {"arpu": 12}})


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with the text, for the list of problems."""

    problems: tuple[Problem, ...] = ()


@dataclass(slots=True)
class Form:
    """The form as it is shown: what was typed, and what came of it."""

    typed: dict[str, str]
    written: str
    base: int | None
    of: GroupView | None = None
    wrong: Wrong = field(default_factory=Wrong)
    impact: Impact | None = None
    error: str = ""
    status: int = 200
    theirs: str = ""


@router.get("/groups")
def listed(app: App, visit: CurrentVisit, viewer: CurrentViewer, q: str = "", kind: str = "") -> Response:
    """All groups, or those that are one rule, or those with these words."""
    every = groups.listed(app, viewer)
    wanted = q.strip().casefold()[:60]
    shown = [
        one
        for one in every
        if wanted in f"{one.name}\n{one.title}\n{one.owner_name}\n{one.note}".casefold()
        and (kind != "rules" or one.is_rule)
        and (kind != "mine" or one.owner == viewer.person)
    ]
    return visit.page("groups.html", groups=shown, q=q[:60], kind=kind, any=bool(every))


@router.get("/groups/new", dependencies=[WRITING])
def begin(app: App, visit: CurrentVisit, viewer: CurrentViewer) -> Response:
    """The form of a new group."""
    return _form(visit, Form(dict.fromkeys(FIELDS, ""), group_yaml.written(BEGINNING, EXAMPLES), None))


@router.post("/groups/new", dependencies=[WRITING])
def create(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """Try a new group out, or save it."""
    typed = {name: text(form, name) for name in FIELDS}
    return _sent(app, visit, viewer, form, Form(typed, str(form.get("source", "")), None))


@router.get("/groups/{name}")
def show(
    *, app: App, visit: CurrentVisit, viewer: CurrentViewer, name: str, version: str = "", count: str = ""
) -> Response:
    """One version with who uses the group and what each version changed; `count` counts its customers."""
    return _page(app, visit, viewer, name, _number(version), count=bool(count))


@router.get("/groups/{name}/edit", dependencies=[WRITING])
def edit(app: App, visit: CurrentVisit, viewer: CurrentViewer, name: str, version: str = "") -> Response:
    """The form of the next version, with the text of the newest or of an earlier one."""
    newest, shown = groups.find(app, viewer, name), groups.find(app, viewer, name, _number(version))
    typed = {"name": name, "title": shown.title, "note": ""}
    return _form(visit, Form(typed, group_yaml.written(shown.source, shown.tests), newest.version, newest))


@router.post("/groups/{name}/edit", dependencies=[WRITING])
def change(app: App, visit: CurrentVisit, viewer: CurrentViewer, name: str, form: Posted) -> Response:
    """Try the next version out, or save it."""
    typed = {**{one: text(form, one) for one in FIELDS}, "name": name}
    of = groups.find(app, viewer, name)
    shown = Form(typed, str(form.get("source", "")), _number(text(form, "base")) or of.version, of)
    return _sent(app, visit, viewer, form, shown)


@router.post("/groups/{name}/end", dependencies=[WRITING])
def end(app: App, visit: CurrentVisit, viewer: CurrentViewer, name: str, form: Posted) -> Response:
    """Offer the group no more, or again."""

    def act() -> None:
        groups.end(app, by(visit, viewer, form), name, ended=text(form, "action") != "offer")

    def page(error: str, status: int) -> Response:
        return _page(app, visit, viewer, name, None, error=error, status=status)

    return tried(visit, act, page) or visit.go(f"/groups/{name}")


def _sent(app: Countersign, visit: Visit, viewer: Viewer, form: Any, shown: Form) -> Response:
    """What was sent, tried out or saved. A text is saved once its numbers were shown."""
    acting = by(visit, viewer, form)
    is_seen = text(form, "seen") == _digest(shown)
    try:
        said = group_yaml.parsed(shown.written)
    except Invalid as error:
        return _refused(visit, shown, error, error.problems)
    name = shown.typed["name"]
    try:
        if text(form, "action") == "save" and is_seen:
            saved = groups.save(
                app,
                acting,
                name=name,
                title=shown.typed["title"],
                source=said.source,
                note=shown.typed["note"],
                base=shown.base,
                tests=said.tests,
            )
            return visit.go(f"/groups/{saved.name}")
        shown.impact = group_impact.impact(app, acting, name=name, source=said.source, tests=said.tests)
    except GroupChanged as error:
        newest = groups.find(app, viewer, name)
        shown.base, shown.of, shown.theirs = newest.version, newest, group_yaml.written(newest.source, newest.tests)
        return _refused(visit, shown, error, ())
    except Invalid as error:
        return _refused(visit, shown, error, said.placed(error))
    except NoCustomers as error:
        return _refused(visit, shown, error, ())
    return _form(visit, shown)


def _refused(visit: Visit, shown: Form, error: CountersignError, problems: tuple[Problem, ...]) -> Response:
    visit.wrong = {one.at: problem_sentence(one, visit.formats) for one in reversed(problems) if one.at in FIELDS}
    shown.wrong = Wrong(tuple(one for one in problems if one.at not in FIELDS))
    shown.error = sentence(error, visit.formats) if not problems else ""
    shown.status = error.status
    return _form(visit, shown)


def _form(visit: Visit, shown: Form) -> Response:
    return visit.page("group_form.html", status=shown.status, form=shown, diagnosed=diagnostics, seen=_digest(shown))


def _digest(shown: Form) -> str:
    return digest_of(
        {"text": shown.written.replace("\r\n", "\n").strip(), "base": shown.base, "name": shown.typed["name"]}
    )


def _page(
    app: Countersign,
    visit: Visit,
    viewer: Viewer,
    name: str,
    version: int | None,
    *,
    count: bool = False,
    error: str = "",
    status: int = 200,
) -> Response:
    view, every = groups.find(app, viewer, name, version), groups.versions(app, viewer, name)
    texts = [group_yaml.written(one.source, one.tests) for one in every]
    return visit.page(
        "group.html",
        status=status,
        group=view,
        parts=groups.parts(view),
        written=group_yaml.written(view.source, ()),
        used=groups.used_by(app, viewer, name),
        versions=[
            (one, group_yaml.changes(before, after))
            for one, after, before in zip(every, texts, [*texts[1:], ""], strict=True)
        ],
        counted=group_impact.size(app, by(visit, viewer), name, version) if count else None,
        error=error,
    )


def _number(sent: str) -> int | None:
    return int(sent) if sent.isdecimal() and 0 < len(sent) < 10 and int(sent) else None
