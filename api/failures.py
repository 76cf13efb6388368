"""Why an expression failed, in the reader's language, from the words that the engine and the history keep.

Expressions fail for their author's or a value's sake: an empty field, a field that the customers do not have. The
engine says it in English, with code and place for the author; pages say the same from the catalogue, part by part, so
that also what was recorded long ago is read in the reader's language. What DuckDB says of a statement has its own words
behind it. Refuses to guess: words it does not know stay as they are, and so do names, types and values.
"""

import re
from functools import cache

from api.i18n import N_, Words

PROBLEM = re.compile(r"(?:\S*: )?(?P<code>[DEW]\d{3}) (?P<message>.*)", re.S)
BETWEEN = re.compile(r"; (?=(?:\S*: )?[DEW]\d{3} )")
NESTED = ("reason", "why", "fact", "fault")
DUCKDB = (  # what DuckDB says of a statement that our own checks let through; the first that fits counts
    N_('Binder Error: Referenced column "{name}" not found in FROM clause!'),
    N_('Binder Error: Table "{table}" does not have a column named "{name}"'),
    N_('Binder Error: Referenced table "{name}" not found!'),
    N_('Binder Error: Ambiguous reference to column name "{name}" ({among})'),
    N_('Binder Error: column "{name}" must appear in the GROUP BY clause or must be part of an aggregate function.'),
    N_(
        "Binder Error: No function matches the given name and argument types '{name}'. You might need to add explicit"
        " type casts."
    ),
    N_("Binder Error: Cannot compare values of type {left} and type {right} - an explicit cast is required"),
    N_("Binder Error: Set operations can only apply to expressions with the same number of result columns"),
    N_("Binder Error: WHERE clause cannot contain aggregates!"),
    N_("Binder Error: aggregate function calls cannot be nested"),
    N_("Binder Error: Subquery returns {number} columns - expected 1"),
    N_("Binder Error: ORDER term out of range - should be between 1 and {number}"),
    N_("Catalog Error: Table with name {name} does not exist!"),
    N_("Catalog Error: {kind} Function with name {name} does not exist!"),
    N_("Binder Error"),
    N_("Catalog Error"),
    N_("Parser Error"),
    N_("Not implemented Error"),
    N_("Conversion Error"),
    N_("Out of Range Error"),
    N_("Invalid Input Error"),
)
FAILURES = (  # the first that fits counts, so the longer of two alike stands first
    N_("The rule `{rule}` cannot be worked out: {reason}."),
    N_("The selection ended without a result: {reason}."),
    N_("the files of arbitration {number} are missing"),
    N_("it took longer than {seconds} seconds and was stopped"),
    N_("its process was killed by signal {number}, often for want of memory"),
    N_("it needs more memory than COUNTERSIGN_MEMORY_LIMIT allows ({reason})"),
    N_(
        "The customers of {name} cannot be read just now: {reason}. Nothing was lost. Try again in a minute; where it"
        " stays so, tell the operator, whose file COUNTERSIGN_CONNECTIONS says where they are."
    ),
    N_("nothing listens at its address"),
    N_("it gives no answer in time"),
    N_("its host is not known"),
    N_("it refuses the user of the connection"),
    N_("it has no such database"),
    N_("no encrypted connection comes about"),
    N_("all its connections are taken"),
    N_("it is starting or stopping"),
    N_("it cannot be reached ({kind})"),
    N_("it cannot be reached"),
    N_("the connection broke off"),
    N_("a customer stands there twice: the column customer has to be unique"),
    N_("its customers are read where they were, and that is not where they are now"),
    N_("{name} has no table customers with a column customer"),
    N_("the column customer of {name} is no text"),
    N_("there is no connection {name}"),
    N_("there is no table {name} any more"),
    N_("the definition has no audience"),
    N_("did you mean {name}?"),
    N_("there is no imported list {name}"),
    N_("there is no case {number} whose outcomes could be used"),
    N_("case {number} has no wave {name}"),
    N_("case {number} measures {name} without saying when it was"),
    N_("there is no customer group {name}"),
    N_("it was never saved, or it was ended"),
    N_("the form names no customer group: {name} is empty"),
    N_("customer groups name each other in a circle: {names}"),
    N_("more than {levels} customer groups stand in one another, or {number} sources in them"),
    N_("save a simpler group in the place of some"),
    N_("a saved group knows no form: {name} stands for nothing"),
    N_("name the case or the group itself"),
    N_("the source is larger than {number} KB, or deeper than {levels} levels"),
    N_("save a part of it as a group of its own"),
    N_("a source is a mapping of one kind"),
    N_("write one kind with what belongs to it, as rule: c.FIELD >= 1"),
    N_("test {number} fails: {row} should be in and is not"),
    N_("test {number} fails: {row} should be out and is not"),
    N_("at most {number} tests"),
    N_("this is no test of a group"),
    N_("write in: or out:, and the fields with their values"),
    N_("two tests are about customer {name}"),
    N_("the customers have no field {name}"),
    N_("{value} is no value for {name}, which is {kind}"),
    N_("no customer field says whether customers agreed to {name}"),
    N_("the control group of cell {cell} needs {number} customers, {left} are left"),
    N_("{number} customers who were erased are in the dataset again; erase them once more"),
    N_("the offer {name} of a cell is not in force"),
    N_("its score reads customers of the dataset, and they are on a server"),
    N_("all {number} customers who are left are in the control group"),
    N_("the source has none of the {number} customers"),
    N_("the exclusions leave nobody of the {number} customers of the source"),
    N_("the control group needs {number} customers, {left} are left"),
    N_("the dataset has no customers yet"),
    N_("a query in a condition gives more than one row; compare with max(...), or write IN"),
    N_("a value of a customer does not fit what is done with it ({fault}); TRY_CAST gives a blank instead"),
    N_("a value of a customer does not fit what is done with it ({fault})"),
    N_("the figures of the rehearsal do not add up"),
    N_("exclusion {name} compares the {fact} of the case, which it does not state"),
    N_("the form names no earlier case: {name} is empty"),
    N_("the list was frozen before its rules were kept with it"),
    N_("none is imported"),
    N_("leave within out"),
    N_("fill it in"),
    N_("offer"),
    N_("category"),
    N_("channels"),
    N_("family"),
    N_("tags"),
    N_("{name} is empty"),
    N_("a field is empty"),
    N_("the list is too short"),
    N_("division by zero"),
    N_("the time is out of range"),
    N_("the result has too many digits"),
    N_("these bytes are no text"),
    N_("these values do not go together"),
    N_("{name} is asked of a time"),
    N_("true and false have no order with numbers"),
    N_("a {kind} has no order"),
    N_("true and false are no numbers"),
    N_("a {kind} is no number"),
    N_("a double has no exact decimal; write decimal(string(x))"),
    N_("a {kind} has no text"),
    N_("a condition is true or false, not a {kind}"),
    N_("a list is read by a whole number"),
    N_("its keys are {kind}"),
    N_("a {kind} cannot be the key of a map"),
    N_("{kind} cannot be the key of a map"),
    N_("- has no meaning for a {kind}"),
    N_("- {kind} has no meaning"),
    N_("{sign} has no meaning for true and false"),
    N_("'{sign}' has no meaning here"),
    N_("{left} {sign} {right} has no meaning"),
    N_("{left} {sign} {right} can never hold"),
    N_("there is no time zone {name}; write Asia/Shanghai or +08:00"),
    N_("the pattern is too long, {number} signs at most"),
    N_("the pattern is wrong: {reason}"),
    N_("the text is too long to be matched"),
    N_("the number is too large or too small: {value}"),
    N_("the number {value} is too large or too small"),
    N_("the number {value} is too large"),
    N_("the number is too large"),
    N_("it is empty, too long, or has spaces or backslashes in it"),
    N_("it cannot be read"),
    N_("only http and https are possible"),
    N_("it must not hold a name or password"),
    N_("Connection refused"),
    N_("timed out"),
    N_("the webhook was switched off"),
    N_("the webhook was taken away"),
    N_("The message was refused for good: {reason}."),
    N_("Nothing was sent: {reason}."),
    N_("The message was not taken for now: {reason}. It is tried again by itself."),
    N_("no mail server is set (COUNTERSIGN_MAIL_URL)"),
    N_("the account has no mail address"),
    N_("the account's mail address is none"),
    N_("no SMS gateway is set (COUNTERSIGN_SMS_URL)"),
    N_("there is no mobile number"),
    N_("there is no address of a bot"),
    N_("there is no address"),
    N_("its answer cannot be read"),
    N_("it names no host"),
    N_("its host cannot be found"),
    N_("its host has letters that no host has"),
    N_("other letters than ASCII must be percent-encoded"),
    N_("a number as host is written with four parts, like 203.0.113.7"),
    N_("it leads to no public address"),
    N_("it leads to this machine or a private network"),
    N_("only scheme and host belong here"),
    N_("not a whole number: {value}"),
    N_("not a number: {value}"),
    N_("neither true nor false: {value}"),
    N_("not a date: {value}; write 2026-11-01"),
    N_("not a timestamp: {value}; write 2026-11-01T08:00:00+08:00"),
    N_("a timestamp needs a zone, as {value}"),
    N_("not a duration: {value}; write 72h, 1h30m or 2d"),
    N_("the duration is too long"),
    N_("it takes more than {number} steps"),
    N_("the key {name} stands twice"),
    N_("the whole number is too large"),
    N_("the unsigned number is too large or below zero"),
    N_("bytes have no code points"),
    N_("unknown escape in the text"),
    N_("an escape in the text is no sign"),
    N_("this text is not closed"),
    N_("'{word}' is a reserved word"),
    N_("an unsigned number has no sign"),
    N_("{wanted} is expected, not {found}"),
    N_("unknown name {name}"),
    N_("{of} has no field {name}"),
    N_("{of} has no fields"),
    N_("{of} cannot be read by an index"),
    N_("{sign} joins conditions"),
    N_("? asks a condition"),
    N_("! turns a condition round"),
    N_("map keeps by a condition"),
    N_("{name} asks a condition"),
    N_("in asks a list"),
    N_("{name} goes over a list"),
    N_("{why}, this is {found}"),
    N_("{value} is never in a {among}"),
    N_("{value} is never {kind}"),
    N_("these do not go together: {kinds}"),
    N_("this must give {wanted}, it gives {found}"),
    N_("there is no function {name}"),
    N_("{name} does not take ({given})"),
    N_("has() takes one field"),
    N_("{name}() takes a variable and an expression"),
    N_("the expression is nested too deeply"),
    N_("the expression is too large"),
    N_("the expression is too long"),
    N_("{name} is no column"),
    N_("a span of time that is no constant cannot be asked of the customer columns"),
    N_("this cannot be asked of the customer columns"),
    N_("{name} cannot be asked of the customer columns"),
    N_("{name} over more than {number} values is too long"),
    N_("lists cannot be joined in a rule over customers"),
    N_("{name} cannot go over a column; write 'a' in c.column"),
    N_("a {kind} cannot stand in a rule over customers"),
)


def failure(text: str, words: Words) -> str:
    """`text` in the language of `words`; several problems in a row each by itself, without their places."""
    return words("; ").join(_one(part, words) for part in BETWEEN.split(text))


def _one(text: str, words: Words) -> str:
    problem = PROBLEM.fullmatch(text)
    message = problem["message"] if problem else text
    said, hint = _without_hint(message)
    known = translated(said, words) or translated(message, words) or _of_duckdb(message, words)
    if not known:
        return words(text) if text else ""  # the reason may be a whole message of the catalogue
    more = translated(hint, words) if hint else ""
    return (
        known + words(" (%(mode)s)", mode=words("; ").join(filter(None, (more, problem["code"])))) if problem else known
    )


def _of_duckdb(text: str, words: Words) -> str:
    """What DuckDB says, or else of which kind it is, with its own words behind it for who knows them. They name columns
    and types; where they would tell a row's value, its child process keeps them to itself."""
    kind = text.partition(": ")[0]
    told = translated(text, words, DUCKDB) or translated(kind, words, DUCKDB)
    return words("%(told)s (DuckDB: %(said)s)", told=told, said=text) if told not in ("", text, kind) else ""


def _without_hint(message: str) -> tuple[str, str]:
    """The message, and the hint in brackets behind it. Of hints, only those are said that stand in the table."""
    depth = 0
    for place in range(len(message) - 1, 0, -1):
        depth += (message[place] == ")") - (message[place] == "(")
        if depth == 0:
            is_hint = message.endswith(")") and message[place - 1] == " "
            return (message[: place - 1], message[place + 1 : -1]) if is_hint else (message, "")
    return message, ""


def translated(text: str, words: Words, templates: tuple[str, ...] = FAILURES) -> str:
    """`text` by the first template that it fills; empty where none fits."""
    for template, pattern in _patterns(templates):
        found = pattern.fullmatch(text)
        if found is not None:
            parts = {name: failure(part, words) if name in NESTED else part for name, part in found.groupdict().items()}
            return words(template).format(**parts)
    return ""


@cache
def _patterns(templates: tuple[str, ...]) -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((template, re.compile(_pattern(template), re.S)) for template in templates)


def _pattern(template: str) -> str:
    return re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+?)", re.escape(template))
