"""The list of cases as a table: every case that its filters name and its reader may see, not a page of them.

It goes through the same filters and the same predicate as the page. Refuses to hold the cases at once.
"""

from collections.abc import Iterator, Mapping

from engine.service import definitions, listing, showing
from engine.service.app import Countersign
from engine.service.tabling import Column, Table
from engine.service.views import CaseRow, Viewer
from engine.store import listing as lines
from engine.store import registers
from engine.store.listing import Place, Wanted
from engine.values import NO_TEXT, Bilingual

AT_ONCE = 1_000
CNY = Bilingual(zh="元", en="CNY")
STATES: Mapping[str, Bilingual] = {
    "draft": Bilingual(zh="草稿", en="Draft"),
    "approving": Bilingual(zh="审批中", en="In approval"),
    "returned": Bilingual(zh="已退回", en="Returned"),
    "filed": Bilingual(zh="已报备", en="Filed"),
    "approved": Bilingual(zh="已批准", en="Approved"),
    "targeting": Bilingual(zh="选客中", en="Selecting customers"),
    "ready": Bilingual(zh="待派送", en="Ready to send"),
    "delivering": Bilingual(zh="派送中", en="Delivering"),
    "paused": Bilingual(zh="已暂停", en="Paused"),
    "evaluating": Bilingual(zh="评估中", en="Evaluating"),
    "closed": Bilingual(zh="已结案", en="Closed"),
    "rejected": Bilingual(zh="已拒绝", en="Rejected"),
    "withdrawn": Bilingual(zh="已撤回", en="Withdrawn"),
    "voided": Bilingual(zh="已作废", en="Voided"),
    "cancelled": Bilingual(zh="已取消", en="Cancelled"),
    "expired": Bilingual(zh="已过期", en="Expired"),
    "suspended": Bilingual(zh="已挂起", en="Suspended"),
}
SORTS = {
    "oldest": Bilingual(zh="最早变更在前", en="oldest change first"),
    "title": Bilingual(zh="按标题", en="by title"),
}
YES = Bilingual(zh="是", en="yes")
FILTERS: Mapping[str, Bilingual] = {
    "q": Bilingual(zh="标题、编号或备案号", en="title, number or register number"),
    "state": Bilingual(zh="状态", en="state"),
    "kind": Bilingual(zh="类型", en="kind"),
    "office": Bilingual(zh="单位及其下级", en="office and those below it"),
    "mine": Bilingual(zh="仅本人提交", en="only their own"),
    "since": Bilingual(zh="变更自", en="changed from"),
    "until": Bilingual(zh="变更至", en="changed until"),
    "sort": Bilingual(zh="排序", en="sorted"),
}
COLUMNS = (
    Column(
        "number",
        Bilingual(zh="统一编号", en="Case number"),
        definition=Bilingual(
            zh="首次提交时取得，单位与年度内连续，永不重复使用；草稿没有。",
            en="Given at the first submission, without gaps within office and year; drafts have none.",
        ),
    ),
    Column("title", Bilingual(zh="标题", en="Title"), definition=Bilingual(
        zh="方案的标题；无权查看时为空。", en="The proposal's title; empty where the reader does not see it.")),
    Column("kind", Bilingual(zh="类型", en="Kind"), definition=Bilingual(
        zh="该案所依据的定义。", en="The definition that the case follows.")),
    Column("state", Bilingual(zh="状态", en="State"), definition=Bilingual(
        zh="该案现在所处的状态。", en="Where the case stands now.")),
    Column("office", Bilingual(zh="单位", en="Office"), definition=Bilingual(
        zh="提交该案的单位。", en="The office that the case comes from.")),
    Column("submitter", Bilingual(zh="提交人", en="Submitter"), definition=Bilingual(
        zh="提交该案的人。", en="Who submits the case.")),
    Column("budget", Bilingual(zh="预算", en="Budget"), "money", Bilingual(
        zh="方案申报的预算；没有或无权查看时为空。",
        en="What the proposal asks for; empty where it asks for none or the reader does not see it."), CNY),
    Column("reach", Bilingual(zh="客户数", en="Customers"), "integer", Bilingual(
        zh="方案申报的客户数；没有或无权查看时为空。",
        en="How many customers the proposal declares; empty where none or the reader does not see it."),
        Bilingual(zh="户", en="customers")),
    Column("updated_at", Bilingual(zh="最近变更", en="Last change"), "datetime", Bilingual(
        zh="该案最近一次变更的时刻。", en="When anything of the case changed last.")),
)  # fmt: skip


def table(app: Countersign, viewer: Viewer, filters: Mapping[str, str]) -> Table:
    """The cases that the viewer may see and `filters` name. Invalid for a filter that cannot be read."""
    with app.db.read() as tx:
        wanted, office = listing.wanted_of(app, tx, viewer, filters)
    return Table(
        name="cases",
        title=Bilingual(zh="营销案", en="Cases"),
        columns=COLUMNS,
        rows=_rows(app, viewer, wanted),
        as_of=app.now(),
        zone=app.settings.zone,
        asked_by=viewer.name,
        filters=tuple(_said(app, filters, office)),
    )


def _said(
    app: Countersign, filters: Mapping[str, str], office: Bilingual | None
) -> Iterator[tuple[Bilingual, Bilingual]]:
    titles = {kind.name: kind.title for kind in definitions.startable(app)}
    for name, label in FILTERS.items():
        value = filters.get(name, "").strip()
        known = {"state": STATES, "kind": titles, "sort": SORTS, "mine": {value: YES}}.get(name, {})
        if value and name != "office":
            yield label, known.get(value, Bilingual(en=value))
        elif value and office is not None:
            yield label, office


def _rows(app: Countersign, viewer: Viewer, wanted: Wanted) -> Iterator[tuple[object, ...]]:
    after: Place | None = None
    with app.db.read() as tx:
        registered = registers.cases_of(tx, wanted.query) if wanted.query else frozenset()
        while True:
            found, after = lines.page(tx, viewer.person, wanted, after, limit=AT_ONCE)
            for line in found:
                row = showing.case_row(app, tx, line, viewer.person)
                if listing.may_be_found(row, wanted, registered):
                    yield _cells(row)
            if after is None:
                return


def _cells(row: CaseRow) -> tuple[object, ...]:
    state = STATES.get(row.state, Bilingual(en=row.state)) if row.state_label == NO_TEXT else row.state_label
    said = (row.number, row.title, row.definition, state, row.office, row.submitter)
    return (*said, row.budget, row.reach, row.updated_at)
