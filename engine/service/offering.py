"""The offers that a case may name, and what its selection reads of them.

Offers stand in the catalogue; a code that the catalogue never had is still the dataset's, so imported tables go on
working beside it. Where nothing was ever published, only the dataset speaks.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from engine.definition.fields import Ref
from engine.definition.model import Definition
from engine.errors import Problem
from engine.machine.case import Case
from engine.offers.terms import kept_terms
from engine.service.app import Countersign
from engine.service.fields import Choices
from engine.service.offers import in_force
from engine.service.sealing import dataset_of
from engine.store import offers
from engine.values import Bilingual
from engine.warehouse.dataset import DataFile, Dataset, Version
from engine.warehouse.offers import OfferTables, imported_codes, merged

OFFER = "offer"


def tables(tx: Connection, at: datetime, *, dataset: Dataset, version: Version) -> OfferTables | None:
    """Offers and conflicts as published last at `at`; None where nothing was ever published, so that the dataset's do.

    Also those that are over: whoever was contacted about one, or has it, was so with its family and conflicts, and a
    case that was approved with an offer keeps what that requires.
    """
    held = {code: kept_terms(row.terms) for code, row in offers.published(tx, at).items()}
    return merged(dataset, version, held) if held else None


def written(app: Countersign, folder: Path, at: datetime, *, dataset: Dataset, version: Version) -> dict[str, DataFile]:
    """The same in the folder of a run: what was used, and the evidence of it."""
    with app.db.read() as tx:
        found = tables(tx, at, dataset=dataset, version=version)
    return found.write(folder) if found else {}


def versions(app: Countersign, at: datetime, codes: tuple[str, ...]) -> dict[str, str]:
    """The versions of these offers published last at `at`, for the manifest of a list."""
    with app.db.read() as tx:
        rows = offers.published(tx, at)
    return {f"offer {code}": str(rows[code].version) for code in codes if code in rows}


def choices(app: Countersign, tx: Connection, definition: Definition, case: Case) -> Choices:
    """For each field that names an offer: those in force by name, and the one that it names already."""
    fields = _fields(definition)
    known = _known(app, tx) if fields else {}
    if not known:
        return {}
    rows = offers.published(tx, app.now())
    found: dict[str, tuple[tuple[str, Bilingual], ...]] = {}
    for name in fields:
        chosen = str(case.form.get(name) or "")
        also = {chosen: kept_terms(rows[chosen].terms).name if chosen in rows else Bilingual(en=chosen)}
        listed = known if not chosen or chosen in known else {**known, **also}
        found[name] = tuple((code, _with_code(label, code)) for code, label in sorted(listed.items()))
    return found


def wrong(app: Countersign, tx: Connection, definition: Definition, values: Mapping[str, Any]) -> tuple[Problem, ...]:
    """A problem at each field whose offer is not in force now; none where nothing was ever published."""
    fields = _fields(definition)
    named = {name: str(values[name]) for name in fields if values.get(name)}
    known = _known(app, tx) if named else {}
    return tuple(
        Problem("form.offer", f"the offer {code} is not in force", "choose another", at=name, fields={"value": code})
        for name, code in named.items()
        if known and code not in known
    )


def not_in_force(app: Countersign, tx: Connection, codes: Iterable[str]) -> list[str]:
    """Those of these offers that are not in force now; none where nothing was ever published."""
    wanted = sorted(set(codes))
    known = _known(app, tx) if wanted else {}
    return [code for code in wanted if known and code not in known]


def names(app: Countersign, tx: Connection, codes: Iterable[str]) -> dict[str, Bilingual]:
    """Each of these offers by its name and code: as published last, else as the dataset has it, else the code alone."""
    wanted = set(codes)
    rows = offers.published(tx, app.now()) if wanted else {}
    found = {code: kept_terms(rows[code].terms).name for code in wanted if code in rows}
    if wanted - found.keys():
        dataset = dataset_of(app.settings)
        imported = imported_codes(dataset, dataset.current())
        found |= {code: Bilingual(en=imported[code][0]) for code in wanted - found.keys() if code in imported}
    return {code: _with_code(found.get(code, Bilingual(en=code)), code) for code in sorted(wanted)}


def _known(app: Countersign, tx: Connection) -> dict[str, Bilingual]:
    """The offers in force now by code, with those that only the dataset has; empty where nothing was published."""
    if offers.is_empty(tx):
        return {}
    now = app.now()
    day = now.astimezone(app.settings.zone).date()
    dataset = dataset_of(app.settings)
    catalogued = offers.published(tx, now)
    found = {
        code: Bilingual(zh=name, en=name)
        for code, (name, since, until) in imported_codes(dataset, dataset.current()).items()
        if code not in catalogued and (since is None or since <= day) and (until is None or day <= until)
    }
    return found | {code: terms.name for code, terms in in_force(app, tx, now).items()}


def _with_code(label: Bilingual, code: str) -> Bilingual:
    zh, en = (label.in_language(language) for language in ("zh", "en"))
    return Bilingual(zh=f"{zh} · {code}" if zh != code else code, en=f"{en} · {code}" if en != code else code)


def _fields(definition: Definition) -> tuple[str, ...]:
    found = definition.proposal.fields.items()
    return tuple(name for name, field in found if isinstance(field, Ref) and field.to == OFFER)
