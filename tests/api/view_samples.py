"""View values of one case at several moments, as the service would give them: what templates are looked at with."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from engine.errors import Problem
from engine.service.chain_views import Chain, Node, Seat, Waiting
from engine.service.stage_views import AudienceView, EvaluationView, FunnelRow, UpliftRow, WaterfallRow, WaveView
from engine.service.views import (
    CaseRow,
    CaseView,
    Change,
    Entry,
    FieldView,
    FormView,
    Grant,
    Inbox,
    SheetView,
    TaskRow,
    Viewer,
)
from engine.values import NO_TEXT, Bilingual, Language

NOW = datetime(2026, 9, 23, 5, 12, tzinfo=UTC)
CITY = Bilingual(zh="广州市", en="Guangzhou")
COUNTY = Bilingual(zh="白云区分公司", en="Baiyun office")


def both(zh: str, en: str) -> Bilingual:
    """A bilingual label."""
    return Bilingual(zh=zh, en=en)


def viewer(language: Language, *roles: str) -> Viewer:
    """Someone at the city's finance department."""
    grants = tuple(Grant(role, "440100", CITY) for role in roles or ("finance",))
    return Viewer("zhanglan", "张岚", language, grants, csrf="token")


ROW = CaseRow(
    "c1",
    "440111-2026-00042",
    "国庆流量包加赠营销案",
    both("电信营销案", "Telecom marketing case"),
    "approving",
    COUNTY,
    "王敏",
    Decimal("48000"),
    9000,
    NOW - timedelta(hours=27),
)


def seat(name: str, decision: str | None = None, hours: int = 0, remark: str = "") -> Seat:
    """A person's place at a step."""
    state = "decided" if decision else "open"
    return Seat(name, name, state, decision, NOW - timedelta(hours=hours) if decision else None, remark)


HEAD = Node(
    "county_head",
    both("县公司经理", "County head"),
    "approve",
    "done",
    "any",
    1,
    1,
    (seat("李国强", "approve", 45),),
    NOW - timedelta(hours=50),
    NOW - timedelta(hours=45),
)
FINANCE = Node(
    "city_finance",
    both("市财务部", "City finance"),
    "approve",
    "current",
    "any",
    1,
    0,
    (seat("张岚"), seat("何丽"), seat("吴强")),
    NOW - timedelta(hours=27),
    None,
    NOW + timedelta(days=2, hours=4),
)
NETWORK = Node(
    "city_network",
    both("市网络部", "City network"),
    "approve",
    "done",
    "all",
    1,
    1,
    (seat("陈思", "approve", 27),),
    NOW - timedelta(hours=40),
    NOW - timedelta(hours=27),
)
SERVICE = Node(
    "city_service",
    both("市服务部", "City service"),
    "approve",
    "done",
    "sequence",
    2,
    2,
    (seat("赵敏", "approve", 30), seat("钱红", "approve", 29)),
    NOW - timedelta(hours=40),
    None,
)
VP = Node("city_vp", both("市场副总", "Marketing vice-president"), "approve", "ahead", "any", 1, 0, (seat("周宁"),))
REGISTER = Node(
    "province_register", both("省公司报备", "Province register"), "file", "ahead", "any", 1, 0, (seat("孙悦"),)
)
AUDIENCE = Node("audience", both("选客", "Customers"), "audience", "ahead", count=9036)
DELIVERY = Node("delivery", both("派送", "Delivery"), "delivery", "ahead", count=2)
EVALUATION = Node("evaluation", both("评估", "Evaluation"), "evaluation", "ahead")
CHAIN = Chain(((HEAD,), (FINANCE, NETWORK, SERVICE), (VP,), (REGISTER,), (AUDIENCE,), (DELIVERY,), (EVALUATION,)))

CHANNELS = (("sms", both("短信", "SMS")), ("hall", both("营业厅", "Business hall")), ("email", both("邮件", "E-mail")))
TEXT = "【白云移动】尊敬的客户，国庆期间您可 8 折办理 10GB 流量包，回复 LL10 办理，有效期至 10 月 15 日。拒收请回复 R"
FIELDS = (
    FieldView("title", both("案名", "Title"), "text", ROW.title, True, True, False, limits={"max": "40"}),
    FieldView(
        "budget", both("预算", "Budget"), "money", "48000", True, True, True, "CNY", limits={"min": "0"}, was="36000"
    ),
    FieldView("reach", both("目标客户数", "Target customers"), "int", 9000, True, True, True, limits={"min": "1"}),
    FieldView(
        "discount", both("折扣", "Discount"), "decimal", "0.8", True, True, True, limits={"min": "0.1", "max": "1"}
    ),
    FieldView("channels", both("渠道", "Channels"), "set", ["sms", "hall"], True, True, True, choices=CHANNELS),
    FieldView("window", both("时间", "Window"), "daterange", ["2026-10-01", "2026-10-15"], True, True),
    FieldView(
        "offer",
        both("优惠", "Offer"),
        "ref",
        "DATA10G",
        True,
        True,
        True,
        help=both("产品目录中的编号", "Its number in the product catalogue"),
    ),
    FieldView("message", both("短信内容", "Message"), "text", TEXT, True, True, True, limits={"max": "300"}),
)
CHANGES = (
    Change(both("预算", "Budget"), "money", "36000", "48000"),
    Change(both("渠道", "Channels"), "set", ["sms"], ["sms", "hall"]),
)

WATERFALL = (
    WaterfallRow("base", both("规则命中", "Rule matches"), 14820, 0, 14820, 0),
    WaterfallRow("blacklist", both("黑名单", "Blacklist"), 14820, 212, 14608, 212),
    WaterfallRow("greylist", both("灰名单", "Greylist"), 14608, 640, 13968, 655),
    WaterfallRow("contacted", both("近期同类", "Contacted recently"), 13968, 3318, 10650, 3502),
    WaterfallRow("conflicts", both("条件抵触", "Conflicting offer"), 10650, 610, 10040, 801),
    WaterfallRow("control", both("对照组", "Control group"), 10040, 1004, 9036, 0),
    WaterfallRow("target", both("发送名单", "List to send"), 9036, 0, 9036, 0),
)
FROZEN = AudienceView(
    WATERFALL,
    {"high": (2210, 246), "base": (6826, 758)},
    9036,
    1004,
    "9f2c" * 16,
    "2026-09-20",
    NOW,
    "SELECT c.customer_id,\n       CASE WHEN c.arpu >= 88 THEN 'high' ELSE 'base' END AS cell\nFROM customers AS c\n"
    "WHERE c.arpu >= 38 AND c.tenure_months > 6 AND c.customer_id IS NOT NULL AND c.status = 'active'",
)
WAVES = (
    WaveView("w0", "pilot", "sms", "done", 452, 0, 3, 431, 12, 1, 5, NOW, NOW, None, "", Decimal("15.645")),
    WaveView(
        "w1", "main", "sms", "running", 8584, 3000, 1200, 4100, 180, 4, 100, NOW, None, None, "", Decimal("193.80")
    ),
    WaveView(
        "w2", "reminder", "sms", "gated", 900, 900, 0, 0, 0, 0, 0, None, None, NOW + timedelta(hours=20), "", Decimal(0)
    ),
)
MEASURED = EvaluationView(
    "7d",
    NOW,
    (
        FunnelRow("selected", 10040, 14820),
        FunnelRow("sent", 9036, 9036),
        FunnelRow("delivered", 8820, 9036),
        FunnelRow("response", 610, 8820),
        FunnelRow("conversion", 402, 9036),
    ),
    (
        UpliftRow("high", "conversion", "wald", 2210, 246, 0.061, 0.031, 0.03, 0.006, 0.054, 0.014),
        UpliftRow("base", "conversion", "newcombe", 6826, 758, 0.038, 0.032, 0.006, -0.008, 0.02, 0.39),
        UpliftRow("high", "revenue", "welch", 2210, 246, 4.31, 3.02, 1.29, 0.2, 2.4, 0.02),
        UpliftRow("base", "revenue", "welch", 6826, 758, 2.31, 2.52, -0.21, -0.6, -0.05, 0.0004),
    ),
    0.42,
    0.517,
    Decimal("17322.00"),
    Decimal("316.26"),
    Decimal("-120.5"),
    0.62,
    "works",
    ("few_outcomes",),
    "ab12" * 16,
)


def entry(seq: int, hours: int, actor: str, what: str, **more: object) -> Entry:
    """A history entry some hours ago."""
    known = {"on_behalf_of": "", "via": "page", "step": NO_TEXT, "remark": "", "changes": (), "number": None}
    return Entry(seq=seq, at=NOW - timedelta(hours=hours), actor=actor, what=what, **(known | more))  # type: ignore[arg-type]


HISTORY = (
    entry(9, 3, "system", "reminded", via="timer", step=FINANCE.label),
    entry(8, 27, "陈思", "approve", step=NETWORK.label, via="link"),
    entry(7, 29, "钱红", "approve", step=SERVICE.label, on_behalf_of="赵敏"),
    entry(6, 45, "李国强", "approve", step=HEAD.label, remark="名单已核，建议先发试点。"),
    entry(5, 50, "王敏", "resubmitted", changes=CHANGES),
    entry(4, 52, "李国强", "return", step=HEAD.label, remark="预算偏低，请核对。"),
    entry(3, 53, "王敏", "submitted"),
    entry(2, 54, "王敏", "edited"),
    entry(1, 55, "王敏", "created"),
)
REASONS = ("budget 48,000 > 5,000: true", "discount 0.8 < 0.7: false")
CASE = CaseView(
    ROW,
    3,
    True,
    "to_city",
    REASONS,
    2,
    9,
    Waiting("approving", (FINANCE,), FINANCE.entered_at, FINANCE.due_at, (VP,), ()),
    CHAIN,
    FIELDS,
    FROZEN,
    (),
    (),
    HISTORY,
    TEXT,
)
READY = replace(
    CASE, row=replace(ROW, state="ready"), waiting=Waiting("ready", (), None, None, (), ("start", "withdraw"))
)
SENDING = replace(
    CASE,
    row=replace(ROW, state="delivering"),
    waves=WAVES,
    waiting=Waiting("delivering", (), None, None, (), ("pause", "import")),
)
EVALUATED = replace(
    SENDING,
    row=replace(ROW, state="evaluating"),
    evaluations=(MEASURED,),
    waiting=Waiting("evaluating", (), None, None, (), ("import", "close")),
)
RETURNED = replace(
    CASE,
    row=replace(ROW, state="returned"),
    audience=None,
    waiting=Waiting("returned", (), None, None, (), ("edit", "submit", "withdraw"), "预算偏低，请核对。", "李国强"),
)
TASK = TaskRow(
    "t1", ROW, FINANCE.label, "approve", "open", FINANCE.entered_at or NOW, FINANCE.due_at, None, None, ("changed",)
)
DECIDED = replace(TASK, decision="approve", state="decided", decided_at=NOW - timedelta(hours=27))
SHEET = SheetView(
    CASE,
    TASK,
    "",
    tuple(one for one in HISTORY if one.what in ("approve", "return")),
    CHANGES,
    True,
    ("approve", "return", "reject"),
)
SHEET_DECIDED = replace(SHEET, task=DECIDED, decided_by="陈思", may_decide=False, decisions=())
SHEET_FILING = replace(
    SHEET, task=replace(TASK, verb="file"), decisions=("acknowledge", "object"), opinions=(), changes=()
)
OVERDUE = replace(TASK, id="t2", due_at=NOW - timedelta(hours=5), flags=("overdue",))
INBOX = Inbox((OVERDUE, TASK), (DECIDED,), (), (ROW,), {"to_do": 3, "done": 1, "copied": 0, "mine": 1})
EMPTY = Inbox((), (), (), (), {})
FORM = FormView(
    "c1", 9, ROW.definition, "telecom-marketing-case", FIELDS, (), CHAIN, REASONS, NOW, "预算偏低，请核对。", "李国强"
)
WRONG = replace(
    FORM,
    preview=None,
    problems=(
        Problem("E", "must be a number", at="budget"),
        Problem("E", "is required", at="window"),
        Problem("E", "choose at least one", at="channels"),
    ),
)
