"""Arbitration (竞合): which of the cases that want the same customer gets them.

Cases of a higher priority choose first. Among cases of one priority each customer goes to the case with the highest
score first, a stable draw decides among equals, and what a channel carries goes to the highest scores. A wish is
granted while every cap of the contact policy that counts it has a contact left; a wish that the channel has no room for
leaves the customer to the next. Everything is a set operation over all customers at once; no customer is walked
through alone. Refuses to know where lists come from.

Statements are DuckDB's. They read `wishes` (customer, contender, score, draw) and `earlier` (customer, cap, n: contacts
that count already), and leave `granted` (customer, contender) and `lost` (customer, contender, cap; -1 = no room on the
channel).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from engine.audience.policy import Approach, Cap, ContactPolicy

NO_ROOM = -1


@dataclass(frozen=True, slots=True)
class Contender:
    """A case that wants customers: the contact it would make, and its priority, the higher the sooner."""

    case: str
    wanted: Approach
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Contest:
    """All cases of a run, and what binds them. `room` is by channel what it still carries in the time of the run; a
    channel that is not in it carries any number. Contenders and caps are called by their place."""

    contenders: tuple[Contender, ...]
    policy: ContactPolicy
    room: tuple[tuple[str, int], ...] = ()

    @property
    def caps(self) -> tuple[Cap, ...]:
        """Every cap that meets one of the cases, the shortest period first."""
        every = {cap for one in self.contenders for cap in self.policy.caps_of(one.wanted)}
        return tuple(sorted(every, key=lambda cap: (cap.window, cap.most, cap.scope)))

    def caps_of(self, contender: int) -> tuple[int, ...]:
        """The places of the caps that a contact of the case must keep to and is counted by."""
        own = self.policy.caps_of(self.contenders[contender].wanted)
        return tuple(place for place, cap in enumerate(self.caps) if cap in own)

    def tiers(self) -> Iterator[tuple[int, ...]]:
        """The places of the cases of one priority, the highest first."""
        places = sorted(range(len(self.contenders)), key=lambda n: (-self.contenders[n].priority, n))
        for _, same in groupby(places, key=lambda n: self.contenders[n].priority):
            yield tuple(same)


def opening(contest: Contest) -> tuple[str, ...]:
    """What stands before the first tier."""
    binding = [(place, cap) for place in range(len(contest.contenders)) for cap in contest.caps_of(place)]
    return (
        "CREATE TEMP TABLE granted (customer VARCHAR, contender INTEGER)",
        "CREATE TEMP TABLE lost (customer VARCHAR, contender INTEGER, cap INTEGER)",
        "CREATE TEMP TABLE used (customer VARCHAR, cap INTEGER, n BIGINT)",
        "INSERT INTO used SELECT customer, cap, n FROM earlier",
        f"CREATE TEMP TABLE binding AS {_values(binding, ('contender', 'cap'))}",
        f"CREATE TEMP TABLE caps AS {_values([(n, cap.most) for n, cap in enumerate(contest.caps)], ('cap', 'most'))}",
        f"CREATE TEMP TABLE room AS {_rooms(contest.room)}",
        f"CREATE TEMP TABLE ways AS {_ways(contest.contenders)}",
    )


def of_tier(tier: Sequence[int]) -> Iterator[str]:
    """The steps of one priority: each customer's best wish, then their second, and so on."""
    chosen = ", ".join(map(str, tier))
    yield "DROP TABLE IF EXISTS ranked"
    yield (
        "CREATE TEMP TABLE ranked AS SELECT customer, contender, score, draw, row_number() OVER"
        " (PARTITION BY customer ORDER BY score DESC NULLS LAST, draw, contender) AS place"
        f" FROM wishes WHERE contender IN ({chosen})"
    )
    for place in range(1, len(tier) + 1):
        yield from _step(place)


CLOSING = (
    "CREATE TEMP TABLE told AS"
    # Who took the contact: of those granted and counted by the cap, the one that came first.
    " SELECT l.customer, l.contender, l.cap, g.contender AS winner, row_number() OVER (PARTITION BY l.customer,"
    " l.contender ORDER BY w.priority DESC NULLS LAST, s.score DESC NULLS LAST, s.draw, g.contender) AS place"
    " FROM lost AS l"
    " LEFT JOIN (SELECT g.customer, g.contender, b.cap FROM granted AS g JOIN binding AS b USING (contender)) AS g"
    " ON g.customer = l.customer AND g.cap = l.cap"
    " LEFT JOIN ways AS w ON w.contender = g.contender"
    " LEFT JOIN wishes AS s ON s.customer = g.customer AND s.contender = g.contender",
    "DELETE FROM told WHERE place > 1",
)
"""Leaves `told`: every loss with the case that took the contact, NULL where earlier contacts did or there was no
room."""


def _step(place: int) -> Iterator[str]:
    yield "DROP TABLE IF EXISTS asked"
    yield (
        "CREATE TEMP TABLE asked AS SELECT r.customer, r.contender, r.score, r.draw, min(c.cap) AS stopped"
        f" FROM (SELECT * FROM ranked WHERE place = {place}) AS r"
        " LEFT JOIN binding AS b ON b.contender = r.contender"
        " LEFT JOIN (SELECT customer, cap, sum(n) AS n FROM used GROUP BY customer, cap) AS u"
        " ON u.customer = r.customer AND u.cap = b.cap"
        " LEFT JOIN caps AS c ON c.cap = b.cap AND u.n >= c.most"
        " GROUP BY r.customer, r.contender, r.score, r.draw"
    )
    yield "INSERT INTO lost SELECT customer, contender, stopped FROM asked WHERE stopped IS NOT NULL"
    yield "DROP TABLE IF EXISTS seated"
    yield (
        "CREATE TEMP TABLE seated AS SELECT a.customer, a.contender, o.n IS NULL OR row_number() OVER (PARTITION BY"
        " w.channel ORDER BY a.score DESC NULLS LAST, a.draw, a.customer, a.contender) <= o.n AS fits, w.channel"
        " FROM asked AS a JOIN ways AS w ON w.contender = a.contender LEFT JOIN room AS o ON o.channel = w.channel"
        " WHERE a.stopped IS NULL"
    )
    yield f"INSERT INTO lost SELECT customer, contender, {NO_ROOM} FROM seated WHERE NOT fits"
    yield "INSERT INTO granted SELECT customer, contender FROM seated WHERE fits"
    yield (
        "INSERT INTO used SELECT s.customer, b.cap, 1 FROM seated AS s JOIN binding AS b ON b.contender = s.contender"
        " WHERE s.fits"
    )
    yield (
        "UPDATE room SET n = room.n - t.n"
        " FROM (SELECT channel, count(*) AS n FROM seated WHERE fits GROUP BY channel) AS t"
        " WHERE t.channel = room.channel"
    )


def _values(rows: Sequence[tuple[int, int]], names: tuple[str, str]) -> str:
    first, second = names
    if not rows:
        return f"SELECT NULL::INTEGER AS {first}, NULL::INTEGER AS {second} WHERE false"
    listed = ", ".join(f"({a}, {b})" for a, b in rows)
    return f"SELECT * FROM (VALUES {listed}) AS v({first}, {second})"


def _rooms(room: Sequence[tuple[str, int]]) -> str:
    if not room:
        return "SELECT NULL::VARCHAR AS channel, NULL::BIGINT AS n WHERE false"
    listed = ", ".join(f"({_text(channel)}, {max(n, 0)}::BIGINT)" for channel, n in room)
    return f"SELECT * FROM (VALUES {listed}) AS v(channel, n)"


def _ways(contenders: Sequence[Contender]) -> str:
    if not contenders:
        return "SELECT NULL::INTEGER AS contender, NULL::VARCHAR AS channel, NULL::BIGINT AS priority WHERE false"
    listed = ", ".join(
        f"({place}, {_text(one.wanted.channel)}, {one.priority}::BIGINT)" for place, one in enumerate(contenders)
    )
    return f"SELECT * FROM (VALUES {listed}) AS v(contender, channel, priority)"


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
