"""Ends the process groups of a parent that was killed and could not do it itself (SIGKILL, out of memory).

The parent names groups on this program's input, "+123" when one starts and "-123" when it has ended. End of input
means that the parent is gone: what is still named is killed at once, since everything in it stands up to that (leases,
idempotency keys, one transaction per step). It refuses to do anything while the parent lives.
"""

import contextlib
import os
import signal
import sys


def main() -> None:
    """Listen until the parent is gone, then bury. Started with -I -S, so it imports nothing of ours."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        group = int(line[1:])
        (groups.add if line[0] == "+" else groups.discard)(group)
    for group in groups:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    main()
