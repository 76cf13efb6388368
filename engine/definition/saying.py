"""What the check says of a text, in the reader's language: by the rule that said it, filled with the same values.

Refuses to guess: what no rule of the catalogue said is None, and the caller says it as it is.
"""

from dataclasses import replace

from engine.definition.check import OF_THE_WHOLE, PROOFS, RULES
from engine.definition.descriptions import wording
from engine.definition.findings import LintRule
from engine.definition.hints import HINTS, MESSAGES, worded
from engine.definition.reference import message_of
from engine.errors import Problem
from engine.values import Language


def told(problem: Problem, language: Language) -> Problem:
    """The problem with message and hint in `language`; what no catalogue knows (why an expression fails) stays as it
    is."""
    message = said(problem, language) or worded(problem.message, language, MESSAGES) or problem.message
    return replace(problem, message=message, hint=worded(problem.hint, language, HINTS) or problem.hint)


def said(problem: Problem, language: Language) -> str | None:
    """The message of a problem that a rule found; None for what could not be read, and for a message that is all of it
    what an expression said."""
    for rule in (*RULES, *OF_THE_WHOLE, *PROOFS):
        if rule.code == problem.code and (found := _filled(rule, problem)) == problem.message:
            return found if language == "en" else _in_language(rule, problem, language)
    return None


def _filled(rule: LintRule, problem: Problem) -> str:
    try:
        return " ".join((type(rule).__doc__ or "").split()).format(**problem.fields)
    except (KeyError, IndexError):
        return ""


def _in_language(rule: LintRule, problem: Problem, language: Language) -> str | None:
    english = message_of(rule)
    template = wording(language)(english)
    if template == english:
        return None
    for name, value in problem.fields.items():
        template = template.replace(f"‹{name}›", str(value))
    return template
