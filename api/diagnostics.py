"""What is wrong with the text of a definition, what a version changes and what a scenario came to, in the reader's
language.

The engine says it in English, with names as the text has them. Rules of the check have their Chinese beside the
reference; what the reader of the text, the comparison and the scenarios say is translated here, part by part. Refuses
to guess: words it does not know stay as they are.
"""

from api.failures import failure, translated
from api.formats import Formats
from api.i18n import N_, Words
from engine.definition.diff import Change
from engine.definition.hints import HINTS, MESSAGES, worded
from engine.definition.saying import said
from engine.errors import Problem

COMPARED = (
    N_("param {name} added: {value}"),
    N_("param {name} removed: {value}"),
    N_("param {name}: {old} -> {new}"),
    N_("field {name} added: {value}"),
    N_("field {name} added"),
    N_("field {name} removed"),
    N_("field {name}: {key} added: {value}"),
    N_("field {name}: {key} removed: {value}"),
    N_("field {name}: {key}: {old} -> {new}"),
    N_("fields: in the order {names}"),
    N_("chain {name} added: {steps}"),
    N_("chain {name} removed: {steps}"),
    N_("block {name} added: {steps}"),
    N_("block {name} removed: {steps}"),
    N_("chain {name} changes with what it includes ({names})"),
    N_("chain {name}: in the order {names}"),
    N_("block {name}: in the order {names}"),
    N_("chain {name}: step {step} added, asks {who}"),
    N_("chain {name}: step {step} removed, asks {who}"),
    N_("chain {name}: step {step} added"),
    N_("chain {name}: step {step} removed"),
    N_("block {name}: step {step} added, asks {who}"),
    N_("block {name}: step {step} removed, asks {who}"),
    N_("block {name}: {key}: {old} -> {new}"),
    N_("step {step} (chain {name}): asks {who} instead of {old}"),
    N_("step {step} (block {name}): asks {who} instead of {old}"),
    N_("step {step} (chain {name}): asked only when {rule} (was: always)"),
    N_("step {step} (chain {name}): asked always (was: only when {rule})"),
    N_("step {step} (chain {name}): asked when {rule} instead of when {old}"),
    N_("step {step} (chain {name}): {key} added: {value}"),
    N_("step {step} (chain {name}): {key} removed: {value}"),
    N_("step {step} (chain {name}): {key}: {old} -> {new}"),
    N_("step {step} (block {name}): {key}: {old} -> {new}"),
    N_("default {name} added: {value}"),
    N_("default {name} removed: {value}"),
    N_("default {name}: {old} -> {new}"),
    N_("guarantee added: {text}"),
    N_("guarantee removed: {text}"),
    N_("route row {number} added: {row}"),
    N_("route row {number} removed: {row}"),
    N_("route row {number}: {row} instead of {old}"),
    N_("{name} added: {value}"),
    N_("{name} removed: {value}"),
    N_("{name} added"),
    N_("{name} removed"),
    N_("{name}: {old} -> {new}"),
)
PLAYED = (
    N_("{deed} is refused: {reason}"),
    N_("{deed} should be refused, and was done"),
    N_("expected the chain {name}, it takes {other}"),
    N_("expected to be at {name}, it is {other}"),
    N_("expected {step} to be escalated, it was not"),
    N_("expected the submitter to be told {name}, told was {other}"),
    N_("expected to end {name}, {other}"),
    N_("expected {names} to be asked"),
)
HINDRANCES = (
    N_("the form is not valid there: {reason}"),
    N_("it is {state}, and `{stage}:` is another there"),
    N_("its state {state} does not exist in {version}"),
    N_("{version} asks others at the same time as {names}"),
    N_("step {step} is of another kind in {version}"),
    N_("its chain {name} does not exist in {version}"),
    N_("step {step}, which {version} added before the present one, would not be asked"),
    N_("approvals are bound to other fields (material) in {version}"),
)


def hindrance(text: str, formats: Formats) -> str:
    """Why a case cannot move to another version, in the language of `formats`."""
    return _by(HINDRANCES, text, formats.words) or failure(text, formats.words)


def message(problem: Problem, formats: Formats) -> str:
    """What is wrong, in the language of `formats`."""
    words = formats.words
    if words.language == "en":
        return problem.message
    by_rule = said(problem, words.language)
    return (
        by_rule
        or worded(problem.message, words.language, MESSAGES)
        or _by(PLAYED, problem.message, words)
        or failure(problem.message, words)
    )


def hint(problem: Problem, formats: Formats) -> str:
    """What to do about it; empty where nothing is said."""
    return worded(problem.hint, formats.words.language, HINTS) or failure(problem.hint, formats.words)


def change(one: Change, formats: Formats) -> str:
    """What a version changes, in the language of `formats`."""
    return _by(COMPARED, one.message, formats.words) or one.message


def _by(templates: tuple[str, ...], text: str, words: Words) -> str:
    return translated(text, words, templates) if text else ""
