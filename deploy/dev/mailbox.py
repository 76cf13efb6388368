"""A mail server for development: one .eml file per mail in a folder, nothing is ever sent on.

The demo and the tests read staff mail from it as a person reads an inbox. A file appears whole or not at all (written
under a temporary name, then renamed). It listens on the loopback only and refuses to be a relay.

    python deploy/dev/mailbox.py --port 0 --folder var/mail
"""

import argparse
import asyncio
import itertools
import signal
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session


class Folder:
    """Keeps each mail as `NNNNNN.eml`; numbers go on after those already there."""

    def __init__(self, path: Path) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self._path = path
        kept = [int(name.stem) for name in path.glob("*.eml") if name.stem.isdigit()]
        self._numbers = itertools.count(max(kept, default=0) + 1)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """aiosmtpd's hook for one received mail."""
        head = "".join(f"X-Envelope-To: {recipient}\r\n" for recipient in envelope.rcpt_tos)
        body = envelope.original_content or b""
        name = f"{next(self._numbers):06}.eml"
        partial = self._path / f".{name}.part"
        partial.write_bytes(head.encode() + body)
        partial.rename(self._path / name)
        return "250 Kept"


async def serve(folder: Path, port: int) -> None:
    """Receive mail until SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    keeper = Folder(folder)
    server = await loop.create_server(
        lambda: SMTP(keeper, hostname="mailbox", ident="mailbox", loop=loop), "127.0.0.1", port
    )
    print(f"ready smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await stop.wait()
    server.close()


def main() -> None:
    """Read the options and serve."""
    parser = argparse.ArgumentParser(description="Development mail server")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--folder", type=Path, required=True)
    options = parser.parse_args()
    try:
        asyncio.run(serve(options.folder, options.port))
    except (OSError, OverflowError) as error:
        raise SystemExit(f"Port {options.port} cannot be used: {error}") from None


if __name__ == "__main__":
    main()
