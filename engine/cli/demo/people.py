"""The offices and people of the demo: one county, its city and province, with everyone the telecom case asks."""

from engine.organisation import Office
from engine.service.people import NewPerson
from engine.values import Language

PASSWORD = "huiqian-demo"  # noqa: S105  of accounts that exist in the demo's own database only

OFFICES = (
    Office(code="440000", zh="广东省公司", en="Guangdong province", level="province", parent=None),
    Office(code="440100", zh="广州市分公司", en="Guangzhou city", level="city", parent="440000"),
    Office(code="440111", zh="白云区分公司", en="Baiyun county", level="county", parent="440100"),
    Office(code="440106", zh="天河区分公司", en="Tianhe county", level="county", parent="440100"),
)


def _person(login: str, name: str, *grants: str, language: Language = "zh") -> NewPerson:
    pairs = tuple((role, office) for role, _, office in (grant.partition("@") for grant in grants))
    return NewPerson(
        id=login, name=name, email=f"{login}@example.org", language=language, password=PASSWORD, grants=pairs
    )


PEOPLE = (
    _person("wangmin", "王敏", "submitter@440111", "analyst@440111"),
    _person("liguoqiang", "李国强", "head@440111"),
    _person("zhanglan", "张岚", "finance@440100"),
    _person("hejing", "何静", "finance@440100"),
    _person("chensi", "陈思", "network@440100"),
    _person("linfang", "林芳", "service@440100"),
    _person("zhouning", "周宁", "vp_market@440100"),
    _person("zhengkai", "郑凯", "marketing@440100"),
    _person("sunli", "孙莉", "head@440100"),
    _person("wuqian", "吴倩", "marketing@440000"),
    _person("gaoyuan", "高远", "head@440000", "gm@440000"),
    _person("dengli", "邓丽", "committee@440000"),
    _person("fangjun", "方军", "committee@440000"),
    _person("machao", "马超", "process_admin@440000", "administrator@440000"),
    _person("xuwen", "徐文", "auditor@440000"),
    _person("zhaoying", "赵颖", "clerk@440111"),
    _person("emily", "Emily Chen", "submitter@440106", language="en"),
)

SUBMITTER = "wangmin"
SHOWN = (
    ("wangmin", "submitter 申报人", "白云区分公司"),
    ("liguoqiang", "county head 县公司经理", "白云区分公司"),
    ("zhanglan", "city finance 市财务部", "广州市分公司"),
    ("zhouning", "city marketing vice-president 市场副总", "广州市分公司"),
    ("machao", "administrator 管理员", "广东省公司"),
    ("zhaoying", "clerk in a business hall 营业员", "白云区分公司"),
)
