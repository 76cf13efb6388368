"""A selection as pages show it: the waterfall in any order, overlaps, balance, a masked sample, all from its counts.

Works from a manifest or from a count alone, so that another order reads no customer again. Refuses to open a file.
"""

from collections.abc import Collection, Mapping, Sequence

import msgspec
from sqlalchemy import Connection

from engine.audience.waterfall import Cube
from engine.machine.case import Case
from engine.service import cell_views, detecting
from engine.service.app import Countersign
from engine.service.balancing import balance_views
from engine.service.stage_views import AudienceView, MemberView, OverlapView, WaterfallRow
from engine.store import snapshots
from engine.values import Bilingual
from engine.warehouse.freeze import Manifest
from engine.warehouse.job import Member

ENDS = {
    "base": Bilingual(zh="客户来源", en="Source"),
    "control": Bilingual(zh="对照组", en="Control group"),
    "target": Bilingual(zh="目标客户", en="Target customers"),
}


def audience_view(
    app: Countersign,
    tx: Connection,
    person: str,
    case: Case,
    *,
    order: Sequence[str] = (),
    unseen: Collection[str] = (),
) -> AudienceView | None:
    """The audience frozen last, or None: also where it was dropped, because a superior made the filing an approval.

    `order` is another order of the exclusions; one that it does not name follows in the order that was declared.
    `unseen` are the fields that the person does not see."""
    row = snapshots.newest(tx, case.id)
    if row is None or case.facts.get("snapshot", row.id) is None:
        return None
    manifest = msgspec.json.decode(row.manifest, type=Manifest)
    definition, cube = app.definition(case.process), manifest.counts
    labels = {rung.name: rung.label for rung in manifest.rungs}
    chosen = complete(cube.names, order)
    return AudienceView(
        waterfall=waterfall_rows(cube, labels, chosen),
        cells=manifest.cells,
        target=row.target,
        control=row.control,
        digest=row.digest,
        as_of=manifest.as_of,
        frozen_at=row.frozen_at,
        sql=manifest.sql,
        order=chosen,
        is_reordered=chosen != cube.names,
        overlaps=overlap_views(cube, labels),
        balance=balance_views(definition, manifest.balance),
        balanced=manifest.balanced,
        sample=member_views(manifest.sample),
        detection=detecting.detection(tx, person, definition, target=row.target, control=row.control),
        holdout=manifest.holdout.version if manifest.holdout else 0,
        explains=manifest.asking is not None,
        groups=manifest.groups,
        by_cell=cell_views.counted(
            app, tx, case, unseen, cube=cube, offers=manifest.offers, balances=manifest.balance_of_cells
        ),
    )


def complete(names: tuple[str, ...], order: Sequence[str]) -> tuple[str, ...]:
    """The order with every exclusion in it once, and nothing else."""
    first = tuple(dict.fromkeys(name for name in order if name in names))
    return first + tuple(name for name in names if name not in first)


def waterfall_rows(
    cube: Cube, labels: Mapping[str, Bilingual], order: tuple[str, ...] | None = None
) -> tuple[WaterfallRow, ...]:
    """The waterfall with labels."""
    named = {**ENDS, **labels}
    return tuple(
        WaterfallRow(step.name, named[step.name], step.entered, step.removed, step.out, step.alone)
        for step in cube.waterfall(order)
    )


def overlap_views(cube: Cube, labels: Mapping[str, Bilingual]) -> tuple[OverlapView, ...]:
    """The pairs of exclusions that apply to the same customers, most customers first."""
    pairs = sorted(cube.overlaps().items(), key=lambda pair: -pair[1])
    return tuple(OverlapView(first, second, labels[first], labels[second], count) for (first, second), count in pairs)


def member_views(sample: Sequence[Member]) -> tuple[MemberView, ...]:
    """The masked members."""
    return tuple(
        MemberView(one.customer, one.shown.get("phone", ""), one.shown.get("name", ""), one.cell, one.arm)
        for one in sample
    )
