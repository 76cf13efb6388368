"""What the page that builds a customer group calls things. `api.words` takes the tables in."""

from api.i18n import N_

OPERATORS = {
    "eq": N_("is"),
    "ne": N_("is not"),
    "lt": N_("less than"),
    "le": N_("at most"),
    "gt": N_("more than"),
    "ge": N_("at least"),
    "in": N_("is one of"),
    "not_in": N_("is none of"),
    "starts": N_("begins with"),
    "contains": N_("contains"),
    "yes": N_("yes"),
    "no": N_("no"),
    "known": N_("is known"),
    "unknown": N_("is not known"),
}
DAY_OPERATORS = OPERATORS | {
    "lt": N_("before the day"),
    "le": N_("on or before"),
    "gt": N_("after the day"),
    "ge": N_("on or after"),
}
JOINS = {"all": N_("all of these"), "any": N_("any of these")}
HOWS = {
    "or": N_("or in this block"),
    "and": N_("and also in this block"),
    "without": N_("but not in this block"),
    "one": N_("in one of the two, not in both"),
}
BUILT_ROWS = {
    "condition": N_("Condition"),
    "nest": N_("Conditions together"),
    "list": N_("Imported list"),
    "group": N_("Customer group"),
    "earlier": N_("Feedback of an earlier case"),
    "expression": N_("Expression"),
    "sql": N_("Statement (SQL)"),
    "other": N_("Kept as it is"),
}
EARLIER_OUTCOMES = {
    "contacted": N_("was contacted"),
    "delivered": N_("got the message"),
    "failed": N_("could not be reached"),
    "responded": N_("responded"),
    "no_response": N_("did not respond"),
    "converted": N_("took the offer"),
    "opted_out": N_("opted out"),
    "complained": N_("complained"),
}
BUILDING_PROBLEMS = {
    "build.unfinished": N_("This row is not finished: complete it, or remove it."),
    "build.nothing": N_("There is no condition yet. Add one first."),
    "build.many": N_("At most {rows} rows in {blocks} blocks."),
    "build.field": N_("The customer data has no such field any more. Choose another one."),
    "build.list": N_("There is no such list any more. Choose another one."),
    "build.group": N_("There is no such group any more. Choose another one."),
    "build.long": N_("At most {most} characters."),
    "build.value": N_("None of the values that this field has. Choose one of them."),
    "build.number": N_("A number, as 38, 38.5 or 3万."),
    "build.whole": N_("A whole number, as 38 or 3万."),
    "build.day": N_("A day, as 2026-12-31."),
    "build.earlier": N_("A number of days, as 30d; and an outcome in small letters."),
    "build.form": N_("Only a case has a form. Name the number of the earlier case."),
    "build.other": N_("This part cannot be read any more. Remove it."),
    "source.sql": N_("Statements are written by the authors of definitions. Remove this row, or ask one of them."),
}
