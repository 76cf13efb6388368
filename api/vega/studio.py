"""The process that charts are drawn in: one for each web server, begun with its first chart.

Loading what draws takes four seconds of CPU and 130 MB; after that a picture takes a tenth of a second. What was drawn
is kept, by all that it shows. The process ends with the server; where it was ended, the next chart begins another. It
is not one of `multiprocessing`, which would load the whole web server in it. Refuses to draw for longer than somebody
waits.
"""

import atexit
import subprocess
import sys
import threading
from functools import lru_cache
from multiprocessing.connection import Connection, Pipe
from typing import Literal

from api.vega.looks import Look
from api.vega.pictures import Picture

Form = Literal["svg", "png", "json"]
Work = tuple[Picture, Form, Look] | None  # a picture to draw, or None for the script that draws in browsers
LONGEST = 30  # seconds: the first picture on a busy machine
KEPT = 400  # pictures of about 10 KB, 50 KB as PNG


class DrawingFailed(Exception):
    """The chart could not be drawn."""


class Studio:
    """Does one thing after the other in a process of its own."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe: Connection | None = None

    def do(self, work: Work) -> bytes:
        """What comes of it. DrawingFailed with the reason, or where it takes too long."""
        with self._turn:
            try:
                return self._ask(work)
            except (EOFError, OSError):  # the process was ended: for want of memory, most likely
                self._end()
                try:
                    return self._ask(work)
                except (EOFError, OSError) as gone:
                    self._end()
                    raise DrawingFailed("the process that draws ended twice") from gone

    def close(self) -> None:
        """End the process; the next work begins another."""
        with self._turn:
            self._end()

    def _ask(self, work: Work) -> bytes:
        pipe = self._pipe or self._begin()
        pipe.send(work)
        if not pipe.poll(LONGEST):
            self._end()
            raise DrawingFailed(f"not drawn within {LONGEST} seconds")
        is_done, answer = pipe.recv()
        if not is_done:
            raise DrawingFailed(answer)
        return bytes(answer)

    def _begin(self) -> Connection:
        self._pipe, theirs = Pipe()
        arguments = [sys.executable, "-m", "api.vega.process", str(theirs.fileno())]
        with theirs:
            self._process = subprocess.Popen(arguments, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)  # noqa: S603 - our own
        return self._pipe

    def _end(self) -> None:
        if self._pipe is not None:
            self._pipe.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._pipe = self._process = None


STUDIO = Studio()
atexit.register(STUDIO.close)


@lru_cache(KEPT)
def drawn(picture: Picture, form: Form, look: Look) -> bytes:
    """The picture in this form; the same picture is drawn once."""
    return STUDIO.do((picture, form, look))
