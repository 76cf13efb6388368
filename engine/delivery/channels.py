"""The channels a wave can go over, each with the promise it can keep (docs/delivery.md has the table).

A new channel is one class here, named once in `AnyChannel`; plans, pages and reference take it from there. Refuses to
send anything: that needs a network, which the service has.
"""

from collections.abc import Collection
from typing import ClassVar, Literal, get_args

from engine.delivery.message import LONGEST_TEXT, size_of
from engine.delivery.template import LONGEST_MAIL

Guarantee = Literal["exactly_once_effect", "query_then_send", "at_most_once", "at_least_once"]
"""What a crash between sending and recording can cost.

exactly_once_effect: the gateway takes our message id as idempotency key, so the same messages are sent again; nobody is
lost and nobody reached twice while it remembers keys. query_then_send: the gateway is asked first. at_most_once: what
may have been sent counts as `unknown`. at_least_once: it is sent again, and may arrive twice.

A class names what its channel can do at best; the settings may know that a gateway can do less (`sms_guarantee`).
"""


class Sms:
    """Text messages through an HTTP gateway that remembers message ids; receipts come back later."""

    name: ClassVar[str] = "sms"
    guarantee: ClassVar[Guarantee] = "exactly_once_effect"
    has_receipts: ClassVar[bool] = True
    has_text: ClassVar[bool] = True
    has_address: ClassVar[bool] = True
    batch: ClassVar[int] = 100


class FileHandOff:
    """A CSV file for whoever calls, prints or mails; written whole, with its sha256 and row count beside it.

    Writing the same chunks again gives the same bytes under the same name, so a crash repeats nothing. There are no
    receipts: handing the file over settles its rows.
    """

    name: ClassVar[str] = "file"
    guarantee: ClassVar[Guarantee] = "exactly_once_effect"
    has_receipts: ClassVar[bool] = False
    has_text: ClassVar[bool] = False
    has_address: ClassVar[bool] = False
    batch: ClassVar[int] = 5000


class Hall:
    """Recommendations (营业厅推荐) that a clerk finds when the customer comes to a business hall.

    Nothing leaves the house: a row that counts as sent waits for its customer, and what the clerk records settles it.
    """

    name: ClassVar[str] = "hall"
    guarantee: ClassVar[Guarantee] = "exactly_once_effect"
    has_receipts: ClassVar[bool] = True
    has_text: ClassVar[bool] = True
    has_address: ClassVar[bool] = False
    batch: ClassVar[int] = 5000


class Call:
    """Outbound calls (外呼) by people: the rows stand in a call list, and what callers record settles them.

    Nothing leaves the house by itself, so placing a chunk twice places it once. `calls` of the plan says how often and
    how long a customer is tried.
    """

    name: ClassVar[str] = "call"
    guarantee: ClassVar[Guarantee] = "exactly_once_effect"
    has_receipts: ClassVar[bool] = True
    has_text: ClassVar[bool] = True
    has_address: ClassVar[bool] = True
    batch: ClassVar[int] = 5000


class Email:
    """E-mail over SMTP, which knows no idempotency keys and cannot be asked: nothing that may have gone is repeated.

    A mail that a server took and that does not come back has arrived as far as anybody can say; bounces come later.
    """

    name: ClassVar[str] = "email"
    guarantee: ClassVar[Guarantee] = "at_most_once"
    has_receipts: ClassVar[bool] = True
    has_text: ClassVar[bool] = True
    has_address: ClassVar[bool] = True
    batch: ClassVar[int] = 100


class Webhook:
    """Messages as signed JSON to an address of ours, for channels that another system has: an app, a portal, a chat.

    It knows the customers by their numbers, and gets an address only where the plan names the field that holds it.
    """

    name: ClassVar[str] = "webhook"
    guarantee: ClassVar[Guarantee] = "exactly_once_effect"
    has_receipts: ClassVar[bool] = True
    has_text: ClassVar[bool] = True
    has_address: ClassVar[bool] = False
    batch: ClassVar[int] = 100


AnyChannel = Sms | FileHandOff | Hall | Call | Email | Webhook

CHANNELS: dict[str, type[AnyChannel]] = {kind.name: kind for kind in get_args(AnyChannel)}

USUAL_ADDRESS: dict[str, str] = {Email.name: "email"}
"""The customer field of the address, for channels that do not go to the number (`delivery.address`)."""


def longest_over(channels: Collection[str]) -> int:
    """How long a text may be that goes over these channels."""
    return LONGEST_MAIL if set(channels) == {Email.name} else LONGEST_TEXT


SPEAKS_ALONE = frozenset({Sms.name, Webhook.name})
"""Channels whose text is all that customers get: it says by itself who writes and how to get out. An e-mail has a
sender and a way out beside its text, and scripts are spoken by people."""
ARRIVES_IN_SILENCE = frozenset({Email.name})
"""Channels that tell of failures alone: what was taken counts as delivered when no bounce came in time."""


def segments_of(channel: str, text: str) -> int:
    """How many units of a channel a letter is paid as: segments of a text, else one."""
    return size_of(text).segments if channel == Sms.name else 1
