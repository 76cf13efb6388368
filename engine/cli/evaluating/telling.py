"""The report of an outcome file as texts in one language: headings, cells and notes, for the terminal and the page."""

from dataclasses import dataclass
from decimal import Decimal

from engine.cli.evaluating.words import CAUTIONS, WORDS
from engine.evaluation.metrics import Measure
from engine.evaluation.report import Compared
from engine.evaluation.sentence import amount, difference, level, metric_name
from engine.evaluation.subgroups import Row, Subgroups
from engine.evaluation.uplift import Lift
from engine.service.outcome_files import FileReport
from engine.values import Language

NOTHING = "–"


@dataclass(frozen=True)
class Telling:
    """A report and the language that it is told in."""

    report: FileReport
    language: Language

    def word(self, name: str, **values: str) -> str:
        """A text of WORDS with its places filled."""
        return WORDS[name].in_language(self.language).format(**values)

    @property
    def verdict(self) -> str:
        """The verdict on all arms together."""
        return self.report.total.sentence.in_language(self.language)

    @property
    def judged_by(self) -> str:
        """Which outcome the verdict is about."""
        return self.word("judged_by", metric=self.metric(self.report.question.judged_by))

    @property
    def warnings(self) -> tuple[str, ...]:
        """What could make the verdict wrong."""
        return tuple(CAUTIONS[one].in_language(self.language) for one in self.report.total.judged.warnings)

    @property
    def notes(self) -> tuple[str, ...]:
        """The check of the sizes, what is left out and how much, and what is not known."""
        report, found = self.report, []
        if report.ratio is not None:
            said = self.word("sizes_broken" if report.ratio.blocks else "sizes_ok")
            found.append(self.word("ratio", chi2=f"{report.ratio.chi2:.5f}", p=f"{report.ratio.p:.4f}", said=said))
        found += [self.word("blank", metric=self.metric(name), count=f"{n:,}") for name, n in self._blanks() if n]
        if report.asked.messaged is not None:
            share = report.reached.all / report.control.n
            n, count = f"{report.control.n:,}", f"{report.reached.all:,}"
            found.append(self.word("messaged", n=n, count=count, share=f"{share:.1%}"))
        if report.measured.unassigned:
            found.append(self.word("unassigned", count=f"{report.measured.unassigned:,}"))
        if report.measured.rejected_count:
            found.append(self.word("rejected", count=f"{report.measured.rejected_count:,}"))
        if report.total.money.revenue is None and report.total.money.cost:
            found.append(self.word("no_revenue"))
        return tuple(found)

    def _blanks(self) -> list[tuple[str, int]]:
        groups = (*(compared.group for compared in self.report.arms), self.report.control)
        return [(name, sum(one.n - one.samples[name].n for one in groups)) for name in self.report.question.measures]

    @property
    def family(self) -> str:
        """How many lifts the correction minds."""
        return self.word("family", count=str(sum(len(compared.holm) for compared in self.report.compared)))

    def arm(self, name: str) -> str:
        """What an arm is called."""
        return self.word("all arms") if len(self.report.arms) > 1 and name == self.report.total.name else name

    def metric(self, name: str) -> str:
        """What an outcome is called."""
        return metric_name(name).in_language(self.language)

    def metric_title(self, name: str) -> str:
        """An outcome, and its level in the control group of how many."""
        held, measure = self.report.control.samples[name], self.report.question.measures[name]
        value = level(measure, held.mean) if held.n else NOTHING
        return f"{self.metric(name)} ({self.report.control_name}: {value}, n {held.n:,})"

    def headings(self, measure: Measure) -> tuple[str, ...]:
        """Those of `cells`."""
        return (*self.subgroup_headings(measure, with_control=False), self.word("relative"), self.word("detectable"))

    def subgroup_headings(self, measure: Measure, with_control: bool = True) -> tuple[str, ...]:
        """Those of `subgroup_cells`."""
        return (
            self.word("customers"),
            self.word("value"),
            *((self.word("in_control"),) if with_control else ()),
            self.word("points" if measure == "rate" else "lift"),
            self.word("interval", share=f"{self.report.question.confidence * 100:g}%"),
            self.word("p"),
            self.word("p_holm"),
        )

    def cells(self, compared: Compared, name: str, measure: Measure) -> tuple[str, ...]:
        """One arm's row in the table of an outcome."""
        sample, lift = compared.group.samples[name], compared.lifts[name]
        first = (f"{sample.n:,}", level(measure, sample.mean) if sample.n else NOTHING)
        if lift is None:
            return (*first, NOTHING, self.word("nothing"), *[NOTHING] * 4)
        visible = NOTHING if lift.detectable is None else difference(measure, lift.detectable)
        return (*first, *_lift(measure, lift, compared.holm[name]), _relative(lift), visible)

    def subgroup_cells(self, row: Row, measure: Measure) -> tuple[str, ...]:
        """One value's row in a table of subgroups."""
        if row.lift is None or row.holm is None:
            sizes = (f"{row.n:,}", NOTHING, f"{NOTHING} n {row.n_control:,}")
            return (*sizes, NOTHING, self.word("nothing"), NOTHING, NOTHING)
        held = f"{level(measure, row.lift.control_value)} n {row.lift.n_control:,}"
        levels = (f"{row.lift.n:,}", level(measure, row.lift.value), held)
        return (*levels, *_lift(measure, row.lift, row.holm))

    def subgroups_title(self, table: Subgroups) -> str:
        """Which arm and outcome, by which column, and how many customers have a blank there."""
        said = self.word("subgroups", column=table.column, arm=table.arm, metric=self.metric(table.metric))
        return f"{said} ({self.word('unknown')} {table.unknown:,})" if table.unknown else said

    def interaction(self, table: Subgroups) -> str:
        """Whether the subgroups differ at all."""
        tested = table.interaction
        if tested is None:
            return self.word("untested")
        said = "differ" if tested.holm < 1 - self.report.question.confidence else "alike"
        return self.word(said, q=f"{tested.q:.2f}", p=p_value(tested.p), holm=p_value(tested.holm))

    @property
    def caution(self) -> str:
        """What is to be minded with tables of subgroups."""
        count = sum(row.lift is not None for table in self.report.subgroups for row in table.rows)
        return self.word("caution", count=str(count))

    def profit(self, compared: Compared) -> str | None:
        """The profit of an arm in one line; None where nobody knows it."""
        earned = compared.money
        if earned.profit is None or earned.profit_low is None or earned.profit_high is None:
            return None
        profit, low, high, cost = map(self.amount, (earned.profit, earned.profit_low, earned.profit_high, earned.cost))
        between = f"{low} … {high}"
        return f"{self.arm(compared.name)}: {self.word('profit')} {profit} ({between}), {self.word('cost')} {cost}"

    def money_cells(self, compared: Compared) -> tuple[str, ...]:
        """Cost, revenue, incremental revenue, profit with its interval, return on investment, break-even."""
        earned = compared.money
        known = [
            NOTHING if one is None else self.amount(one) for one in (earned.cost, earned.revenue, earned.incremental)
        ]
        profit = NOTHING if earned.profit is None else self.amount(earned.profit)
        if earned.profit_low is not None and earned.profit_high is not None:
            profit += f" ({self.amount(earned.profit_low)} … {self.amount(earned.profit_high)})"
        roi = NOTHING if earned.roi is None else f"{earned.roi:,.0%}".replace("-", "−")
        even = (
            NOTHING if earned.break_even is None else f"{self.report.asked.currency}{earned.break_even.normalize():f}"
        )
        return (f"{compared.group.n:,}", *known, profit, roi, even)

    def amount(self, value: Decimal) -> str:
        """Money with the sign that was asked for."""
        return amount(value, self.report.asked.currency)


def p_value(p: float) -> str:
    """To two digits; tiny ones as < 0.001."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _lift(measure: Measure, lift: Lift, holm: float) -> tuple[str, ...]:
    sign = "+" if lift.lift > 0 else ""
    between = f"{difference(measure, lift.low)} … {difference(measure, lift.high)}"
    return (sign + difference(measure, lift.lift), between, p_value(lift.p), p_value(holm))


def _relative(lift: Lift) -> str:
    if lift.relative_lift is None:
        return NOTHING
    if lift.relative is None:
        return _percent(lift.relative_lift)
    return f"{_percent(lift.relative_lift)} ({_percent(lift.relative[0])} … {_percent(lift.relative[1])})"


def _percent(share: float) -> str:
    return f"{share * 100:+.1f}%".replace("-", "−")
