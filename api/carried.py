"""A count of customers that its page carries, so that another order of the exclusions reads no customer again.

Nothing is kept on the server: a count is shown once, to the person who asked for it, and holds what they were shown.
Refuses to believe it: what was changed on the way is counted anew, or is shown to nobody but the one who changed it.
"""

import base64
import binascii
import zlib

from pydantic import TypeAdapter, ValidationError

from engine.service.estimating import Estimate, reordered

ORDER = "order:"  # the button that asks for an order: order:blacklist,holdout
LARGEST = 4 * 1024 * 1024
ESTIMATE: TypeAdapter[Estimate] = TypeAdapter(Estimate)


def carried(estimate: Estimate) -> str:
    """The count as a field of a form; empty where there is nothing to put in another order."""
    if len(estimate.names) < 2:
        return ""
    return base64.urlsafe_b64encode(zlib.compress(ESTIMATE.dump_json(estimate))).decode()


def in_order(field: str, action: str) -> Estimate | None:
    """The count of the field in the order that the button asks for; None where it asks for none, or the field is no
    count that adds up."""
    if not action.startswith(ORDER):
        return None
    try:
        unpack = zlib.decompressobj()
        told = unpack.decompress(base64.urlsafe_b64decode(field), LARGEST)
        return reordered(ESTIMATE.validate_json(told), action.removeprefix(ORDER).split(","))
    except (ValueError, KeyError, binascii.Error, zlib.error, ValidationError):
        return None
