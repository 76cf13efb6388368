"""What runs in the process of the studio: takes work from the pipe that its argument names until the server is gone."""

import sys
from multiprocessing.connection import Connection

from api.vega.drawing import bundle, draw


def serve(pipe: Connection) -> None:
    """Answer (True, what was made) or (False, why not)."""
    while True:
        try:
            work = pipe.recv()
        except EOFError:
            return
        answer: tuple[bool, bytes | str]
        try:
            answer = (True, bundle() if work is None else draw(*work))
        except Exception as wrong:  # told to the server, whose page goes on without the chart
            answer = (False, f"{type(wrong).__name__}: {wrong}")
        pipe.send(answer)


if __name__ == "__main__":
    serve(Connection(int(sys.argv[1])))
