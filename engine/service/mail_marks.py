"""The names that mail to customers bears, made and read back: in Message-ID and envelope, and in the opt-out link.

Each names a row of the ledger and ends in a hash that only this installation can make. So nobody who has one mail can
opt others out, or have bounces counted for them. Refuses to say more of a mark that is not ours than that it is not.
"""

import hmac
import re

from engine.service.sealing import keyed
from engine.settings import Settings

NAME = "name of a mail"
OPT_OUT = "opt-out by mail"
HASH = {NAME: 16, OPT_OUT: 32}  # a local part has 64 signs at most, most of which are the wave's
LONGEST = 128
_ROW = re.compile(
    r"(?P<wave>(?:(?:proof|seed)\.)?[0-9A-Za-z-]{1,48})\.(?P<row>\d{1,9})\.(?P<hash>[0-9a-f]{16,32})", re.ASCII
)


def name_of(settings: Settings, wave: str, row: int) -> str:
    """What a mail is called."""
    return _marked(settings, NAME, wave, row)


def opt_out_of(settings: Settings, wave: str, row: int) -> str:
    """The token of a mail's way out."""
    return _marked(settings, OPT_OUT, wave, row)


def named(settings: Settings, name: str) -> tuple[str, int] | None:
    """The wave and row that a name stands for; None where it is not ours. Servers may have changed its case."""
    return _read(settings, NAME, name.lower())


def opting_out(settings: Settings, token: str) -> tuple[str, int] | None:
    """The wave and row that a token stands for; None where it is not ours."""
    return _read(settings, OPT_OUT, token)


def _marked(settings: Settings, purpose: str, wave: str, row: int) -> str:
    return f"{wave}.{row}.{_hashes(settings, purpose, wave, row)[0]}"


def _hashes(settings: Settings, purpose: str, wave: str, row: int) -> tuple[str, ...]:
    return tuple(one[: HASH[purpose]] for one in keyed(settings, purpose, f"{wave}.{row}"))


def _read(settings: Settings, purpose: str, text: str) -> tuple[str, int] | None:
    found = _ROW.fullmatch(text) if len(text) <= LONGEST else None
    if found is None:
        return None
    wave, row = found["wave"], int(found["row"])
    known = [hmac.compare_digest(one, found["hash"]) for one in _hashes(settings, purpose, wave, row)]
    return (wave, row) if any(known) else None
