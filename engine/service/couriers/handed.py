"""What became of letters that were handed to a channel, row by row."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Handed:
    """What became of letters: `taken` by the channel, `rejected` with a reason, `refused` (surely not taken, try
    later), `unanswered` (nobody knows). `error` says why some are left; `asked` is Retry-After in seconds. `gone` are
    those of the rejected whose address is not there any more."""

    taken: list[int] = field(default_factory=list)
    rejected: dict[int, str] = field(default_factory=dict)
    refused: list[int] = field(default_factory=list)
    unanswered: list[int] = field(default_factory=list)
    error: str = ""
    asked: float = 0
    gone: set[int] = field(default_factory=set)

    @property
    def is_whole(self) -> bool:
        """Whether every letter has its answer."""
        return not self.refused and not self.unanswered

    @property
    def known(self) -> set[int]:
        """The rows that have their answer."""
        return {*self.taken, *self.rejected}

    def add(self, other: "Handed") -> None:
        """Take in what became of other letters."""
        self.taken += other.taken
        self.rejected |= other.rejected
        self.gone |= other.gone
        self.refused += other.refused
        self.unanswered += other.unanswered
        self.error = self.error or other.error
        self.asked = max(self.asked, other.asked)
