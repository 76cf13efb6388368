"""What the codes of dimensions are called: states, approval or filing, kinds of targets. Refuses what a catalogue of
the house names: offices, offers, definitions."""

from collections.abc import Mapping

from engine.service.case_table import STATES
from engine.values import Bilingual

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
        "none": Bilingual(zh="不作预测", en="not forecast"),
        "over": Bilingual(zh="期间已结束，即实际完成数", en="the window is over: what came"),
        "too_few": Bilingual(zh="为时尚早：不足 10 户", en="too early: fewer than 10 customers"),
        "too_early": Bilingual(zh="为时尚早：期间刚开始", en="too early in the window"),
        "too_wide": Bilingual(zh="为时尚早：区间过宽", en="too early: the interval is too wide"),
    },
}
DRAFT = Bilingual(zh="草稿（无编号）", en="Draft without a number")
