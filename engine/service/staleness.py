"""A frozen list that is stale (陈旧) by the time a wave is due: why it is, and that the wave waits for a person.

The definition says how old a list may be (`stale_after`); without that none is ever stale. Each wave is asked for
itself, because each goes out later. Refuses to select anything: a person has the list selected anew or lets it go.
"""

from collections.abc import Collection
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from engine.audience.groups import version_of
from engine.audience.staleness import Stale, reasons
from engine.errors import ListStale
from engine.machine.case import Case
from engine.machine.drifting import RESELECT
from engine.machine.states import LET_GO
from engine.service.app import Countersign
from engine.service.fields import reads
from engine.service.sealing import dataset_of
from engine.service.stage_views import StaleView
from engine.store import groups, snapshots, waves
from engine.warehouse.dataset import Dataset
from engine.warehouse.freeze import Manifest

HELD = "stale: "
LIST = "list_"


def stale_view(app: Countersign, tx: Connection, case: Case, unseen: Collection[str] = ()) -> StaleView | None:
    """What waits because of a stale list; None where nothing does. Whoever does not see every field that the list is
    selected by is told no group and no list."""
    wave = _next_wave(app, tx, case)
    why = of_wave(app, tx, case, wave) if wave else ()
    if not why:
        return None
    plan = app.definition(case.process).audience
    if plan and reads(plan.model_dump_json(), unseen):
        why = tuple(one for one in why if one.kind == "age")
    return StaleView(wave, why, app.process(case.process, tx).may(case, RESELECT))


def let_go(app: Countersign, tx: Connection, case: Case, reason: str) -> tuple[str, str]:
    """Why the next wave goes out although its list is stale, and which wave that is; both empty where it is not.
    ListStale where it is and no reason is given."""
    stale = stale_view(app, tx, case)
    if stale is None:
        return "", ""
    if not reason.strip():
        raise ListStale(why=said(stale.why))
    return reason.strip(), stale.wave


def of_wave(app: Countersign, tx: Connection, case: Case, wave: str) -> tuple[Stale, ...]:
    """Why the list of a case is stale for this wave; nothing where it is not, or where somebody let it go."""
    plan = app.definition(case.process).audience
    row = snapshots.newest(tx, case.id) if plan and plan.stale_after else None
    if plan is None or plan.stale_after is None or row is None or wave in case.facts.get(LET_GO, {}):
        return ()
    manifest = msgspec.json.decode(row.manifest, type=Manifest)
    as_of = datetime.fromisoformat(manifest.as_of)
    used, lists = _groups(tx, case, manifest), _lists(dataset_of(app.settings), manifest)
    return tuple(reasons(plan.stale_after, as_of=as_of, at=app.now(), groups=used, lists=lists))


def said(why: tuple[Stale, ...]) -> str:
    """The reasons in a few signs, the same in every language."""
    return ", ".join(one.short for one in why)


def _next_wave(app: Countersign, tx: Connection, case: Case) -> str:
    """The wave that would start next; empty where none is left, or the delivery is another's turn."""
    plan = app.definition(case.process).delivery
    if plan is None or not {"ready", "delivering", "paused"}.intersection(case.configuration):
        return ""
    if "ready" in case.configuration:
        return plan.waves[0].name
    open_ = [row for row in waves.of_case(tx, case.id) if row.state not in waves.ENDED]
    return open_[0].name if open_ and open_[0].state == "planned" else ""


def _groups(tx: Connection, case: Case, manifest: Manifest) -> dict[str, tuple[int, int]]:
    """Of each saved group in the list the version used and the newest; one that is named with its version, or was
    ended, does not change."""
    found = {}
    for reference, pin in groups.pinned(tx, case.id).items():
        if version_of(reference) is None and f"{pin.name}@{pin.version}" in manifest.groups:
            newest = groups.find(tx, pin.name)
            if newest is not None and newest.ended_at is None:
                found[pin.name] = (pin.version, newest.version)
    return found


def _lists(dataset: Dataset, manifest: Manifest) -> dict[str, bool]:
    """Of each imported list in it whether it has the rows that were used. Rows that were sealed or erased since are no
    other list; one that lies on another server is not known."""
    used: dict[str, set[str]] = {}
    for one in manifest.inputs:
        if one.table.startswith(LIST) and one.sha256:
            after = dataset.replaced(one.path)
            used.setdefault(one.table, set()).add(after.sha256 if after else one.sha256)
    if not used:
        return {}
    tables = dataset.current().tables
    return {
        table.removeprefix(LIST): table in tables and {file.sha256 for file in tables[table].files} == files
        for table, files in used.items()
    }
