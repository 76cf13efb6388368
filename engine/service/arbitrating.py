"""Arbitration (竞合): which of the cases that want the same customers gets them, run, tried otherwise, and committed.

Every run is kept with all that went in. One that is committed holds for its cases: their next frozen list leaves out
whom they lost. Refuses to commit a run that its cases have outgrown, and one that supposed another policy than the one
in force.
"""

import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Connection
from sqlglot import exp

from engine.audience.allocating import Contender, Contest
from engine.audience.policy import ContactPolicy
from engine.errors import (
    ArbitrationFailed,
    ArbitrationStale,
    ArbitrationSupposed,
    ExpressionFailed,
    Invalid,
    NoContestants,
    NoPolicyInForce,
    NotFound,
    SelectionFailed,
)
from engine.service import contending, selecting, supposing, whereabouts
from engine.service.app import Countersign
from engine.service.arbitrated import Inputs, inputs_of
from engine.service.authorizing import Action
from engine.service.contending import Contestant, OnTheWay, Room
from engine.service.recording import By, changing
from engine.service.sealing import dataset_of
from engine.service.supposing import Read, Wanted
from engine.store import arbitrations, policies, trail
from engine.store.arbitrations import CaseRow, RunRow
from engine.values import canonical_json
from engine.warehouse import erased
from engine.warehouse.arbitrating import PERMITS_SCHEMA, Wish, allot
from engine.warehouse.dataset import Dataset, sync_folder, write_synced
from engine.warehouse.freeze import LIST
from engine.warehouse.job import Allotted
from engine.warehouse.places import CustomerBase
from engine.warehouse.run import Limits

RUNS: Action = "arbitration.run"
COMMITS: Action = "arbitration.commit"
FOLDER = PurePosixPath("arbitrations")
LONGEST = 120
"""Seconds that a page waits for a run."""
NO_SCORE = "its score reads customers of the dataset, and they are on a server"


@dataclass(frozen=True, slots=True)
class _Found:
    """The list of a contestant, or why there is none."""

    contestant: Contestant
    folder: Path
    digest: str = ""
    score: exp.Expr | None = None
    failed: str = ""


def run(app: Countersign, by: By, wanted: Wanted, *, seconds: float = LONGEST) -> int:
    """Run the arbitration, keep it and give its number; the same key again gives the same one.

    InvalidForm names wrong fields. NoPolicyInForce and NoContestants where there is nothing to decide;
    ArbitrationFailed where it takes longer than `seconds`, or the customers cannot be read.
    """
    by.authorize(RUNS)
    with app.db.read() as tx:
        done = trail.done_under(tx, by.key)
        if done:
            return int(done.said["after"]["arbitration"])
        as_of = app.now()
        row = policies.in_force(tx, as_of)
        read = supposing.read(app, tx, wanted, row)
        if row is None or row.policy.is_over:
            raise NoPolicyInForce()
        chosen = contending.contestants(app, tx, read.since, read.until)
        taken = contending.on_the_way(app, tx)
        policy = read.applied_to(row.policy)
        rooms = contending.rooms(tx, policy, taken, since=read.since, until=read.until, zone=app.settings.zone)
    if not chosen:
        raise NoContestants(since=read.since.isoformat(), until=read.until.isoformat())
    chosen = tuple(replace(one, priority=read.priorities.get(one.case.id, one.priority)) for one in chosen)
    dataset = dataset_of(app.settings)
    with erased.undisturbed(dataset.folder), _folder(dataset) as folder:
        base = whereabouts.existing(app)
        try:
            found, allotted, inputs = _allotted(
                app, base, folder, chosen, taken=taken, policy=policy, rooms=rooms, as_of=as_of, seconds=seconds
            )
        except SelectionFailed as error:
            raise ArbitrationFailed(reason=error.fields.get("reason") or error.message) from error
        inputs = msgspec.structs.replace(
            inputs,
            policy_version=row.version,
            priorities=read.priorities,
            caps=read.caps,
            capacity=read.capacity,
        )
        return _kept(app, by, read, folder, found=found, allotted=allotted, inputs=inputs)


def commit(app: Countersign, by: By, number: int) -> None:
    """Let a run hold for its cases. NotFound where there is none or it was committed; ArbitrationStale where its cases
    or the policy changed since; ArbitrationSupposed where it supposed another policy. The same key twice is once."""
    with changing(app, by, COMMITS) as change:
        arbitrations.lock(change.tx)
        if change.done_before():
            return
        row = arbitrations.find(change.tx, number)
        if row is None or row.committed_at is not None:
            raise NotFound()
        inputs = inputs_of(row)
        if inputs.supposes_policy:
            raise ArbitrationSupposed()
        if outgrown(app, change.tx, row):
            raise ArbitrationStale()
        arbitrations.commit(change.tx, number, by=by.person, at=change.now)
        change.note("arbitration_committed", f"arbitration {number}", after={"arbitration": number})


def outgrown(app: Countersign, tx: Connection, row: RunRow) -> dict[str, str]:
    """What of a run holds no longer: the id of each case that `changed` or `left` since then or is `new`; "" where the
    policy in force is another one."""
    present = {one.case.id: one.seen for one in contending.contestants(app, tx, row.since, row.until)}
    there = {one.case_id: one for one in arbitrations.of_run(tx, row.number)}
    found = dict.fromkeys(present.keys() - there.keys(), "new")
    for case_id, one in there.items():
        if case_id not in present:
            found[case_id] = "left"
        elif present[case_id] != one.seen:
            found[case_id] = "changed"
    policy = policies.in_force(tx, app.now())
    if policy is None or policy.version != inputs_of(row).policy_version:
        found[""] = "policy"
    return found


def _allotted(
    app: Countersign,
    base: CustomerBase,
    folder: Path,
    chosen: Sequence[Contestant],
    *,
    taken: Sequence[OnTheWay],
    policy: ContactPolicy,
    rooms: tuple[Room, ...],
    as_of: datetime,
    seconds: float,
) -> tuple[list[_Found], Allotted, Inputs]:
    """Find the customers of each case, then who gets them. Cases whose customers cannot be found come last."""
    until = time.monotonic() + seconds

    def limits() -> Limits:
        left = min(until - time.monotonic(), app.settings.selection_seconds)
        if left <= 0:
            raise SelectionFailed(reason=f"it took longer than {seconds:g} seconds and was stopped")
        return Limits(app.settings.memory_limit, left)

    found = [
        _listed(app, base, one, folder=contending.path_in(folder, place), as_of=as_of, limits=limits())
        for place, one in enumerate(chosen)
    ]
    found.sort(key=lambda one: bool(one.failed))
    counted = [one for one in found if not one.failed]
    if not counted:
        raise SelectionFailed(reason=found[0].failed)
    contest = Contest(
        tuple(Contender(one.contestant.case.id, one.contestant.contact, one.contestant.priority) for one in counted),
        policy,
        tuple((room.channel, room.left) for room in rooms),
    )
    with app.db.read() as tx:
        permits = _permits(tx, folder / "permits.parquet", as_of - policy.longest)
    allotted = allot(
        base.dataset,
        base.own,
        contest,
        [Wish(one.folder / LIST, one.contestant.case.id, one.score) for one in counted],
        taken=[one.taken for one in taken],
        permits=permits,
        at=as_of,
        folder=folder,
        limits=limits(),
    )
    inputs = Inputs(
        policy_version=0,
        policy=policy.model_dump_json(),
        rooms=rooms,
        dataset=base.version.number,
        as_of=as_of.isoformat(),
        lists={one.contestant.case.id: one.digest for one in counted},
        taken=tuple(one.taken.number for one in taken),
        engine=allotted.engine,
    )
    return found, allotted, inputs


def _listed(
    app: Countersign, base: CustomerBase, one: Contestant, *, folder: Path, as_of: datetime, limits: Limits
) -> _Found:
    """The customers that a case wants, as its list would be frozen now if no other case wanted them."""
    folder.mkdir()
    try:
        selection = selecting.asked(app, one.case, base, as_of)
        if base.place and selection.score is not None:
            raise SelectionFailed(reason=NO_SCORE)
        beside = selecting.beside(app, one.case, selection, folder, base)
        selected = base.select(selection, folder, beside=beside, limits=limits)
    except (SelectionFailed, Invalid, ExpressionFailed) as error:
        return _Found(one, folder, failed=error.message)
    return _Found(one, folder, selected.result.digest, selection.score)


def _permits(tx: Connection, path: Path, since: datetime) -> Path:
    with pq.ParquetWriter(path, PERMITS_SCHEMA) as writer:
        for rows in arbitrations.permits_since(tx, since):
            columns = [[getattr(one, name) for one in rows] for name in PERMITS_SCHEMA.names[:-1]]
            writer.write_batch(
                pa.record_batch(
                    [*columns, [one.at.astimezone(UTC).replace(tzinfo=None) for one in rows]], schema=PERMITS_SCHEMA
                )
            )
    return path


def _kept(
    app: Countersign,
    by: By,
    read: Read,
    folder: Path,
    *,
    found: Sequence[_Found],
    allotted: Allotted,
    inputs: Inputs,
) -> int:
    """Move the files to where they stay and write the run down."""
    ids = [one.contestant.case.id for one in found]
    for one in found:
        shutil.rmtree(one.folder)  # the lists are not kept: they can be selected again
    (folder / "permits.parquet").unlink()
    write_synced(folder / "manifest.json", msgspec.json.format(msgspec.json.encode(inputs), indent=1))
    sync_folder(folder)
    place = FOLDER / folder.name.strip(".")
    with changing(app, by, None) as change:
        arbitrations.lock(change.tx)
        again = change.done_before()
        if again:
            return int(again.said["after"]["arbitration"])
        number = arbitrations.next_number(change.tx)
        kept = RunRow(
            number=number,
            since=read.since,
            until=read.until,
            base=read.base,
            made_by=by.person,
            made_at=change.now,
            digest=allotted.digest,
            folder=str(place),
            inputs=msgspec.json.encode(inputs).decode(),
            committed_by="",
            committed_at=None,
        )
        arbitrations.save(change.tx, kept, [_row(number, at, one, allotted, ids) for at, one in enumerate(found)])
        told = {"arbitration": number, "cases": len(found)}
        change.note("arbitration_made", f"arbitration {number}", after=told)
        target = app.settings.data / place
        target.parent.mkdir(parents=True, exist_ok=True)
        folder.rename(target)
        sync_folder(target.parent)
    return number


def _row(number: int, place: int, one: _Found, allotted: Allotted, ids: Sequence[str]) -> CaseRow:
    losses = [
        (ids[loss.winner] if loss.winner >= 0 else "", loss.lost_by, loss.customers)
        for loss in allotted.losses
        if loss.contender == place
    ]
    return CaseRow(
        run=number,
        case_id=one.contestant.case.id,
        place=place,
        priority=one.contestant.priority,
        channel=one.contestant.contact.channel,
        wanted=allotted.wanted.get(place, 0),
        got=allotted.got.get(place, 0),
        losses=canonical_json(losses).decode(),
        seen=one.contestant.seen,
        failed=one.failed,
    )


@contextmanager
def _folder(dataset: Dataset) -> Iterator[Path]:
    """A folder to fill; what is left of it under this name afterwards is removed."""
    dataset.folder.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=".arbitration-", dir=dataset.folder))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
