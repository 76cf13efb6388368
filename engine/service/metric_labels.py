"""What the keys of a dimension are called: offices, offers and definitions by their names, cases by their numbers,
clerks by theirs, codes by their words. Channels stay codes: pages have words for them."""

from collections.abc import Mapping, Set

from sqlalchemy import Connection

from engine.machine.case import ProcessRef
from engine.service.app import Countersign
from engine.service.case_table import STATES
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

CODES: Mapping[str, Mapping[str, Bilingual]] = {
    "state": STATES,
    "asked": {
        "approval": Bilingual(zh="报批", en="Approval"),
        "filing": Bilingual(zh="报备", en="Filing"),
    },
    "aim": {
        "reach": Bilingual(zh="触达", en="Contacted"),
        "delivered": Bilingual(zh="送达", en="Delivered"),
        "response": Bilingual(zh="反馈", en="Responded"),
        "conversion": Bilingual(zh="办理", en="Converted"),
    },
    "forecast_method": {
        "delay": Bilingual(zh="按反馈时延推算，附 95% 区间", en="delays so far, with a 95% interval"),
        "over": Bilingual(zh="期间已结束，即实际完成数", en="the window is over: what came"),
        "too_few": Bilingual(zh="为时尚早：不足 10 户", en="too early: fewer than 10 customers"),
        "too_early": Bilingual(zh="为时尚早：期间刚开始", en="too early in the window"),
        "too_wide": Bilingual(zh="为时尚早：区间过宽", en="too early: the interval is too wide"),
    },
}
DRAFT = Bilingual(zh="草稿（无编号）", en="Draft without a number")


def labels_of(app: Countersign, tx: Connection, facts: Facts, name: str, keys: Set[str]) -> Mapping[str, Bilingual]:
    """The labels of these keys of the dimension `name`, of those that have one beside the key itself."""
    wanted = sorted(keys - {""})
    if not wanted:
        return {}
    if name in CODES:
        return {key: CODES[name][key] for key in wanted if key in CODES[name]}
    if name in TABLES:
        found = facts.names(*TABLES[name], wanted)
        return {key: Bilingual(zh=zh or key, en=en or zh or key) for key, (zh, en) in found.items()}
    if name == "case":
        numbers = ledger.numbers_of(tx, wanted)
        return {key: Bilingual(zh=numbers[key], en=numbers[key]) if key in numbers else DRAFT for key in wanted}
    if name == "clerk":
        organisation = app.organisation(tx)
        return {key: Bilingual(zh=organisation.name(key), en=organisation.name(key)) for key in wanted}
    if name == "definition":
        newest = [one for one in definitions.all_newest(tx) if one.name in keys]
        return {one.name: app.definition(ProcessRef(one.name, one.version, one.fingerprint)).title for one in newest}
    return {}
