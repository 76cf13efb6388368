"""A league table as a picture, in the reader's language."""

from api import words
from api.formats import Formats
from api.vega.pictures import MOST_INTERVALS, Intervals, Place, plain
from engine.service.leagues import FewRow, LeagueRow, LeagueView


def called(row: LeagueRow | FewRow, league: LeagueView, formats: Formats) -> str:
    """What a row is called; people who are not named to the reader by what they are."""
    label = formats.label(row.name)
    if league.kind == "channels":
        return formats.words(words.CHANNELS.get(label, label))
    return label or (formats.words("a clerk") if league.kind == "clerks" else formats.words("a caller"))


def title(league: LeagueView, formats: Formats) -> str:
    """What is ranked, by what."""
    return f"{formats.words(words.LEAGUES[league.kind])} · {formats.words(words.LEAGUE_METRICS[league.metric])}"


def picture(league: LeagueView, formats: Formats) -> Intervals:
    """The first places with their intervals, of a league that has some."""
    say = formats.words
    measure = say(words.LEAGUE_METRICS[league.metric])
    axis = say("%(measure)s in percent, with 95%% intervals; the dashed line is all together", measure=measure)
    days = f"{league.since.isoformat()} – {league.until.isoformat()}"
    return Intervals(
        title=title(league, formats),
        note=f"{days} · {axis}",
        places=tuple(
            Place(
                label=plain(f"{row.rank} · {called(row, league, formats)}"),
                value=row.rate,
                low=row.low,
                high=row.high,
                text=f"{formats.percent(row.rate, 1)}  n {formats.number(row.n)}",
                is_open=row.is_tied,
            )
            for row in league.rows[:MOST_INTERVALS]
        ),
        mean=league.events / league.n,
    )
