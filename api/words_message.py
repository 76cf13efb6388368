"""What is said of the texts of messages: what is wrong with a template, and what the house does not let out."""

from api.i18n import N_

BREACHES = {  # %(what)s is the word, the link or what is missing
    "signature": N_("lacks the signature %(what)s"),
    "opt_out": N_("does not say how to opt out: %(what)s"),
    "forbidden": N_("forbidden: %(what)s"),
    "link": N_("leads where it may not: %(what)s"),
    "long": N_("longer than %(what)s characters"),
}
MESSAGE_PROBLEMS = {  # by code; the braces are filled with the problem's fields
    "content.syntax": N_(
        "Line {line}, column {column}: {what} cannot be read. Write a name, a filter behind it, or if, else and end."
    ),
    "content.name": N_("Line {line}, column {column}: {what} names no value that a message may have. {hint}"),
    "content.filter": N_("Line {line}, column {column}: {what} has a filter that there is not. {hint}"),
    "content.argument": N_("Line {line}, column {column}: {what} gives its filter what it does not take, or nothing."),
    "content.unclosed": N_("Line {line}, column {column}: {what} has no end."),
    "content.unopened": N_("Line {line}, column {column}: {what} belongs to no if."),
    "content.deep": N_("Line {line}, column {column}: {what} stands in too many others."),
    "content.signature": N_("The message lacks the signature of the house: {what}"),
    "content.opt_out": N_("A marketing message says how to opt out, as: {what}"),
    "content.forbidden": N_("“{what}” is on the list of words that no message may have."),
    "content.link": N_("“{what}” leads to a host that messages may not link to."),
    "content.long": N_(
        "A message has 1,000 characters at most and its template 2,000; an e-mail and its template have 20,000."
    ),
    "content.no_link": N_(
        "The wave {wave} is decided by clicks, and nobody can follow a link in this text. Write {{link}} where the link"
        " belongs."
    ),
    "content.file": N_("The file of the content rules cannot be read."),
}
CHANNELS = {
    "sms": N_("SMS"),
    "email": N_("e-mail"),
    "file": N_("file hand-off"),
    "hall": N_("business hall"),
    "call": N_("outbound call"),
    "webhook": N_("another system"),
}
