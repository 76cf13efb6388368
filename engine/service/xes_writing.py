"""Event logs in XES (IEEE 1849-2016), trace by trace.

The standard extensions concept, time, organizational and lifecycle say what every reader knows; what is ours has no
prefix. Every entry of a history is one event that is complete when it is written.
"""

import re
from collections.abc import Iterable, Iterator
from xml.sax.saxutils import quoteattr

from engine.service.logged import LoggedCase, LoggedEvent

PIECE = 1 << 16
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<log xes.version="1849.2016" xes.features="" xmlns="http://www.xes-standard.org/">
  <extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>
  <extension name="Time" prefix="time" uri="http://www.xes-standard.org/time.xesext"/>
  <extension name="Organizational" prefix="org" uri="http://www.xes-standard.org/org.xesext"/>
  <extension name="Lifecycle" prefix="lifecycle" uri="http://www.xes-standard.org/lifecycle.xesext"/>
  <global scope="trace">
    <string key="concept:name" value=""/>
    <string key="definition" value=""/>
    <int key="version" value="0"/>
    <string key="office" value=""/>
  </global>
  <global scope="event">
    <string key="concept:name" value=""/>
    <string key="concept:instance" value=""/>
    <string key="lifecycle:transition" value="complete"/>
    <date key="time:timestamp" value="1970-01-01T00:00:00.000+00:00"/>
    <string key="org:resource" value=""/>
  </global>
  <classifier name="Activity" keys="concept:name"/>
  <string key="lifecycle:model" value="standard"/>
"""
TAIL = "</log>\n"


def written(cases: Iterable[LoggedCase]) -> Iterator[bytes]:
    """The log, piece by piece."""
    parts, size = [HEAD], 0
    for case in cases:
        text = _trace(case)
        parts.append(text)
        size += len(text)
        if size > PIECE:
            yield "".join(parts).encode()
            parts, size = [], 0
    yield "".join([*parts, TAIL]).encode()


def _trace(case: LoggedCase) -> str:
    own = (
        ("string", "concept:name", case.id),
        ("string", "number", case.number),
        ("string", "definition", case.definition),
        ("int", "version", str(case.version)),
        ("string", "office", case.office),
        ("string", "submitter", case.submitter),
        ("string", "state", case.state),
        ("string", "parent", case.parent),
    )
    events = "".join(_event(case, one) for one in case.events)
    return f"  <trace>\n{_attributes(own, '    ')}{events}  </trace>\n"


def _event(case: LoggedCase, event: LoggedEvent) -> str:
    own = (
        ("string", "concept:name", event.activity),
        ("string", "concept:instance", case.instance(event)),
        ("string", "lifecycle:transition", "complete"),
        ("date", "time:timestamp", event.stamp),
        ("string", "org:resource", event.person),
        ("string", "org:role", event.role),
        ("string", "org:group", event.office),
        ("string", "on_behalf_of", event.on_behalf_of),
        ("string", "step", event.step),
        ("string", "via", event.via),
        ("string", "states", event.moves),
    )
    return f"    <event>\n{_attributes(own, '      ')}    </event>\n"


def _attributes(values: Iterable[tuple[str, str, str]], indent: str) -> str:
    """Those that have a value."""
    return "".join(
        f'{indent}<{kind} key="{key}" value={quoteattr(_NOT_XML.sub("", value))}/>\n'
        for kind, key, value in values
        if value
    )
