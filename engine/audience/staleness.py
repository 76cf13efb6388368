"""Whether a frozen list is stale (陈旧): older than its definition allows, or selected by what has changed since.

Pure: what was used and what is there now are arguments. Newer data alone make no list stale, they come every night;
removals are looked at again at each wave anyway. Refuses to decide what becomes of a stale list.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from engine.audience.policy import spelled
from engine.values import Bilingual, Duration


@dataclass(frozen=True, slots=True)
class Stale:
    """Why a list is stale. `age`: `was` is how old it is, `now` the most that is allowed; `group`: the version used and
    the newest; `list`: an imported list that has other rows now."""

    kind: Literal["age", "group", "list"]
    name: str = ""
    was: str = ""
    now: str = ""

    @property
    def short(self) -> str:
        """In a few signs, the same in every language: "45d > 30d", "vip@4 → vip@5", "list upload"."""
        match self.kind:
            case "age":
                return f"{self.was} > {self.now}"
            case "group":
                return f"{self.name}@{self.was} → {self.name}@{self.now}"
            case "list":
                return f"list {self.name}"

    @property
    def label(self) -> Bilingual:
        """In words."""
        match self.kind:
            case "age":
                was, now = (spelled(Duration.parse(text)) for text in (self.was, self.now))
                zh = f"名单是 {was.zh}前筛选的，最多允许 {now.zh}"
                return Bilingual(zh=zh, en=f"it was selected {was.en} ago, and may be {now.en} old")
            case "group":
                zh = f"所用客户群 {self.name} 是版本 {self.was}，现在已有版本 {self.now}"
                en = f"it was selected by version {self.was} of the group {self.name}, which has version {self.now} now"
                return Bilingual(zh=zh, en=en)
            case "list":
                zh = f"所用导入名单 {self.name} 已换成新的内容"
                return Bilingual(zh=zh, en=f"the imported list {self.name} that it was selected by is another one now")


def reasons(
    limit: Duration,
    *,
    as_of: datetime,
    at: datetime,
    groups: Mapping[str, tuple[int, int]],
    lists: Mapping[str, bool],
) -> Iterator[Stale]:
    """Why a list selected for `as_of` is stale at `at`. `groups`: by name the version used and the newest; `lists`: by
    name whether it is as it was."""
    age = at - as_of
    if age > limit.on_the_clock():
        yield Stale("age", was=f"{age.days}d" if age.days else f"{int(age.total_seconds() // 3600)}h", now=str(limit))
    for name, (used, newest) in sorted(groups.items()):
        if newest > used:
            yield Stale("group", name, str(used), str(newest))
    for name, is_same in sorted(lists.items()):
        if not is_same:
            yield Stale("list", name)
