"""Budgets as tables: the budgets of the viewer's offices, and the whole ledger of one.

The ledger's amounts have their sign: below zero was taken from a side. Refuses nothing that the pages do not.
"""

from collections.abc import Mapping

from engine.service import budgets
from engine.service.app import Countersign
from engine.service.recording import By
from engine.service.tabling import Column, Table
from engine.service.views import Viewer
from engine.values import Bilingual

_OFFICE = Column("office", Bilingual(zh="单位代码", en="Office code"), definition=Bilingual(
    zh="该预算所属单位的代码。", en="The code of the office whose budget it is."))  # fmt: skip
_CURRENCY = Column("currency", Bilingual(zh="币种", en="Currency"), definition=Bilingual(
    zh="其余各金额的币种。", en="The currency of the amounts beside it."))  # fmt: skip
_OWN = Bilingual(zh="见币种列", en="see currency")
BUDGET_COLUMNS = (
    _OFFICE,
    Column("office_name", Bilingual(zh="单位", en="Office"), definition=Bilingual(
        zh="该单位的名称。", en="The name of the office.")),
    Column("year", Bilingual(zh="年度", en="Year"), definition=Bilingual(
        zh="预算年度。", en="The year that the budget is for.")),
    _CURRENCY,
    Column("approved", Bilingual(zh="批准", en="Approved"), "money", Bilingual(
        zh="两人确认的全年金额，等于其余四项之和。",
        en="The year's amount, confirmed by two persons; the sum of the other four."), _OWN),
    Column("available", Bilingual(zh="可用", en="Available"), "money", Bilingual(
        zh="尚未被任何营销案占用。", en="What no case holds."), _OWN),
    Column("reserved", Bilingual(zh="预占", en="Reserved"), "money", Bilingual(
        zh="已提交、尚未批准的营销案所占。", en="Held by cases that were submitted and not approved yet."), _OWN),
    Column("committed", Bilingual(zh="已承诺", en="Committed"), "money", Bilingual(
        zh="已批准、尚未花费的营销案所占。", en="Held by cases that were approved and have not spent it yet."), _OWN),
    Column("actual", Bilingual(zh="已花费", en="Spent"), "money", Bilingual(
        zh="营销案已经花费。", en="What cases have spent."), _OWN),
)  # fmt: skip
POSTING_COLUMNS = (
    Column("id", Bilingual(zh="行号", en="Line"), "integer", Bilingual(
        zh="账簿中的行号，递增。", en="The number of the line in the ledger; it counts up.")),
    Column("key", Bilingual(zh="分录", en="Entry"), definition=Bilingual(
        zh="一笔分录的两行同名，金额之和为零。",
        en="The two lines of an entry have the same; they add up to nothing.")),
    Column("at", Bilingual(zh="时刻", en="When"), "datetime", Bilingual(
        zh="记账的时刻。", en="When it was posted.")),
    Column("side", Bilingual(zh="科目", en="Side"), definition=Bilingual(
        zh="available 可用、reserved 预占、committed 已承诺、actual 已花费、approved 批准。",
        en="Where the money is: available, reserved, committed, actual (spent), approved.")),
    Column("amount", Bilingual(zh="金额", en="Amount"), "money", Bilingual(
        zh="正数为计入该科目，负数为从该科目转出。",
        en="Above zero it was given to the side, below zero taken from it."), Bilingual(
        zh="账户的币种", en="the account's currency")),
    Column("occasion", Bilingual(zh="事由", en="Occasion"), definition=Bilingual(
        zh="因何记账。", en="Why it was posted.")),
    Column("case", Bilingual(zh="统一编号", en="Case number"), definition=Bilingual(
        zh="营销案的统一编号；无权查看时为空。", en="The case's number; empty where the reader may not see it.")),
    Column("wave", Bilingual(zh="波次", en="Wave"), definition=Bilingual(
        zh="花费所属的波次。", en="The wave that the money was spent on.")),
    Column("actor", Bilingual(zh="账号", en="Account"), definition=Bilingual(
        zh="谁促成了该笔分录。", en="Who brought it about.")),
)  # fmt: skip


def listed(app: Countersign, viewer: Viewer, filters: Mapping[str, str]) -> Table:
    """The budgets of the viewer's offices; `filters` are none."""
    found = budgets.listed(app, By(viewer))
    sides = ("approved", "available", "reserved", "committed", "actual")
    return Table(
        name="budgets",
        title=Bilingual(zh="预算", en="Budgets"),
        columns=BUDGET_COLUMNS,
        rows=(
            (one.office, one.office_name, str(one.year), one.currency, *(getattr(one, side) for side in sides))
            for one in found.budgets
        ),
        as_of=app.now(),
        zone=app.settings.zone,
        asked_by=viewer.name,
    )


def postings(app: Countersign, by: By, key: str) -> Table:
    """All lines of a budget's ledger, the newest first. NotFound where it is not theirs."""
    lines = budgets.postings(app, by, key)
    return Table(
        name="postings",
        title=Bilingual(zh="预算账簿", en="Budget ledger"),
        columns=POSTING_COLUMNS,
        rows=(tuple(getattr(one, column.key) for column in POSTING_COLUMNS) for one in lines),
        as_of=app.now(),
        zone=app.settings.zone,
        asked_by=by.viewer.name if by.viewer else by.person,
        filters=((Bilingual(zh="账户", en="account"), Bilingual(en=key)),),
    )
