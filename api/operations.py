"""What can be done with a task besides deciding, as pages: one row per operation of the machine.

The sheet lists them, `pages/operations.py` carries them out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from api.i18n import N_


@dataclass(frozen=True, slots=True)
class Kind:
    """An operation as a page. `operation` is its name in the machine, `people` how many are named, `words` what is
    written and whether it must be."""

    operation: str
    title: str
    explain: str
    people: Literal["none", "one", "several"] = "none"
    words: Literal["none", "reason", "may", "question"] = "none"


KINDS: Mapping[str, Kind] = {
    "ask": Kind(
        "ask",
        N_("Ask a question"),
        N_("The clock of the step stands still until the answer is here. You keep the task."),
        "one",
        "question",
    ),
    "transfer": Kind(
        "transfer",
        N_("Pass on"),
        N_("Another person decides instead of you, for good. The deadline stays."),
        "one",
        "reason",
    ),
    "delegate": Kind(
        "delegate",
        N_("Have somebody look first"),
        N_("Another person gives an opinion; then the task comes back and you decide."),
        "one",
        "reason",
    ),
    "signers": Kind(
        "add_signer",
        N_("Add signers"),
        N_("Others must sign too. One of them who refuses refuses for all of you."),
        "several",
        "reason",
    ),
    "remove-signer": Kind(
        "remove_signer",
        N_("Remove a signer"),
        N_("Somebody whom you brought in and who has not decided need not sign any more."),
        "none",
        "reason",
    ),
    "append": Kind(
        "append",
        N_("Ask further people at this step"),
        N_("The step asks them as well, as if it had asked them from the start."),
        "several",
        "reason",
    ),
    "copies": Kind(
        "copy",
        N_("Send a copy"),
        N_("They read along and decide nothing; you see here who has read it."),
        "several",
        "may",
    ),
    "claim": Kind("claim", N_("Take on"), N_("Your colleagues are not asked any more, until you give it back.")),
    "release": Kind("release", N_("Give back"), N_("It waits for all of you again.")),
    "take-back": Kind(
        "take_back",
        N_("Take my decision back"),
        N_("It waits for you again; those who are asked after you are not asked until you have decided anew."),
        "none",
        "may",
    ),
}
