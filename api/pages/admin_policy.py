"""The contact policy: its versions, a proposal of another one, the confirmation by a second administrator."""

from functools import partial
from typing import Any

from fastapi import APIRouter, Response
from starlette.datastructures import FormData

from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit, Posted, text
from api.pages.admin import by, tried
from api.visit import Visit
from engine.audience.policy import CARRIERS, MOST_CAPS, ContactPolicy
from engine.delivery.channels import CHANNELS
from engine.service import policies
from engine.service.app import Countersign
from engine.service.views import Viewer

router = APIRouter(dependencies=[for_page("policy.manage")])
PARTS = ("most", "within", "channel", "purpose", "category")
EACH = ("by", "per_day", "channel")
EMPTY_CAPS = 2
Typed = dict[str, Any]


@router.get("/admin/policy")
def show(app: App, visit: CurrentVisit, viewer: CurrentViewer) -> Response:
    """All versions, the newest first."""
    return _page(app, visit, viewer)


@router.post("/admin/policy")
def propose(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """Propose a policy."""
    typed = _typed(form)
    reason = text(form, "reason")

    def act() -> None:
        policies.propose(app, by(visit, viewer, form), _wanted(typed), reason=reason)

    page = partial(_page, app, visit, viewer, typed=typed, reason=reason)
    return tried(visit, act, lambda error, status: page(error=error, status=status)) or visit.go("/admin/policy")


@router.post("/admin/policy/{version}")
def decide(app: App, visit: CurrentVisit, viewer: CurrentViewer, version: int, form: Posted) -> Response:
    """Confirm a proposal or refuse it."""
    confirm = text(form, "decision") == "confirm"

    def act() -> None:
        policies.decide(app, by(visit, viewer, form), version, confirm=confirm)

    page = partial(_page, app, visit, viewer)
    return tried(visit, act, lambda error, status: page(error=error, status=status)) or visit.go("/admin/policy")


def _typed(form: FormData) -> Typed:
    """What stands in the form; caps that were left empty are gone, so that their numbers are those on the page."""
    caps = [{part: text(form, f"caps.{n}.{part}") for part in PARTS} for n in range(MOST_CAPS)]
    return {
        "caps": [cap for cap in caps if any(cap.values())],
        "similar": text(form, "similar"),
        "capacity": {channel: text(form, f"capacity.{channel}") for channel in CHANNELS},
        "capacity_each": {
            kind: {part: text(form, f"capacity_each.{kind}.{part}") for part in EACH} for kind in CARRIERS
        },
        "exempt": [one for one in form.getlist("exempt") if isinstance(one, str)],
    }


def _wanted(typed: Typed) -> Typed:
    capacity = {channel: most for channel, most in typed["capacity"].items() if most}
    each = {kind: one for kind, one in typed["capacity_each"].items() if one["per_day"] or one["by"]}
    return typed | {"similar": typed["similar"] or None, "capacity": capacity, "capacity_each": each}


def _as_typed(policy: Typed | None) -> Typed:
    said = policy or ContactPolicy().model_dump(mode="json")
    return said | {
        "similar": said["similar"] or "",
        "capacity": dict.fromkeys(CHANNELS, "") | said["capacity"],
        "capacity_each": {kind: dict.fromkeys(EACH, "") for kind in CARRIERS} | said["capacity_each"],
    }


def _page(
    app: Countersign,
    visit: Visit,
    viewer: Viewer,
    *,
    error: str = "",
    status: int = 200,
    typed: Typed | None = None,
    reason: str = "",
) -> Response:
    view = policies.show(app, by(visit, viewer))
    current = view.current
    typed = typed or _as_typed(current.policy if current else None)
    more = min(EMPTY_CAPS, MOST_CAPS - len(typed["caps"]))
    return visit.page(
        "admin_policy.html",
        status=status,
        view=view,
        typed=typed | {"caps": [*typed["caps"], *([dict.fromkeys(PARTS, "")] * more)]},
        filled=len(typed["caps"]),
        fields=[(name, visit.formats.label(label) or name) for name, label in view.fields.items()],
        reason=reason,
        error=error,
    )
