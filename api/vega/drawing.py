"""Pictures as Altair charts, and those as SVG or PNG by vl-convert. Runs in the process of `studio` alone: the two
libraries take seconds to load and a hundred megabytes.

Names and values stand as text marks in columns of our own, so a bar begins at the same place on every page, and no name
is ever part of an expression. Refuses data by address: a picture brings its rows.
"""

import json
import re
from math import floor, log10
from typing import Any, assert_never

import altair as alt
import vl_convert

from api.vega.looks import FONT, Look
from api.vega.pictures import (
    HEIGHT,
    NOTED_ROW,
    ROW,
    TALL_ROW,
    Axis,
    Bar,
    Bars,
    Columns,
    Intervals,
    Picture,
    Place,
)

SIZE, SMALL = 13, 12
TICKS = 5  # about so many marks of an axis on a wide page
LEAST = 120  # pixels that bars keep beside long names and notes
NAMES = 320  # pixels of the column of names, where they are long
BREAKS = re.compile(r"[\u2e80-\uffef][\u3001-\u301f\uff01-\uff1f]*\s*|[^\s\u2e80-\uffef]+\s*|\s+")
Layered = alt.LayerChart | alt.FacetChart
ENTRY = "window.vegaEmbed = vegaEmbed;"
SCALE = 2  # of the PNG: sharp on slides
EDGE = 16  # of a file, around what is drawn


def draw(picture: Picture, form: str, look: Look) -> bytes:
    """The picture as "svg", "png" or "json" (its Vega-Lite text, which a page draws again with tooltips)."""
    spec = specified(picture, look)
    if form == "json":
        return json.dumps(spec, ensure_ascii=False).encode()
    if form == "png":
        return bytes(vl_convert.vegalite_to_png(spec, scale=SCALE))
    return str(vl_convert.vegalite_to_svg(spec)).encode()


def bundle() -> bytes:
    """Vega, Vega-Lite and Vega-Embed as one script that sets `window.vegaEmbed`."""
    return str(vl_convert.javascript_bundle(ENTRY)).encode()


def specified(picture: Picture, look: Look, *, validate: bool = False) -> dict[str, Any]:
    """The Vega-Lite of a picture. `validate`: held against its schema, which takes as long as drawing it."""
    match picture:
        case Bars():
            chart = _bars(picture, look)
        case Columns():
            chart = _columns(picture, look)
        case Intervals():
            chart = _intervals(picture, look)
        case _:
            assert_never(picture)
    if look.has_title:
        chart = chart.properties(
            title=alt.TitleParams(
                picture.title,
                subtitle=_lines(picture.note, look.width - 2 * EDGE),
                anchor="start",
                frame="group",
                offset=16,
                fontSize=16,
                color=look.colour("ink"),
                subtitleFontSize=SMALL,
                subtitleColor=look.colour("soft"),
                subtitlePadding=4,
                limit=look.width - 2 * EDGE,
            )
        )
    edge = EDGE if look.has_title else 0
    chart = chart.properties(
        width=look.width - 2 * edge, padding=edge or {"left": 0, "right": 0, "top": 2, "bottom": 2}
    )
    configured = chart.configure(
        font=FONT, background=look.colour("card"), aria=False, view=alt.ViewConfig(stroke=None)
    )
    return dict(configured.to_dict(validate=validate))


def _row(place: int, bar: Bar) -> dict[str, Any]:
    told = {f"told{number}": text for number, (_, text) in enumerate(bar.told)}
    end = max(bar.value, bar.high or 0, 0)  # the words stand after the interval, not on it
    said = {"label": bar.label, "value": bar.value, "text": bar.text, "note": bar.note}
    return {"place": place, "end": end, **said, **told}


def _tooltips(bars: tuple[Bar, ...]) -> list[alt.Tooltip]:
    names = [name for name, _ in bars[0].told] if bars else []
    return [
        alt.Tooltip("label:N", title=" "),
        *(alt.Tooltip(f"told{number}:N", title=name) for number, name in enumerate(names)),
    ]


def _bars(picture: Bars, look: Look) -> Layered:
    rows = [_row(place, bar) for place, bar in enumerate(picture.bars)]
    whole = look.width - (2 * EDGE if look.has_title else 0)
    is_noted = any(bar.note for bar in picture.bars)
    beside = _widest(bar.note for bar in picture.bars) + 16 if is_noted and not look.is_narrow else 0
    end = whole - _widest(bar.text for bar in picture.bars) - 12 - beside
    longest = min(NAMES, _widest(bar.label for bar in picture.bars) + 20)
    start = 0 if look.is_narrow else min(longest, max(end - LEAST, 0))  # names give way to bars
    reach = [*(bar.value for bar in picture.bars), *(bar.high or 0 for bar in picture.bars), 0]
    scale = alt.Scale(domain=[min(reach), max(reach) or 1], range=[start, end], nice=False)
    thick, lift = (12, 20) if look.is_narrow else (16, 0)
    above, below = (20, 19) if is_noted else (10, 0)  # of a phone's row: name, bar, note
    if is_noted:
        lift = 0
    y = alt.Y("place:O", axis=None, scale=alt.Scale(paddingInner=0, paddingOuter=0))
    base = alt.Chart(alt.InlineData(values=rows)).encode(y=y)
    ink, soft = look.colour("ink"), look.colour("soft")
    tips = _tooltips(picture.bars)
    layers = []
    for is_aside, colour in ((False, "bar"), (True, "kept")):
        mine = [row for row, bar in zip(rows, picture.bars, strict=True) if bar.is_aside is is_aside]
        layers.append(
            alt.Chart(alt.InlineData(values=mine))
            .mark_bar(size=thick, color=look.colour(colour), yOffset=lift / 2)
            .encode(y=y, x=alt.X("value:Q", scale=scale, axis=None), tooltip=tips)
        )
    layers += [
        base.mark_text(
            align="left",
            baseline="middle",
            dy=-above if look.is_narrow else 0,
            fontSize=SIZE,
            color=ink,
            limit=(whole if look.is_narrow else start - 12),
        ).encode(x=alt.value(0), text="label:N", tooltip=tips),
        base.mark_text(align="left", baseline="middle", dx=6, dy=lift / 2, fontSize=SIZE, color=ink).encode(
            x=alt.X("end:Q", scale=scale, axis=None), text="text:N"
        ),
    ]
    if is_noted:
        layers.append(
            base.mark_text(
                align="left" if look.is_narrow else "right",
                baseline="middle",
                dy=below if look.is_narrow else 0,
                fontSize=SMALL,
                color=soft,
                limit=whole,
            ).encode(x=alt.value(0 if look.is_narrow else whole), text="note:N")
        )
    spans = [
        {"place": place, "low": bar.low, "high": bar.high}
        for place, bar in enumerate(picture.bars)
        if bar.low is not None and bar.high is not None
    ]
    if spans:
        layers.append(
            alt.Chart(alt.InlineData(values=spans))
            .mark_rule(color=soft, strokeWidth=2, yOffset=lift / 2)
            .encode(y=y, x=alt.X("low:Q", scale=scale, axis=None), x2="high:Q")
        )
    row = ROW if not look.is_narrow else NOTED_ROW if is_noted else TALL_ROW
    return alt.layer(*layers).properties(height=alt.Step(row))


def _columns(picture: Columns, look: Look) -> Layered:
    count = len(picture.bars)
    rows = [_row(place, bar) for place, bar in enumerate(picture.bars)]
    spoken = {count - 1, max(range(count), key=lambda place: picture.bars[place].value, default=0)}
    whole = look.width - (2 * EDGE if look.has_title else 0)
    room = (whole - 8) / max(count, 1)
    widest = max(_widest(bar.label for bar in picture.bars), _widest(bar.text for bar in picture.bars))
    inset = max(0.0, (widest - room) / 2)  # the first and the last name must not stick out
    if _widest(bar.text for bar in picture.bars) + 4 <= room:
        spoken = set(range(count))
    for row in rows:
        row["said"] = row["text"] if row["place"] in spoken else ""
    every = max(1, -(-int(_widest(bar.label for bar in picture.bars) + 12) // int(max(room, 1))))
    for row in rows:  # from the last one backwards, which is what is looked for
        row["named"] = row["label"] if (count - 1 - row["place"]) % every == 0 else ""
    tall = max([*(row["end"] for row in rows), 0]) or 1
    scale = alt.Scale(
        domain=[min([*(bar.value for bar in picture.bars), 0]), tall], range=[HEIGHT - 24, 20], nice=False
    )
    x = alt.X("place:O", axis=None, scale=alt.Scale(paddingInner=0.25, paddingOuter=0.1, range=[inset, whole - inset]))
    base = alt.Chart(alt.InlineData(values=rows)).encode(x=x)
    ink, soft = look.colour("ink"), look.colour("soft")
    spans = [
        {"place": place, "low": bar.low, "high": bar.high}
        for place, bar in enumerate(picture.bars)
        if bar.low is not None and bar.high is not None
    ]
    whiskers = alt.Chart(alt.InlineData(values=spans)).encode(x=x)
    return alt.layer(
        base.mark_bar(color=look.colour("bar"), width=alt.RelativeBandSize(1) if room < 72 else 54).encode(
            y=alt.Y("value:Q", scale=scale, axis=None), tooltip=_tooltips(picture.bars)
        ),
        *(
            [
                whiskers.mark_rule(color=soft, strokeWidth=2).encode(
                    y=alt.Y("low:Q", scale=scale, axis=None), y2="high:Q"
                ),
                whiskers.mark_tick(color=soft, thickness=2, width=12).encode(y=alt.Y("high:Q", scale=scale, axis=None)),
            ]
            if spans
            else []
        ),
        base.mark_text(baseline="bottom", dy=-4, fontSize=SIZE, color=ink).encode(
            y=alt.Y("end:Q", scale=scale, axis=None), text="said:N"
        ),
        base.mark_text(baseline="bottom", fontSize=SMALL, color=soft).encode(y=alt.value(HEIGHT - 2), text="named:N"),
        alt.Chart(alt.InlineData(values=[{"zero": 0}]))
        .mark_rule(color=look.colour("edge"))
        .encode(y=alt.Y("zero:Q", scale=scale, axis=None)),
    ).properties(height=HEIGHT)


def _intervals(picture: Intervals, look: Look) -> Layered:
    rows = [
        {"place": place, "label": one.label, "value": one.value, "low": one.low, "high": one.high, "text": one.text}
        for place, one in enumerate(picture.places)
    ]
    whole = look.width - (2 * EDGE if look.has_title else 0)
    start = 6 if look.is_narrow else min(NAMES, _widest(one.label for one in picture.places) + 26)
    end = whole - _widest(one.text for one in picture.places) - 18
    low = min([picture.mean, *(one.low for one in picture.places)])
    high = max([picture.mean, *(one.high for one in picture.places)])
    room = (high - low) * 0.02 or 0.01
    ends = [max(0, low - room), min(1, high + room)] if picture.axis == "share" else [low - room, high + room]
    scale = alt.Scale(domain=ends, range=[start, end], nice=False, zero=False)
    ink, soft, lift = look.colour("ink"), look.colour("soft"), 20 if look.is_narrow else 0
    axis = alt.Axis(
        title=None,
        format=_ticks(picture.axis, high - low),
        tickCount=3 if look.is_narrow else TICKS,
        grid=False,
        domain=False,
        tickColor=look.colour("edge"),
        labelColor=soft,
        labelFontSize=SMALL,
        labelFlush=True,
    )
    y = alt.Y("place:O", axis=None, scale=alt.Scale(paddingInner=0, paddingOuter=0))
    base = alt.Chart(alt.InlineData(values=rows)).encode(y=y)
    tips = [alt.Tooltip("label:N", title=" "), alt.Tooltip("text:N", title=" ")]
    dots = []
    # not by colour alone: a ring where it cannot be told from the one above or from nothing, a triangle for a loss
    for name, is_open, shape, colour in (
        ("gain", False, "circle", look.colour("go")),
        ("open", True, "circle", soft),
        ("loss", False, "triangle-down", look.colour("seal")),
    ):
        of_kind = [row for row, one in zip(rows, picture.places, strict=True) if _kind(one) == name]
        mine = alt.Chart(alt.InlineData(values=of_kind)).encode(y=y)
        dots += [
            mine.mark_rule(color=colour, strokeWidth=2, yOffset=lift / 2, y2Offset=lift / 2).encode(
                x=alt.X("low:Q", scale=scale, axis=axis), x2="high:Q"
            ),
            mine.mark_point(
                filled=True,
                shape=shape,
                fill=look.colour("card") if is_open else colour,
                stroke=colour,
                strokeWidth=2,
                size=80,
                opacity=1,
                yOffset=lift / 2,
            ).encode(x=alt.X("value:Q", scale=scale), tooltip=tips),
        ]
    return alt.layer(
        alt.Chart(alt.InlineData(values=[{"mean": picture.mean}]))
        .mark_rule(color=look.colour("edge"), strokeDash=[3, 3])
        .encode(x=alt.X("mean:Q", scale=scale, axis=axis)),
        *dots,
        base.mark_text(
            align="left",
            baseline="middle",
            dy=-lift / 2,
            fontSize=SIZE,
            color=ink,
            limit=whole if look.is_narrow else start - 18,
        ).encode(x=alt.value(0), text="label:N", tooltip=tips),
        base.mark_text(align="right", baseline="middle", dy=lift / 2, fontSize=SIZE, color=ink).encode(
            x=alt.value(whole), text="text:N"
        ),
    ).properties(height=alt.Step(TALL_ROW if look.is_narrow else ROW))


def _lines(text: str, room: int) -> list[str]:
    """The text in lines that are no wider than the room; they break at spaces and between Chinese signs."""
    lines, line = [], ""
    for part in BREAKS.findall(text):
        if line and _widest([line + part.rstrip()]) > room:
            lines.append(line.rstrip())
            line = ""
        line += part
    return [*lines, line.rstrip()]


def _kind(place: Place) -> str:
    return "open" if place.is_open else "loss" if place.is_loss else "gain"


def _ticks(axis: Axis, span: float) -> str:
    """How the axis says its numbers: shares in percent, with decimals enough for its marks to differ; differences as
    they are."""
    if axis != "share":
        return ",.4~r"
    return ".0%" if span > 0.04 else f".{max(1, -floor(log10(max(span, 1e-8) * 100 / TICKS)))}%"


def _widest(texts: Any) -> float:
    """About how many pixels the widest text takes: Chinese signs are as wide as the font is high."""
    return max((sum(SIZE if ord(sign) > 0x2E7F else 7.4 for sign in text) for text in texts), default=0.0)
