"""Serve the pages and the REST API: `python -m api --host 127.0.0.1 --port 8000`."""

import argparse
import gc
import socket
import sys

import uvicorn

from engine.errors import CountersignError, PortInUse
from engine.service import logs


def main() -> None:
    """Parse the options, serve until SIGTERM or SIGINT; a failure to start is one sentence and exit code 1."""
    options = argparse.ArgumentParser(prog="python -m api", description="Serve Countersign's pages and REST API.")
    options.add_argument("--host", default="127.0.0.1", help="address to listen on")
    options.add_argument("--port", type=int, default=8000, help="port to listen on, 0 for any free one")
    given = options.parse_args()
    logs.configure()
    gc.disable()  # what is loaded stays; looking through it for garbage takes a sixth of the time
    from api.app import create_app  # noqa: PLC0415

    gc.enable()
    try:
        listening = listen(given.host, given.port)
        api = create_app()
    except CountersignError as error:
        sys.exit(error.message)
    gc.freeze()  # what is there now stays while pages are made, and need not be looked through with them
    print(f"ready http://{given.host}:{listening.getsockname()[1]}", flush=True)
    # uvicorn's own access log would write link tokens; api.app logs the route's pattern instead.
    config = uvicorn.Config(api, log_level="warning", access_log=False, proxy_headers=True, timeout_graceful_shutdown=5)
    uvicorn.Server(config).run(sockets=[listening])


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; PortInUse where something else has the port."""
    try:
        return socket.create_server((host, port), backlog=2048)
    except OSError as error:
        raise PortInUse(port=port, option="--port", reason=str(error)) from error


if __name__ == "__main__":
    main()
