"""The shipped telecom case in a small province: opened, submitted, and approved by the head of its county.

The approval is what most transitions are: one task decided, its reminder called off, two people of the city asked.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from engine.definition.compile import compile_process
from engine.definition.load import load
from engine.machine.advance import advance, create
from engine.machine.case import Case, ProcessRef
from engine.machine.commands import Create, Decide, Submit
from engine.organisation import Grant, Office, Organisation, Person, Workdays
from engine.store.rows import Decided

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
FILE = Path(__file__).parents[1] / "definitions" / "telecom-marketing-case.yaml"
COUNTY = "430102"
OFFICES = (
    Office("43", "湖南省", "province"),
    Office("4301", "长沙市", "city", parent="43"),
    Office(COUNTY, "芙蓉区", "county", parent="4301"),
)
HOLDERS = (
    Grant("li", "submitter", COUNTY),
    Grant("wang", "head", COUNTY),
    Grant("chen", "finance", "4301"),
    Grant("ma", "network", "4301"),
    Grant("sun", "service", "4301"),
    Grant("he", "vp_market", "4301"),
    Grant("lu", "marketing", "43"),
    Grant("admin", "process_admin", "43"),
)
FORM = {
    "title": "5G 套餐升级营销案",
    "offer": "5G-129",
    "budget": "80000.00",
    "reach": 9000,
    "discount": "0.85",
    "channels": ["sms", "hall"],
    "window": ["2026-04-01", "2026-06-30"],
    "message": "5G 套餐升级, 首月半价, 回复 1 办理",
}


class County:
    """The compiled process, bound to its people, and the first three commands of a case."""

    def __init__(self) -> None:
        definition = load(FILE.read_text(encoding="utf-8"), file=FILE.name)
        people = [Person(name, name) for name in {grant.person for grant in HOLDERS}]
        organisation = Organisation(OFFICES, people, HOLDERS)
        self.now = NOW
        self.ref = ProcessRef(definition.name, definition.version, definition.fingerprint)
        self.process = compile_process(definition).bound(organisation, Workdays(ZoneInfo("Asia/Shanghai")))

    def created(self, case_id: str) -> Decided:
        """A draft of the county."""
        command = Create(actor="li", office=COUNTY)
        return Decided(command, create(case_id, self.ref, command, NOW))

    def submitted(self, case: Case) -> Decided:
        """Submitted: the head of the county is asked."""
        command = Submit(actor="li", form=FORM, number=f"{COUNTY}-2026-{case.id}")
        return Decided(command, advance(self.process, case, command, NOW))

    def approved(self, case: Case) -> Decided:
        """Approved by the head of the county, each case a little later than the one before."""
        self.now += timedelta(milliseconds=7)
        task = case.tasks[0]
        command = Decide(
            actor=task.person, via="link", task=task.id, decision="approve", remark="同意", seen_seq=case.seq
        )
        return Decided(command, advance(self.process, case, command, self.now))
