"""Groups of customers summed up: how many, the mean of each outcome, its spread.

Everything that compares works on these, so a comparison of millions costs what one of ten costs. Needs no statistics
library, so that whoever only reads files starts fast. Refuses to compare.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np

MOST_DISTINCT = 5000  # values a Spread may hold: beyond, the mean is normal enough and resampling tells no more


@dataclass(frozen=True, slots=True)
class Sample:
    """`n` customers, the mean of their outcome and the sum of squared deviations from it (never below 0)."""

    n: int
    mean: float
    deviations: float

    @classmethod
    def counted(cls, n: int, successes: int) -> Self:
        """`successes` of `n` customers have the outcome."""
        if not 0 <= successes <= n:
            raise ValueError(f"{successes} of {n} customers cannot be")
        rate = successes / n if n else 0.0
        return cls(n, rate, successes * (1 - rate))

    @classmethod
    def summed(cls, n: int, total: float, squares: float) -> Self:
        """From the sum and the sum of squares. Large values with little spread lose digits this way; `of` does not."""
        mean = total / n if n else 0.0
        return cls(n, mean, max(0.0, squares - total * mean))

    @classmethod
    def of(cls, values: Iterable[float]) -> Self:
        """From the values themselves, which must be finite."""
        array = np.asarray(list(values), dtype=float)
        if not len(array):
            return cls(0, 0.0, 0.0)
        mean = float(array.mean())
        return cls(len(array), mean, float(((array - mean) ** 2).sum()))

    @property
    def total(self) -> float:
        """The sum of the outcome."""
        return self.n * self.mean

    @property
    def successes(self) -> int:
        """Of a rate: how many have the outcome."""
        return round(self.total)

    @property
    def variance(self) -> float:
        """The unbiased variance; needs two customers."""
        return self.deviations / (self.n - 1)

    def __add__(self, other: "Sample") -> "Sample":
        """Both samples together (Chan, Golub and LeVeque 1983)."""
        n = self.n + other.n
        if not n:
            return self
        apart = other.mean - self.mean
        spread = self.deviations + other.deviations + apart * apart * self.n * other.n / n
        return Sample(n, self.mean + apart * other.n / n, spread)


@dataclass(frozen=True, slots=True)
class Spread:
    """All values of an outcome as distinct values with how many customers have each."""

    values: tuple[float, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """`n` customers with their outcomes by name; a sample may be smaller than the group, blanks are unknown.

    `value` is what each customer brought in, in money, None where no outcome has a price. `spreads` are the distinct
    values of the outcomes that the bootstrap is wanted for.
    """

    n: int
    samples: Mapping[str, Sample]
    value: Sample | None = None
    spreads: Mapping[str, Spread] = field(default_factory=dict)

    def __add__(self, other: "Group") -> "Group":
        """Both groups together; both must have the same outcomes."""
        return Group(
            n=self.n + other.n,
            samples={name: sample + other.samples[name] for name, sample in self.samples.items()},
            value=None if self.value is None or other.value is None else self.value + other.value,
            spreads={
                name: _merged(spread, other.spreads[name])
                for name, spread in self.spreads.items()
                if name in other.spreads
            },
        )


def together(groups: Sequence[Group]) -> Group:
    """All groups as one; at least one."""
    whole = groups[0]
    for group in groups[1:]:
        whole = whole + group
    return whole


def _merged(one: Spread, other: Spread) -> Spread:
    counts = dict(zip(one.values, one.counts, strict=True))
    for value, count in zip(other.values, other.counts, strict=True):
        counts[value] = counts.get(value, 0) + count
    return Spread(tuple(counts), tuple(counts.values()))
