"""What the keys of a dimension are called: offices, offers and definitions by their names, cases by their numbers,
clerks by theirs, codes by their words. Channels stay codes: pages have words for them."""

from collections.abc import Mapping, Set

from sqlalchemy import Connection

from engine.definition.catalogue import figures
from engine.machine.case import ProcessRef
from engine.service.app import Countersign
from engine.service.metric_codes import CODES, DRAFT
from engine.store import definitions
from engine.store import facts as ledger
from engine.values import Bilingual
from engine.warehouse.asking import Facts

TABLES = {
    "office": ("dim_office", "office"),
    "city": ("dim_office", "office"),
    "hall": ("dim_office", "office"),
    "offer": ("dim_offer", "offer"),
}
UNNAMED = Bilingual(zh="其他机构的营业员", en="clerks of other offices")


def labels_of(app: Countersign, tx: Connection, facts: Facts, name: str, keys: Set[str]) -> Mapping[str, Bilingual]:
    """The labels of these keys of the dimension `name`, of those that have one beside the key itself."""
    wanted = sorted(keys - {""})
    if name == "clerk":
        organisation = app.organisation(tx)
        named = {key: Bilingual(zh=organisation.name(key), en=organisation.name(key)) for key in wanted}
        return named | {"": UNNAMED}
    if not wanted:
        return {}
    if name in CODES:
        return {key: CODES[name][key] for key in wanted if key in CODES[name]}
    if called := figures().dimensions[name].called:
        return called
    if name in TABLES:
        found = facts.names(*TABLES[name], wanted)
        return {key: Bilingual(zh=zh or key, en=en or zh or key) for key, (zh, en) in found.items()}
    if name == "case":
        numbers = ledger.numbers_of(tx, wanted)
        return {key: Bilingual(zh=numbers[key], en=numbers[key]) if key in numbers else DRAFT for key in wanted}
    if name == "definition":
        newest = [one for one in definitions.all_newest(tx) if one.name in keys]
        return {one.name: app.definition(ProcessRef(one.name, one.version, one.fingerprint)).title for one in newest}
    return {}
