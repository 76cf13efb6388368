"""The sentences of a scenario's `do:`, read into deeds. A new kind of deed is a class and its name in `KINDS`.

Refuses a sentence it cannot read, with the verbs there are.
"""

from difflib import get_close_matches
from typing import Any

from engine.definition.agreeing import Agrees
from engine.definition.deeds import (
    Closes,
    Converts,
    Decides,
    Deed,
    Delivers,
    Edits,
    Evaluates,
    Freezes,
    Pauses,
    Performs,
    SelectsAgain,
    Starts,
    Submits,
    Unreadable,
    Waits,
    Widens,
    Withdraws,
    Words,
)
from engine.definition.document import read as read_yaml

KINDS: tuple[type[Deed], ...] = (
    Decides,
    Performs,
    Submits,
    Edits,
    Withdraws,
    Converts,
    Waits,
    Agrees,
    Freezes,
    SelectsAgain,
    Starts,
    Pauses,
    Widens,
    Delivers,
    Evaluates,
    Closes,
)
BY_VERB = {verb: kind for kind in KINDS for verb in kind.verbs}


def deed(sentence: str) -> Deed:
    """Read a sentence. Raises Unreadable."""
    words = _words(sentence)
    kind = BY_VERB.get(words.verb)
    if kind is None:
        close = get_close_matches(words.verb, list(BY_VERB), n=1, cutoff=0.6)
        hint = f"did you mean {close[0]}?" if close else f"possible: {', '.join(BY_VERB)}"
        raise Unreadable(f"there is no deed {words.verb}" if words.verb else "nothing is done here", hint)
    if kind.of_step and not words.subject:
        raise Unreadable(f"who should {words.verb}?", f"write {kind.form}")
    if not kind.of_step and words.subject not in kind.by:
        raise Unreadable(f"{words.verb} is not done by {words.subject or 'nobody'}", f"write {kind.form}")
    return kind.read(words)


def verb_of(sentence: str) -> str:
    """The verb of a sentence that can be read."""
    return _words(sentence).verb


def _words(sentence: str) -> Words:
    plain, brace, braced = sentence.partition("{")
    parts = plain.split()
    values = _values(brace + braced) if brace else None
    if not parts:
        return Words("", "", (), values)
    alone = BY_VERB.get(parts[0])
    if len(parts) == 1 or (alone is not None and not alone.of_step):
        return Words("", parts[0], tuple(parts[1:]), values)
    return Words(parts[0], parts[1], tuple(parts[2:]), values)


def _values(text: str) -> dict[str, Any]:
    document = read_yaml(text)
    if document.problems or not isinstance(document.value, dict):
        raise Unreadable(f"the values {text} cannot be read", "write {FIELD: VALUE}")
    return document.value
