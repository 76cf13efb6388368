"""Vega for browsers: made from vl-convert by the running server, so nothing is carried along or loaded from elsewhere.

A page loads it when somebody points at a chart with a mouse. Made once for a server, in five seconds, in a process that
ends after it.
"""

import gzip
import hashlib
from functools import cache
from importlib import metadata

from api.vega.studio import Studio

MADE_BY = "1"  # goes up with what `drawing.ENTRY` says


@cache
def name() -> str:
    """Its file name, which changes with what is in it."""
    made_of = f"{metadata.version('vl-convert-python')} {MADE_BY}"
    return f"vega-{hashlib.sha256(made_of.encode()).hexdigest()[:12]}.js"


@cache
def compressed() -> bytes:
    """The script, as gzip. DrawingFailed where it cannot be made."""
    studio = Studio()
    try:
        return gzip.compress(studio.do(None), mtime=0)
    finally:
        studio.close()
