"""Offices (机构): a tree by code, from county over city to province.

Refuses an office whose superior is unknown or not of a higher level, so a line of command always ends.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from engine.errors import InvalidFile, Problem
from engine.values import LEVELS, Bilingual, Level


@dataclass(frozen=True, slots=True)
class Office:
    """One office. Its code is its key: counties of different cities share names."""

    code: str
    zh: str
    level: Level
    en: str = ""
    parent: str | None = None

    @property
    def label(self) -> Bilingual:
        """Its name in both languages."""
        return Bilingual(zh=self.zh, en=self.en)


class Offices:
    """All offices. Raises InvalidFile with every office that does not fit into the tree."""

    def __init__(self, offices: Iterable[Office]) -> None:
        self._by_code = {office.code: office for office in offices}
        if problems := list(self._misplaced()):
            raise InvalidFile(problems)
        self._lines = {code: self._line(code) for code in self._by_code}

    def __getitem__(self, code: str) -> Office:
        return self._by_code[code]

    def __contains__(self, code: object) -> bool:
        return code in self._by_code

    def __iter__(self) -> Iterator[Office]:
        return iter(self._by_code.values())

    def __len__(self) -> int:
        return len(self._by_code)

    def line(self, code: str) -> tuple[Office, ...]:
        """The office and those above it, from the bottom up; empty for an unknown code."""
        return self._lines.get(code, ())

    def at_level(self, code: str, level: Level) -> Office | None:
        """The office of `level` in the line of `code`.

        Where the line leaves that level out (a district that reports to the province) it is the next one above; an
        office above `level` has none.
        """
        line, wanted = self.line(code), LEVELS.index(level)
        if not line or LEVELS.index(line[0].level) > wanted:
            return None
        return next((office for office in line if LEVELS.index(office.level) >= wanted), None)

    def _line(self, code: str) -> tuple[Office, ...]:
        office = self._by_code[code]
        return (office, *self._line(office.parent)) if office.parent is not None else (office,)

    def _misplaced(self) -> Iterator[Problem]:
        for office in self._by_code.values():
            if office.parent is None:
                continue
            above = self._by_code.get(office.parent)
            if above is None:
                yield Problem("office-parent", f"{office.code} reports to {office.parent}, which is no office")
            elif LEVELS.index(above.level) <= LEVELS.index(office.level):
                yield Problem("office-level", f"{office.code} ({office.level}) reports to {above.code} ({above.level})")
