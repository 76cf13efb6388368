"""What stands in the demo beside its case, so that a newcomer finds no empty page: offers and a tariff in force, saved
customer groups, a contact policy, what messages cost, and a rehearsal of the tariff.

Everything goes through the service as its people would do it, with keys of its own: done twice it is done once.
"""

from dataclasses import replace
from typing import Any

from engine.service import costs, groups, offer_files, offers, people, policies, rehearsals
from engine.service.app import Countersign
from engine.service.recording import OPERATOR, By
from engine.service.rehearsals import Wanted

OFFERS = """\
code,kind,name_zh,name_en,category,family,tags,requires,incompatible,filing_number,monthly_fee,voice_minutes,data_gb,sms,\
voice_price,data_price,sms_price,contract_months,valid_from,valid_until
flow-10g,package,10GB流量包,10 GB data,data,flow,data,,flow-20g flow-unlimited,粤资费备2026-0118,20.00,,10,,,,,1,\
2026-01-01,2029-12-31
flow-20g,package,20GB流量包,20 GB data,data,flow,data,,flow-10g flow-unlimited,粤资费备2026-0119,35.00,,20,,,,,1,\
2026-01-01,2029-12-31
voice-300,package,300分钟语音包,300 minutes,voice,voice,,,voice-800,粤资费备2026-0092,15.00,300,,,,,,1,\
2026-01-01,2029-12-31
family-share,tariff,家庭共享套餐98元,Family 98,family,family,,c.tenure_months >= 6,,粤资费备2026-0143,98.00,500,30,100,\
0.15,5.00,0.10,24,2026-01-01,2029-12-31
"""
GROUPS: tuple[tuple[str, str, dict[str, Any], list[dict[str, Any]]], ...] = (
    (
        "high_value",
        "高价值客户",
        {"rule": "c.arpu >= 88"},
        [{"in": {"arpu": 88}}, {"out": {"arpu": 87}}],
    ),
    ("data_heavy", "流量大户", {"rule": "c.data_gb >= 8 && c.tenure_months > 6"}, []),
    ("long_standing", "五年以上老客户", {"rule": "c.tenure_months >= 60"}, []),
    (
        "worth_keeping",
        "重点维系客户",
        {"except": [{"union": [{"group": "high_value"}, {"group": "long_standing"}]}, {"rule": "c.in_arrears"}]},
        [{"in": {"arpu": 120, "tenure_months": 3, "in_arrears": False}}, {"out": {"arpu": 120, "in_arrears": True}}],
    ),
)
POLICY: dict[str, Any] = {
    "caps": [{"most": 8, "within": "30d"}, {"most": 2, "within": "7d", "channel": "call"}],
    "capacity": {"sms": 1_000_000},
    "exempt": ["service"],
}
COSTS = """\
channel,provider,unit,charged,price,currency,from,until
sms,省公司短信网关,segment,sent,0.038,CNY,2026-01-01,
hall,营业厅酬金,message,sent,0.50,CNY,2026-01-01,
call,外呼中心,message,sent,0.80,CNY,2026-01-01,
"""
FINANCE, SECOND_FINANCE = "zhanglan", "hejing"
ANALYST, MARKETING, PUBLISHER, ADMINISTRATOR = "wangmin", "wuqian", "zhengkai", "machao"


def furnish(app: Countersign) -> None:
    """Make it all."""
    offer_files.load(app, _by(app, MARKETING, "offers"), OFFERS.encode(), "offers.csv")
    for one in offers.listed(app, _by(app, PUBLISHER, "look")):
        offers.decide(app, _by(app, PUBLISHER, one.code), one.code, 1, publish=True)
    for name, title, source, tests in GROUPS:
        by = _by(app, ANALYST, f"group-{name}")
        groups.save(app, by, name=name, title=title, source=source, note="", base=None, tests=tests)
    policies.propose(app, replace(OPERATOR, key="demo:policy"), POLICY, reason="防止过度打扰")
    policies.decide(app, _by(app, ADMINISTRATOR, "policy"), 1, confirm=True)
    costs.propose(app, _by(app, FINANCE, "costs"), COSTS.encode(), "costs.csv", reason="年度渠道价格")
    costs.decide(app, _by(app, SECOND_FINANCE, "costs"), 1, confirm=True)
    rule = "c.office == '440111' && c.tenure_months >= 6"
    rehearsals.run(app, _by(app, MARKETING, "rehearsal"), Wanted("family-share", "1", rule=rule))


def _by(app: Countersign, login: str, deed: str) -> By:
    return By(people.viewer_named(app, login), key=f"demo:{login}:{deed}")
