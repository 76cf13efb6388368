"""What is said of recommendations in the hall. `api.words` takes the tables in."""

from api.i18n import N_

HALL_ANSWERS = {
    "accept": N_("accepted"),
    "refuse": N_("refused"),
    "later": N_("later"),
}
HALL_REASONS = {  # why a customer refuses
    "price": N_("too expensive"),
    "no_need": N_("does not need it"),
    "has_similar": N_("has something like it"),
    "thinks_it_over": N_("does not want to decide now"),
    "other": N_("another reason"),
    "no_marketing": N_("no marketing any more"),
}
HALL_CONFIRMATIONS = {
    "code": N_("code read back"),
    "signature": N_("signature"),
}
HALL_COUNTS = {  # what an answer counts as
    "conversion": N_("It counts as a conversion."),
    "response": N_("It counts as interest; without a confirmation it is no conversion."),
    "refused": N_("It is not recommended to them again."),
    "opt_out": N_("From now on this customer gets no marketing over any channel."),
}
OFFER_ELEMENTS = {
    "name": N_("name"),
    "monthly_fee": N_("monthly fee"),
    "validity": N_("validity"),
    "filing_number": N_("filing number"),
}
HALL_PROBLEMS = {
    "E380": N_("Write the code or the number of the signature: 1 to 60 letters, digits, dots, dashes."),
    "E381": N_("The offer cannot be concluded: it has no {missing}. Tell whoever keeps the offers."),
    "E382": N_("1 to {most} days."),
    "E425": N_("The offer costs {fee} a month; leave the amount out."),
    "E426": N_("“{value}” is not an amount of money per month."),
    "E383": N_("Say how the customer confirmed it."),
}
