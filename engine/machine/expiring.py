"""The time limit of an approval: a case that is not approved when it is over ends as expired (过期).

It counts from the first submission, goes on while the case is returned or waits in a declared state on its way to the
approval (a review, a selection made first), and ends where the case becomes effective or ends in another way. Refuses
to end a case that has come further; that a case goes out before it is approved, the check of definitions tells (E529).
"""

from engine.machine.journal import Journal

EXPIRE, EXPIRED = "expire", "expired"


def begin(journal: Journal) -> None:
    """Let the limit count, where the definition has one and it does not count already."""
    expires = journal.process.expires
    if expires is not None and not any(timer.name == EXPIRE for timer in journal.case.timers):
        journal.arm(EXPIRE, expires)


def over(journal: Journal) -> None:
    """It counts no longer."""
    journal.disarm(tuple(timer for timer in journal.case.timers if timer.name == EXPIRE))


def fire(journal: Journal) -> str:
    """The limit is over; returns the event that ends the case, empty where it is not waiting for its approval."""
    journal.cause = ("", EXPIRE)
    return EXPIRE if journal.process.may(journal.case, EXPIRE) else ""
