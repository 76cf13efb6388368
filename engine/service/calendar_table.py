"""The cases of a month as a table: those that the calendar's filters name and its reader may see, with their days and
their contacts in the month. It has every case that the page counts over. Refuses to count anything itself."""

from collections.abc import Mapping

from engine.service import calendars
from engine.service.app import Countersign
from engine.service.calendars import Month, Planned
from engine.service.case_table import COLUMNS, FILTERS, STATES
from engine.service.tabling import Column, Table
from engine.service.views import Viewer
from engine.values import NO_TEXT, Bilingual

NAMES = ("month", "office", "kind", "state")
MONTH = Bilingual(zh="月份", en="month")
FIRST = Column("starts", Bilingual(zh="开始日", en="First day"), "date", Bilingual(
    zh="方案所定的开始日。", en="The first day that the proposal names."))  # fmt: skip
LAST = Column("ends", Bilingual(zh="结束日", en="Last day"), "date", Bilingual(
    zh="方案所定的结束日。", en="The last day that the proposal names."))  # fmt: skip
CONTACTS = Column(
    "contacts",
    Bilingual(zh="本月接触数", en="Contacts in the month"),
    "integer",
    Bilingual(
        zh="计划与已发生的接触落在本月的部分；每波次按其日期均摊；无权查看客户数时为空。",
        en="Contacts planned and made that lie in the month, each wave spread evenly over its days; empty where the"
        " reader does not see how many customers there are.",
    ),
)


def table(app: Countersign, viewer: Viewer, filters: Mapping[str, str]) -> Table:
    """The cases of a month. Invalid for what is no month or no office."""
    name, office, kind, state = (filters.get(name, "") for name in NAMES)
    month = calendars.month(app, viewer, name, office, kind=kind, state=state, most=None)
    own = {column.key: column for column in COLUMNS}
    taken = [own[name] for name in ("number", "title", "kind", "state", "office", "submitter", "budget", "reach")]
    return Table(
        name="calendar",
        title=Bilingual(zh="营销案日历", en="Calendar of cases"),
        columns=[*taken, FIRST, LAST, CONTACTS],
        rows=[_cells(one, month.pressure.cases.get(one.row.id)) for one in month.cases],
        as_of=app.now(),
        zone=app.settings.zone,
        asked_by=viewer.name,
        filters=tuple(_said(month)),
    )


def _cells(one: Planned, contacts: int | None) -> tuple[object, ...]:
    row = one.row
    state = STATES.get(row.state, Bilingual(en=row.state)) if row.state_label == NO_TEXT else row.state_label
    said = (row.number, row.title, row.definition, state, row.office, row.submitter)
    return (*said, row.budget, row.reach, one.starts, one.ends, contacts)


def _said(month: Month) -> list[tuple[Bilingual, Bilingual]]:
    told = [(MONTH, Bilingual(zh=f"{month.first:%Y-%m}", en=f"{month.first:%Y-%m}"))]
    if month.office_name:
        told.append((FILTERS["office"], month.office_name))
    if month.kind:
        told.append((FILTERS["kind"], dict(month.kinds).get(month.kind, Bilingual(en=month.kind))))
    if month.state:
        told.append((FILTERS["state"], STATES.get(month.state, Bilingual(en=month.state))))
    return told
