"""Target customers of a case: selected and frozen once per round, then shown and read.

The selection runs outside any transaction, because it may take minutes; what it leaves is a folder that appears at
once. Run twice for one round (a worker died after freezing), the second run finds the folder or the row and reports
the same audience. Refuses to select for a case that has no number: the number is the salt of the control group.
"""

import hashlib
import shutil
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec
import pyarrow as pa

from engine.audience.compile import Selection, Subject, compile_audience
from engine.audience.grouping import salt_of
from engine.audience.plan import AudiencePlan
from engine.definition.catalogue import Catalogue, catalogue
from engine.errors import (
    ChangedMeanwhile,
    ExpressionFailed,
    Invalid,
    NoCustomers,
    NotFound,
    NotPossible,
    SelectionFailed,
)
from engine.machine.case import Case
from engine.machine.commands import AudienceFailed, AudienceFrozen
from engine.machine.drifting import SELECTION
from engine.service import earlier, forgotten, group_pins, holdouts, lost, offering, policies, whereabouts
from engine.service.app import Countersign
from engine.service.running import carry_out
from engine.service.sealing import dataset_of, vault
from engine.store import cases, snapshots, suppression
from engine.store.cases import Locked
from engine.store.snapshots import SnapshotRow
from engine.warehouse import erased, returned
from engine.warehouse.dataset import DataFile, Dataset, Version
from engine.warehouse.freeze import Frozen, Manifest, case_folder, freeze, open_frozen
from engine.warehouse.offers import OfferTables
from engine.warehouse.places import CustomerBase
from engine.warehouse.run import Limits
from engine.warehouse.subjects import subject_of

LISTS: Mapping[str, suppression.SuppressionList] = {"blacklist": "black", "greylist": "grey"}


def freeze_audience(app: Countersign, case_id: str, key: str) -> None:
    """Select and freeze the audience of a case's round and tell the case, under `key`; twice is once.

    A selection that cannot be made is told to the case, which then waits for a person. What passes by itself (no
    space, no database, a server that does not answer) is raised, so that the caller tries again. A case that is
    selecting no longer, withdrawn or on its way to an approval, is left alone.
    """
    with app.db.read() as tx:
        case = cases.load(tx, case_id)
        if not app.process(case.process, tx).is_selecting(case):
            return  # it was told already, or what it was asked for has become a matter of approval
        kept = snapshots.find(tx, snapshots.snapshot_id(case.id, case.round, case.facts.get(SELECTION, 0)))
    try:
        kept = kept or _keep(app, case, _frozen(app, case))
    except (SelectionFailed, Invalid, ExpressionFailed) as error:
        failed = AudienceFailed(actor="system", via="timer", reason=error.message)
        carry_out(app, case_id, lambda locked: _of_round(case, locked, failed), key=key)
        return
    frozen = AudienceFrozen(
        actor="system",
        via="timer",
        snapshot=kept.id,
        digest=kept.digest,
        target=kept.target,
        control=kept.control,
    )
    carry_out(app, case_id, lambda locked: _of_round(case, locked, frozen), key=key)


def frozen_audience(app: Countersign, case_id: str) -> Frozen:
    """The audience frozen last, to read its list from. NotFound where nothing is frozen."""
    with app.db.read() as tx:
        row = snapshots.newest(tx, case_id)
    if row is None:
        raise NotFound()
    return open_frozen(app.settings.data / row.folder)


def frozen_list(app: Countersign, case_id: str, rows: int = 10_000) -> Iterator[pa.RecordBatch]:
    """The frozen list in order, as batches of the columns customer, cell, arm."""
    return frozen_audience(app, case_id).batches(rows)


def estimate(app: Countersign, case: Case) -> Selection:
    """The compiled selection of a form that is not submitted yet; Invalid with all problems where there is none."""
    return estimate_of(app, case, whereabouts.customers_of(app))


def estimate_of(app: Countersign, case: Case, base: CustomerBase) -> Selection:
    """The same over these customers."""
    return _compiled(app, case, base, as_of=app.now(), salt="estimate", anew=True)


def asked(app: Countersign, case: Case, base: CustomerBase, as_of: datetime) -> Selection:
    """The compiled selection of a case that was submitted, as it would be frozen at `as_of`."""
    if case.number is None:
        raise NotPossible(action="select customers", state=case.state, possible="submit")
    salt = salt_of(case.number, case.round)
    return _compiled(app, case, base, as_of=as_of, salt=salt, anew=False)


def beside(app: Countersign, case: Case, selection: Selection, folder: Path, base: CustomerBase) -> dict[str, DataFile]:
    """The tables of a selection that are not the dataset's, written to its folder; all but what arbitration took."""
    return {
        **suppressions(app, folder, selection.as_of, case.id),
        **offering.written(app, folder, selection.as_of, dataset=base.dataset, version=base.own),
        **earlier.outcomes(app, case.submitter, selection, folder, base),
    }


def import_suppressions(
    app: Countersign, name: str, customers: Mapping[str, str], *, by: str, expires_at: datetime | None = None
) -> int:
    """Put customers (id -> reason) on the `blacklist` or `greylist`; who was erased is on it for good, and left out.
    Returns how many entries."""
    with app.db.begin() as tx:
        erased = forgotten.among(tx, vault(app.settings), customers)
        entries = (
            suppression.Suppression(LISTS[name], customer, reason, expires_at=expires_at)
            for customer, reason in customers.items()
            if customer not in erased
        )
        return suppression.add(tx, entries, by=by, at=app.now())


def _of_round(case: Case, locked: Locked, told: AudienceFrozen | AudienceFailed) -> AudienceFrozen | AudienceFailed:
    """What is told, where the case is still in the round that was selected for; it may have gone on meanwhile."""
    if _folder(locked.case) != _folder(case):
        raise ChangedMeanwhile()
    return told


def _frozen(app: Countersign, case: Case) -> Frozen:
    """The folder of this round, made now or left whole by a run that died before it could tell. SelectionFailed where
    nobody would get a message; then it is gone, so that the customers can be selected again."""
    folder = app.settings.data.resolve() / _folder(case)
    frozen = open_frozen(folder) if folder.exists() else _selected(app, case, folder)
    if not frozen.manifest.target:
        shutil.rmtree(folder, ignore_errors=True)  # another worker may have found the same
        raise SelectionFailed(reason=_nobody(frozen.manifest))
    return frozen


def _nobody(manifest: Manifest) -> str:
    if manifest.control:
        return f"all {manifest.control:,} customers who are left are in the control group"
    if not manifest.counts.base:
        return f"the source has none of the {manifest.universe:,} customers"
    return f"the exclusions leave nobody of the {manifest.counts.base:,} customers of the source"


def _selected(app: Countersign, case: Case, folder: Path) -> Frozen:
    with erased.undisturbed(dataset_of(app.settings).folder):
        return _made(app, case, whereabouts.customers_of(app), folder)


def _made(app: Countersign, case: Case, base: CustomerBase, folder: Path) -> Frozen:
    dataset = base.dataset
    as_of = app.now()
    refuse_brought_back(dataset, base.own)
    selection = asked(app, case, base, as_of)
    frozen, _ = freeze(
        dataset,
        base.version,
        selection,
        folder,
        besides=lambda unfinished: {
            **beside(app, case, selection, unfinished, base),
            **lost.written(app, case.id, selection, unfinished),
        },
        provenance={
            "definition": case.process.fingerprint,
            **offering.versions(app, as_of, (*_texts(case.form.get("offer")), *selection.offers.values())),
        },
        limits=Limits(app.settings.memory_limit, app.settings.selection_seconds),
        selecting=base.selecting,
    )
    return frozen


def refuse_brought_back(dataset: Dataset, version: Version) -> None:
    """SelectionFailed where customers who were erased are in the dataset: a backup brought them back."""
    if back := returned.count(dataset, version):
        raise SelectionFailed(reason=f"{back} customers who were erased are in the dataset again; erase them once more")


def _folder(case: Case) -> PurePosixPath:
    return case_folder(case.id, case.round, case.facts.get(SELECTION, 0))


def _keep(app: Countersign, case: Case, frozen: Frozen) -> SnapshotRow:
    manifest = frozen.manifest
    row = SnapshotRow(
        id=snapshots.snapshot_id(case.id, case.round, case.facts.get(SELECTION, 0)),
        case_id=case.id,
        digest=manifest.digest,
        folder=str(_folder(case)),
        manifest=msgspec.json.encode(manifest).decode(),
        target=manifest.target,
        control=manifest.control,
        frozen_at=app.now(),
    )
    with app.db.begin() as tx:
        return snapshots.save(tx, row)


def _compiled(app: Countersign, case: Case, base: CustomerBase, *, as_of: datetime, salt: str, anew: bool) -> Selection:
    """`anew`: as if the case were submitted now, with the newest versions of the groups that it names."""
    definition, form = app.definition(case.process), case.form
    dataset, version = base.dataset, base.version
    plan: AudiencePlan | None = definition.audience
    if plan is None:
        raise SelectionFailed(reason="the definition has no audience")
    customers = version.tables.get("customers")
    if customers is None:
        raise NoCustomers()
    known = catalogue(definition.catalogue) or Catalogue(definition.catalogue, {})
    with app.db.read() as tx:
        held_out = holdouts.in_force(tx, as_of)
        plan = group_pins.with_groups(tx, plan, form, case.id, anew=anew)
        policy = policies.meets(tx, definition, form, as_of)
        if over := offering.not_in_force(app, tx, plan.offers_in(form).values()):
            raise SelectionFailed(reason=f"the offer {over[0]} of a cell is not in force")
        offered = offering.tables(tx, as_of, dataset=dataset, version=base.own)
    columns = version.columns | (offered.columns if offered else {})
    return compile_audience(
        plan,
        fields={column.name: column.type for column in customers.columns},
        tables=frozenset(columns),
        subject=_subject(form, plan.offers_in(form).values(), dataset, version, offered),
        as_of=as_of,
        salt=salt,
        scope=definition.scope,
        values=definition.context(form),
        columns=columns,
        consents=known.consents,
        holdout=held_out,
        policy=policy,
        measured=tuple(known.fields),
    )


def _subject(
    form: Mapping[str, Any], of_cells: Iterable[str], dataset: Dataset, version: Version, offered: OfferTables | None
) -> Subject:
    """What the case is about: fields of the form, and what the catalogue or the dataset says of its offers."""
    return subject_of(
        dataset,
        version,
        offers=_texts(form.get("offer")),
        of_cells=tuple(of_cells),
        category=_texts(form.get("category")),
        channels=_texts(form.get("channels")),
        tags=_texts(form.get("tags")),
        catalogue=offered,
    )


def _texts(value: Any) -> tuple[str, ...]:
    if value in (None, "", []):
        return ()
    return tuple(map(str, value)) if isinstance(value, list | tuple) else (str(value),)


def suppressions(app: Countersign, folder: Path, at: datetime, case_id: str = "") -> dict[str, DataFile]:
    """Both lists as they hold now for the case, in the folder of the run: what was used, and the evidence of it."""
    written = {}
    with app.db.read() as tx:
        for name, kind in LISTS.items():
            path = folder / f"{name}.parquet"
            rows = suppression.snapshot(tx, kind, path, at=at, case_id=case_id)
            content = path.read_bytes()
            written[name] = DataFile(path.name, rows, len(content), hashlib.sha256(content).hexdigest())
    return written
