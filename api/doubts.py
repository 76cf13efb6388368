"""Why nobody knows whether a message went out, in the reader's words: from what was recorded when it was handed over.

Refuses to guess: what is none of these stays as it was recorded.
"""

import re

from api.failures import translated
from api.i18n import N_, Words
from api.words_proofs import ASIDE

DOUBTS = (
    N_("no receipt"),
    N_("opted out after an interrupted attempt"),
    N_("ended after an interrupted attempt"),
    N_("a worker ended while it was sending"),
    N_("seen by a clerk, nothing written down"),
    N_("the gateway gave no answer in time"),
    N_("the connection to the gateway broke off before its answer"),
    N_("the gateway answered {status}"),
    N_("the gateway's answer cannot be read"),
    N_("the gateway's answer left messages out"),
    N_("the mail server gave no answer in time"),
    N_("the connection to the mail server broke off before its answer"),
    N_("the mail server answered {status}"),
)
EARLIER = (  # what earlier releases wrote down, with the words of today
    (re.compile(r"no answer: \w*Timeout\w*"), "the gateway gave no answer in time"),
    (re.compile(r"no answer: \w+"), "the connection to the gateway broke off before its answer"),
    (
        re.compile(r"the connection to the mail server ended: \w*Timeout\w*", re.S),
        "the mail server gave no answer in time",
    ),
    (
        re.compile(r"the connection to the mail server ended: .*", re.S),
        "the connection to the mail server broke off before its answer",
    ),
)


def spoken(reason: str, words: Words) -> str:
    """The gateway gave no answer in time."""
    reason = next((today for pattern, today in EARLIER if pattern.fullmatch(reason)), reason)
    return translated(reason, words, DOUBTS) or reason


def spoken_aside(reason: str, words: Words) -> str:
    """No budget left for seeds: the same of a proof or a message to a seed, also where everybody knows."""
    return translated(reason, words, (*DOUBTS, *ASIDE)) or reason
