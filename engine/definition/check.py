"""Everything that is wrong with the text of a definition, at once: shape, names, expressions, routes, soundness, time.

One class per rule in the `rules_*` modules; its docstring is the message. Where something could not be read, rules that
depend on it stay silent instead of reporting what follows from it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from engine.definition.catalogue import Catalogue, catalogue
from engine.definition.document import Document, read
from engine.definition.extends import LIBRARY, resolve
from engine.definition.extends_lifecycle import with_lifecycle
from engine.definition.findings import Finding, LintRule, Subject, problem_of
from engine.definition.flat import flat
from engine.definition.library import Library
from engine.definition.model import Definition
from engine.definition.rules_arbitration import ARBITRATION
from engine.definition.rules_aspects import ASPECTS
from engine.definition.rules_cells import CELLS
from engine.definition.rules_children import CHILDREN
from engine.definition.rules_drift import DRIFT
from engine.definition.rules_expressions import EXPRESSIONS
from engine.definition.rules_lifecycle import LIFECYCLE
from engine.definition.rules_message import MESSAGE
from engine.definition.rules_names import NAMES
from engine.definition.rules_people import PEOPLE
from engine.definition.rules_proved import PROVED, proved
from engine.definition.rules_routes import ROUTES
from engine.definition.rules_scenarios import SCENARIOS, SCENARIOS_OF_THE_WHOLE
from engine.definition.rules_size import SIZE
from engine.definition.rules_soundness import SOUNDNESS
from engine.definition.rules_sources import SOURCES
from engine.definition.rules_splitting import SPLITTING
from engine.definition.rules_staff import STAFF
from engine.definition.rules_style import STYLE
from engine.definition.rules_targets import TARGETS
from engine.definition.rules_tests import TESTS
from engine.definition.rules_time import TIME
from engine.definition.rules_waves import WAVES
from engine.definition.shape import shape_of
from engine.definition.staffing import Staff
from engine.definition.texts import SHIPPED, Texts
from engine.delivery.content import ContentRules
from engine.errors import Problem
from engine.values import digest_of

RULES: tuple[LintRule, ...] = (
    *SIZE,
    *NAMES,
    *ASPECTS,
    *EXPRESSIONS,
    *SOURCES,
    *ROUTES,
    *SOUNDNESS,
    *LIFECYCLE,
    *CHILDREN,
    *PEOPLE,
    *STAFF,
    *TIME,
    *DRIFT,
    *WAVES,
    *TESTS,
    *TARGETS,
    *CELLS,
    *MESSAGE,
    *ARBITRATION,
    *SPLITTING,
    *SCENARIOS,
    *STYLE,
)
OF_THE_WHOLE: tuple[LintRule, ...] = SCENARIOS_OF_THE_WHOLE
PROOFS: tuple[LintRule, ...] = PROVED


@dataclass(frozen=True, slots=True)
class Checked:
    """The definition, None where anything is wrong with it, and all problems in the order of the file.

    Problems of severity `warning` do not make it wrong. `document` knows the places of everything in it.
    """

    definition: Definition | None
    problems: tuple[Problem, ...]
    document: Document = field(default_factory=lambda: Document(""))
    file: str = ""

    @property
    def reasons(self) -> list[Problem]:
        """Why there is no definition: the errors, or that the text is a template or a library."""
        errors = [problem for problem in self.problems if problem.severity == "error"]
        if errors or self.definition is not None:
            return errors
        hint = "extend it with extends:, or use a library with import:"
        message = "this is no definition of its own: no case can be started with it"
        return [Problem("E119", message, hint, at=self.file, file=self.file)]


def check(
    text: str,
    file: str = "",
    texts: Texts = SHIPPED,
    *,
    prove: bool = True,
    staff: Staff | None = None,
    content: ContentRules | None = None,
) -> Checked:
    """Check the text of a definition. Never raises for what the text says.

    What it extends or imports is looked up in `texts`. A template or a library is checked as far as it can be alone,
    and gives no definition; `Checked.reasons` says so. Without `prove`, nothing is asked that needs a proof: for a text
    that was checked before, as published ones are. With `staff`, roles that nobody holds are told as well; with
    `content`, texts that the house does not let out.
    """
    document = with_lifecycle(resolve(read(text), texts), texts)
    problems = list(document.problems)
    definition = None
    kind = document.value.get("kind") if isinstance(document.value, dict) else None
    if kind == LIBRARY:
        problems += shape_of(document, Library).problems
    elif document.value is not None:
        shape = shape_of(document)
        problems += shape.problems
        definition = shape.definition
        if definition is not None:
            known = catalogue(definition.catalogue) or Catalogue(definition.catalogue, {})
            subject = Subject(definition, document, shape, known, staff, content)
            too_large = _found(SIZE, subject)
            problems += too_large or _found(RULES, subject)
            if kind == "CaseDefinition" and not any(problem.severity == "error" for problem in problems):
                problems += _found(OF_THE_WHOLE, subject)
            if prove and kind == "CaseDefinition" and not any(_stops_proofs(problem) for problem in problems):
                problems += _told(proved(subject), subject)
    if document.texts and not any(problem.severity == "error" for problem in problems):
        text = flat(document, file)
        problems += read(text).problems
    once = {_place(problem): replace(problem, file=problem.file or file) for problem in problems}
    placed = [once[place] for place in sorted(once)]
    if definition is None or kind != "CaseDefinition" or any(problem.severity == "error" for problem in placed):
        return Checked(None, tuple(placed), document, file)
    return Checked(definition.loaded_from(text, digest_of(_in_order(document.value))), tuple(placed), document, file)


def _found(rules: Iterable[LintRule], subject: Subject) -> list[Problem]:
    return _told(((rule, finding) for rule in rules for finding in rule.find(subject)), subject)


def _told(found: Iterable[tuple[LintRule, Finding]], subject: Subject) -> list[Problem]:
    problems = (problem_of(rule, finding, subject) for rule, finding in found)
    return [problem for problem in problems if problem is not None]


def _stops_proofs(problem: Problem) -> bool:
    """Whether it lies in what proofs stand on."""
    return problem.severity == "error" and problem.at.split(".")[0] not in ("audience", "delivery", "evaluation")


def _place(problem: Problem) -> tuple[str, int, int, str, str]:
    return problem.file, problem.line, problem.column, problem.code, problem.message


def _in_order(value: object) -> object:
    """Mappings as lists of pairs: the digest sorts keys, and the order of cells decides which cell a customer is in."""
    if isinstance(value, dict):
        return [[name, _in_order(inner)] for name, inner in value.items()]
    return [_in_order(inner) for inner in value] if isinstance(value, list) else value
