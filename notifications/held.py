"""Why a wave or a delivery is held, in the reader's words: it is recorded in a few signs, the same in every language.
Pages and mails say it alike.

Refuses to guess: what it does not know, and what people wrote, is shown as it was recorded.
"""

import re
from decimal import Decimal

from engine.values import Bilingual, Language
from notifications import stopped
from notifications.amounts import money

METRICS = {
    "complaint_rate": Bilingual(zh="投诉率", en="complaints"),
    "opt_out_rate": Bilingual(zh="退订率", en="opt-outs"),
    "failure_rate": Bilingual(zh="失败率", en="failures"),
}
WHOLE = {  # what is recorded without a figure
    "paused": Bilingual(zh="已暂停", en="Paused"),
    "waits for a person's go": Bilingual(zh="等待人工放行", en="Waits for a person's go"),
    "waits for the test of its text": Bilingual(
        zh="等待其文字的测试得出结果", en="It waits until the test of its text is decided"
    ),
    "stop rule overruled": Bilingual(
        zh="触发停止规则后经人工放行，不再按该规则检查",
        en="A person let it go on after the stop rule; the rule is not asked again",
    ),
}
KINDS = (  # what is recorded, with the sentence that its parts go into; the first that fits counts
    (
        re.compile(r"gate: (?P<metric>\w+) (?P<was>\S+%) > (?P<most>\S+%)"),
        Bilingual(zh="关口未开：{metric} {was}，最多 {most}", en="The gate is shut: {metric} {was}, at most {most}"),
    ),
    (
        re.compile(r"budget: (?P<needed>[\d.]+) > (?P<left>-?[\d.]+)"),
        Bilingual(
            zh="接下来的发送需要 {needed}，本案批准的预算还剩 {left}。已停止发送。"
            "请申请追加预算，或另立一案发给较少的客户，或结束本次派送。",
            en="What goes out next costs {needed}, and {left} is left of the budget that was approved for this case."
            " Nothing more is sent. Ask for more money, let fewer customers have it in a case of their own, or end this"
            " delivery.",
        ),
    ),
    (
        re.compile(r"content: (?P<wrong>\d+) of (?P<texts>\d+) texts of (?P<wave>\w+) may not go out"),
        Bilingual(
            zh="波次 {wave} 的 {texts} 条消息中有 {wrong} 条不允许发出",
            en="{wrong} of {texts} texts of the wave {wave} may not go out",
        ),
    ),
    (
        re.compile(r"proofs: (?P<fits>\d+) of (?P<need>\d+) said that it fits"),
        Bilingual(
            zh="首个波次等待样张：每段消息文字均须 {need} 人认为合适，目前 {fits} 人。"
            "请在“派送”页发出样张；人数一到即自动开始，无需再点“继续派送”。",
            en="The first wave waits for proofs: {need} must say of every text that it fits, {fits} said so."
            " Send the proofs on the delivery page; it starts by itself as soon as enough have said so.",
        ),
    ),
    (re.compile(r"stop: (?P<rule>.+)", re.S), Bilingual(zh="触发停止规则：{rule}", en="The stop rule holds: {rule}")),
    (re.compile(r"stale: (?P<stale>.+)", re.S), Bilingual(zh="名单已陈旧：{stale}", en="The list is stale: {stale}")),
    (re.compile(r"opened by (?P<who>.+)", re.S), Bilingual(zh="由{who}放行", en="Opened by {who}")),
)
STALE = (  # the parts of a list's staleness
    (
        re.compile(r"(?P<age>\d+[dhm]) > (?P<limit>\d+[dhm])"),
        Bilingual(zh="{age}前筛选，最多允许 {limit}", en="selected {age} ago, at most {limit}"),
    ),
    (
        re.compile(r"(?P<name>\w+)@(?P<was>\d+) → (?P=name)@(?P<now>\d+)"),
        Bilingual(
            zh="客户群 {name} 已有版本 {now}，所用为版本 {was}",
            en="group {name} has version {now}, version {was} was used",
        ),
    ),
    (
        re.compile(r"list (?P<name>\w+)"),
        Bilingual(zh="导入名单 {name} 已换成新的内容", en="the imported list {name} is another one now"),
    ),
)
UNITS = {
    "d": Bilingual(zh="天", en="day"),
    "h": Bilingual(zh="小时", en="hour"),
    "m": Bilingual(zh="分钟", en="minute"),
}
BETWEEN = Bilingual(zh="；", en="; ")


def spoken(reason: str, language: Language) -> str:
    """The gate is shut: complaints 0.41%, at most 0.2%."""
    if reason in WHOLE:
        return WHOLE[reason].in_language(language)
    for pattern, sentence in KINDS:
        if found := pattern.fullmatch(reason):
            parts = {name: _part(name, value, language) for name, value in found.groupdict().items()}
            return sentence.in_language(language).format(**parts)
    return reason


def _part(name: str, value: str, language: Language) -> str:
    match name:
        case "metric":
            return METRICS[value].in_language(language) if value in METRICS else value
        case "needed" | "left":
            return money(Decimal(value))
        case "wrong" | "texts":
            return f"{int(value):,}"
        case "age" | "limit":
            return _span(value, language)
        case "rule":
            return stopped.spoken(value, language)
        case "stale":
            return BETWEEN.in_language(language).join(_stale(one, language) for one in value.split(", "))
    return value


def _stale(why: str, language: Language) -> str:
    for pattern, sentence in STALE:
        if found := pattern.fullmatch(why):
            parts = {name: _part(name, value, language) for name, value in found.groupdict().items()}
            return sentence.in_language(language).format(**parts)
    return why


def _span(text: str, language: Language) -> str:
    count, unit = int(text[:-1]), UNITS[text[-1]].in_language(language)
    return f"{count} {unit}" if language == "zh" or count == 1 else f"{count} {unit}s"
