"""What is said of offers, tariffs and rehearsals. `api.words` takes the tables in."""

from api.i18n import N_

OFFER_STATES = {
    "open": N_("waits for its publication"),
    "in_force": N_("in force"),
    "coming": N_("not valid yet"),
    "expired": N_("no longer valid"),
    "over": N_("replaced"),
    "withdrawn": N_("withdrawn"),
    "refused": N_("refused"),
    "replaced": N_("replaced before its publication"),
}
OFFER_TONES = {"open": "wait", "in_force": "go", "coming": "wait", "withdrawn": "stop", "refused": "stop"}
OFFER_KINDS = {
    "tariff": N_("tariff"),
    "package": N_("add-on package"),
    "device": N_("device"),
    "service": N_("service plan"),
}
OFFER_FIELDS = {
    "code": N_("Offer code"),
    "name_zh": N_("Name in Chinese"),
    "name_en": N_("Name in English"),
    "kind": N_("Kind of offer"),
    "category": N_("Category"),
    "family": N_("Family"),
    "tags": N_("Tags"),
    "requires": N_("Requires"),
    "incompatible": N_("Cannot stand beside"),
    "filing_number": N_("Filing number"),
    "valid_from": N_("Valid from"),
    "valid_until": N_("Valid until"),
    "monthly_fee": N_("Monthly fee"),
    "voice_minutes": N_("Minutes included"),
    "data_gb": N_("Data included, GB"),
    "sms": N_("Messages included"),
    "voice_price": N_("Price of a further minute"),
    "data_price": N_("Price of a further GB"),
    "sms_price": N_("Price of a further message"),
    "contract_months": N_("Contract, months"),
}
REHEARSAL_TARGETS = {
    "rule": N_("customers of a rule"),
    "list": N_("the frozen list of the case"),
    "estimate": N_("the estimate of the proposal"),
}
OFFER_PROBLEMS = {
    "D180": N_("A code has 1 to 40 letters, digits, dots, dashes."),
    "D181": N_("Give it a name in one language at least."),
    "D182": N_("It cannot be below 0."),
    "D183": N_("A tariff has a monthly fee; it may be 0."),
    "D184": N_("It ends before it begins."),
    "D185": N_("It cannot be incompatible with itself."),
    "D186": N_("This is no rule over customers: {reason}."),
    "D187": N_("A number of months from 1 to {max}."),
    "D188": N_("The dataset has no usage yet; import some first."),
    "D189": N_("Not all of these months are there. There are {there}."),
    "form.offer": N_("The offer {value} is not in force today."),
    "offer_twice": N_("The code {value} stands twice in the file."),
    "rehearsal_customers": N_("There are no customers in the dataset yet."),
    "rehearsal_tariff": N_("Choose a version of a tariff with a monthly fee."),
}
