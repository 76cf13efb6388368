"""Why a wave is held, in words: everything that is recorded has its sentence, what people wrote stays."""

import pytest

from notifications.held import spoken


@pytest.mark.parametrize(
    ("reason", "zh", "en"),
    [
        (
            "gate: complaint_rate 0.41% > 0.2%",
            "关口未开：投诉率 0.41%，最多 0.2%",
            "The gate is shut: complaints 0.41%, at most 0.2%",
        ),
        (
            "stop: m.spent >= form.budget where m.spent 9.60 >= form.budget 9 (预算 / Budget)",
            "触发停止规则：已花费 ¥9.60，不低于 预算 ¥9",
            "The stop rule holds: cost so far ¥9.60, at least Budget ¥9",
        ),
        (
            "stop: m.sent > 100 && m.complaint_rate > 0.002"
            " where m.sent 2700 > 100; m.complaint_rate 0.00411111 > 0.002",
            "触发停止规则：已发 2,700，高于 100，并且投诉率 0.41%，高于 0.2%",
            "The stop rule holds: sent 2,700, more than 100, and rate of complaints 0.41%, more than 0.2%",
        ),
        (
            "stop: m.failed * 2 > m.sent where m.failed * 2 300 > m.sent 270",
            "触发停止规则：失败 * 2 = 300，高于 已发 270",
            "The stop rule holds: failed * 2 = 300, more than sent 270",
        ),
        ("stop: m.spent > 9", "触发停止规则：已花费，高于 ¥9", "The stop rule holds: cost so far, more than ¥9"),
        (
            "stop: m.opt_outs > 9 || m.spent >= form.budget",
            "触发停止规则：退订，高于 9，或者已花费，不低于 budget",
            "The stop rule holds: opt-outs, more than 9, or cost so far, at least budget",
        ),
        (
            "stale: 40d > 30d, vip@1 → vip@2",
            "名单已陈旧：40 天前筛选，最多允许 30 天；客户群 vip 已有版本 2，所用为版本 1",
            "The list is stale: selected 40 days ago, at most 30 days; group vip has version 2, version 1 was used",
        ),
        (
            "stale: list upload",
            "名单已陈旧：导入名单 upload 已换成新的内容",
            "The list is stale: the imported list upload is another one now",
        ),
        (
            "content: 3 of 2700 texts of main may not go out",
            "波次 main 的 2,700 条消息中有 3 条不允许发出",
            "3 of 2,700 texts of the wave main may not go out",
        ),
        (
            "proofs: 1 of 2 said that it fits",
            "首个波次等待样张：每段消息文字均须 2 人认为合适，目前 1 人。"
            "请在“派送”页发出样张；人数一到即自动开始，无需再点“继续派送”。",
            "The first wave waits for proofs: 2 must say of every text that it fits, 1 said so. Send the proofs on the"
            " delivery page; it starts by itself as soon as enough have said so.",
        ),
        (
            "budget: 8.10 > 7.60",
            "接下来的发送需要 ¥8.10，本案批准的预算还剩 ¥7.60。已停止发送。"
            "请申请追加预算，或另立一案发给较少的客户，或结束本次派送。",
            "What goes out next costs ¥8.10, and ¥7.60 is left of the budget that was approved for this case. Nothing"
            " more is sent. Ask for more money, let fewer customers have it in a case of their own, or end this"
            " delivery.",
        ),
        (
            "stale: 1d > 2h",
            "名单已陈旧：1 天前筛选，最多允许 2 小时",
            "The list is stale: selected 1 day ago, at most 2 hours",
        ),
        ("waits for a person's go", "等待人工放行", "Waits for a person's go"),
        ("gate: calls_made 9% > 5%", "关口未开：calls_made 9%，最多 5%", "The gate is shut: calls_made 9%, at most 5%"),
        ("opened by 王敏", "由王敏放行", "Opened by 王敏"),
        ("客户投诉多", "客户投诉多", "客户投诉多"),
    ],
)
def test_what_is_recorded_is_told_in_words(reason: str, zh: str, en: str) -> None:
    assert spoken(reason, "zh") == zh
    assert spoken(reason, "en") == en
