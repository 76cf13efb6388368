"""What is said of cost tables and of planned against actual cost; `api.words` takes the tables in."""

from api.i18n import N_

COST_UNITS = {
    "segment": N_("text segment"),
    "message": N_("single message"),
    "wave": N_("whole wave"),
    "case": N_("whole case"),
}
COST_CHARGED = {
    "sent": N_("what was sent"),
    "delivered": N_("what was delivered only"),
}
COST_SOURCES = {
    "table": N_("cost table"),
    "per_contact": N_("definition, cost per contact"),
    "delivery": N_("definition, prices of the delivery"),
    "none": N_("no price known"),
}
COST_MISSING = {
    "revenue": N_("The revenue is not known: no conversion names its value, and the definition prices none."),
    "control": N_("Without a control group nobody knows what would have been bought anyway: there is no profit."),
    "conversions": N_("Nobody took the offer yet, so the take-up that pays for the case cannot be said."),
    "messages": N_("Nothing was sent, so there is no price that pays for the case."),
}
COST_PROBLEMS = {
    "E440": N_("{field}: “{value}” is not possible. Write {choices}."),
    "E441": N_(
        "On some of these days line {line} has another price for the same. Let one end before the other begins."
    ),
    "E442": N_("The table is in {first}, as line {line} says; amounts in {currency} cannot stand beside it."),
    "E443": N_("Only SMS are paid by segment; write message."),
    "E444": N_("The table says what is in force already."),
}
