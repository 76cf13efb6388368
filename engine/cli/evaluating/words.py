"""What the table and the page of an outcome file say, in Chinese and English. Refuses numbers: they come from the
report."""

from collections.abc import Mapping

from engine.evaluation.verdict import Caution
from engine.values import Bilingual


def _both(zh: str, en: str) -> Bilingual:
    return Bilingual(zh=zh, en=en)


CAUTIONS: Mapping[Caution, Bilingual] = {
    "few_outcomes": _both("结果很少：区间粗略。", "There are few outcomes: the interval is rough."),
    "small_control": _both("对照组不足 300 户：区间很宽。", "The control group is below 300: the interval is wide."),
    "profit_uncertain": _both(
        "利润也可能是亏损：其区间低于零。", "The profit may as well be a loss: its interval reaches below zero."
    ),
    "many_comparisons": _both(
        "比较了多项：按 Holm 校正后不再成立，可能只是偶然。",
        "Several comparisons were made: after Holm's correction this one does not stand, and may be chance.",
    ),
    "contaminated_control": _both(
        "部分对照客户收到了消息：真实提升可能更大。",
        "Some control customers were messaged: the real lift may be larger.",
    ),
}

WORDS: Mapping[str, Bilingual] = {
    "title": _both("活动效果评估", "Evaluation of a campaign"),
    "arm": _both("组", "Arm"),
    "control": _both("对照组", "Control group"),
    "all arms": _both("各组合计", "All arms"),
    "customers": _both("客户", "Customers"),
    "unknown": _both("未知", "Unknown"),
    "value": _both("水平", "Level"),
    "in_control": _both("对照", "In control"),
    "lift": _both("提升", "Lift"),
    "points": _both("提升，百分点", "Points"),
    "interval": _both("{share} 区间", "{share} interval"),
    "relative": _both("相对提升", "Relative lift"),
    "p": _both("p", "p"),
    "p_holm": _both("p（Holm）", "p (Holm)"),
    "detectable": _both("可识别的最小差别", "Smallest visible"),
    "method": _both("方法", "Method"),
    "nothing": _both("无可比", "nothing to compare"),
    "money": _both("成本与收益", "Cost and value"),
    "cost": _both("成本", "Cost"),
    "revenue": _both("收入", "Revenue"),
    "incremental": _both("增量收入", "Incremental"),
    "profit": _both("增量利润", "Incremental profit"),
    "roi": _both("投资回报率", "Return on investment"),
    "break_even": _both("每户盈亏平衡提升", "Break-even per customer"),
    "no_revenue": _both(
        "没有给出单价（--value-per）：收入未知，因此没有利润。",
        "No outcome has a price (--value-per): revenue is unknown, and so there is no profit.",
    ),
    "judged_by": _both("按“{metric}”判断", "judged by {metric}"),
    "sizes_ok": _both("各组人数与计划相符", "the group sizes are as planned"),
    "sizes_broken": _both("各组人数与计划不符，不下结论", "the groups do not have the planned sizes, no verdict"),
    "ratio": _both("样本比例检验：χ² {chi2}，p {p}：{said}", "Sample ratio: chi2 {chi2}, p {p}: {said}"),
    "unassigned": _both("{count} 行没有组别，不计入", "{count} rows name no arm and do not count"),
    "rejected": _both("{count} 行无法读取，不计入", "{count} rows could not be read and do not count"),
    "blank": _both(
        "{metric}：{count} 户为空，视为未知，不计入该项", "{metric}: {count} blank, unknown, not counted in it"
    ),
    "messaged": _both(
        "对照组 {n} 户中有 {count} 户（{share}）收到了消息",
        "{count} of {n} control customers ({share}) were messaged",
    ),
    "subgroups": _both("分群：{column}，{arm}，{metric}", "Subgroups: {metric} of {arm} by {column}"),
    "subgroups_heading": _both("分群", "Subgroups"),
    "caution": _both(
        "分群是事后找到的：行数多，总有几行碰巧显眼。p 值已按所有分群表的全部 {count} 行作 Holm 校正；"
        "只有交互检验显示各群确有不同时，才可以比较各行。",
        "Subgroups are found after the fact: of many rows some stand out by chance. p-values are corrected after Holm"
        " over all {count} rows of all subgroup tables; rows may be told apart only where the interaction test says"
        " that they differ at all.",
    ),
    "differ": _both(
        "交互检验：Q {q}，p {p}，Holm 校正后 {holm}：各群提升不同",
        "Interaction: Q {q}, p {p}, {holm} after Holm: the lifts of the subgroups differ",
    ),
    "alike": _both(
        "交互检验：Q {q}，p {p}，Holm 校正后 {holm}：看不出各群有别",
        "Interaction: Q {q}, p {p}, {holm} after Holm: no difference between subgroups is shown",
    ),
    "untested": _both("可比的分群不足两个，无法检验", "fewer than two subgroups can be compared: no interaction test"),
    "as_table": _both("数据表", "As a table"),
    "how": _both("每个数字如何得出", "How each number is made"),
    "figure": _both("数字", "Figure"),
    "formula": _both("公式", "Formula"),
    "denominator": _both("分母", "Denominator"),
    "made_of": _both("文件 {file}，SHA-256 {digest}", "File {file}, SHA-256 {digest}"),
    "page_made": _both("由 countersign evaluate 生成", "Made by countersign evaluate"),
    "family": _both(
        "一族：本报告中全部 {count} 个提升（每项指标 × 每组及合计）",
        "One family: all {count} lifts of this report (every metric of every arm, and of all arms together)",
    ),
}

FORMULAS: tuple[tuple[Bilingual, Bilingual, Bilingual], ...] = (
    (
        _both("水平（比率）", "Level of a rate"),
        _both("有该结果的客户 ÷ 已知结果的客户", "customers with the outcome ÷ customers of whom it is known"),
        _both("该组客户，空白除外；是否收到消息不论", "customers of the group without blanks, messaged or not"),
    ),
    (
        _both("水平（均值）", "Level of a mean"),
        _both("结果之和 ÷ 已知结果的客户", "sum of the outcome ÷ customers of whom it is known"),
        _both("同上；值为 0 的客户计入", "the same; customers with 0 count"),
    ),
    (
        _both("提升", "Lift"),
        _both("目标组水平 − 对照组水平", "level of the arm − level of the control group"),
        _both("两组各自的客户", "customers of each side"),
    ),
    (
        _both("相对提升", "Relative lift"),
        _both(
            "提升 ÷ 对照组水平；区间按 Fieller（1954）",
            "lift ÷ level of the control group; interval after Fieller (1954)",
        ),
        _both("对照组水平", "level of the control group"),
    ),
    (
        _both("wald 区间", "wald interval"),
        _both(
            "提升 ± z·√(s²目标/n + s²对照/n)；两侧有无该结果各至少 40 户",
            "lift ± z·√(s²/n of the arm + s²/n of control); 40 with and 40 without the outcome on both sides",
        ),
        _both("两组客户", "customers of both sides"),
    ),
    (
        _both("newcombe 区间", "newcombe interval"),
        _both(
            "合并两侧的 Wilson 区间（Newcombe 1998，方法 10）；不足 40 时",
            "Wilson intervals of both rates combined (Newcombe 1998, method 10); below 40",
        ),
        _both("两组客户", "customers of both sides"),
    ),
    (
        _both("welch 区间", "welch interval"),
        _both(
            "提升 ± t·√(s²目标/n + s²对照/n)（Welch 1947）",
            "lift ± t·√(s²/n of the arm + s²/n of control) (Welch 1947)",
        ),
        _both("两组客户", "customers of both sides"),
    ),
    (
        _both("p（Holm）", "p (Holm)"),
        _both(
            "第 k 小的 p ×（m − k + 1），不降（Holm 1979）", "k-th smallest p × (m − k + 1), never falling (Holm 1979)"
        ),
        _both(
            "m：本报告的全部提升；分群表另为一族",
            "m: all lifts of this report; subgroup tables are a family of their own",
        ),
    ),
    (
        _both("可识别的最小差别", "Smallest visible"),
        _both("(z(置信) + z(0.8))·√(v·(1/n + 1/n对照))", "(z(confidence) + z(0.8))·√(v·(1/n + 1/n of control))"),
        _both("v：对照组方差", "v: variance of the control group"),
    ),
    (
        _both("增量利润", "Incremental profit"),
        _both("客户 × 每户收入的提升 − 成本", "customers × lift of revenue per customer − cost"),
        _both("该组全部客户", "all customers of the arm"),
    ),
    (
        _both("投资回报率", "Return on investment"),
        _both("增量利润 ÷ 成本", "incremental profit ÷ cost"),
        _both("成本：客户 × 每次触达成本", "cost: customers × cost per contact"),
    ),
    (
        _both("样本比例", "Sample ratio"),
        _both(
            "人数对计划人数的 χ² 检验；p < 0.01 不下结论",
            "χ² of the sizes against those planned; below p = 0.01 no verdict",
        ),
        _both("有组别的全部行", "all rows that name an arm"),
    ),
    (
        _both("交互检验 Q", "Interaction Q"),
        _both("Σ (提升 − 加权均值)² ÷ 误差²（Cochran 1954）", "Σ (lift − weighted mean)² ÷ error² (Cochran 1954)"),
        _both("自由度：可比分群数 − 1", "degrees of freedom: comparable subgroups − 1"),
    ),
)
