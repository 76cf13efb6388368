"""B5 with several workers and growing audiences: 1, 2 and 4 worker processes share one wave over PostgreSQL.

Sending alone is measured, from the moment at which all workers are ready until no chunk is left; each process tells its
own peak of memory. Workers, gateway and PostgreSQL share the machine's cores, so more workers than cores show what the
sharing costs, not what more machines would bring.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from benchmarks import Row, peak_of_this
from benchmarks.delivery import DELIVERY
from engine.service import delivering
from engine.service.app import Countersign
from engine.settings import Settings
from engine.store.session import Database
from tests.faults.delivering_case import CASE, delivering_case
from tests.servers.gateway import SECRET, running_gateway
from tests.servers.postgres import PostgresServer, create_database, make_folder
from tests.support import ROOT

GROWTH = ((10_000, 1), (100_000, 1), (1_000_000, 1))
SHARED = ((100_000, 1), (100_000, 2), (100_000, 4))


def run(quick: bool = False) -> list[Row]:
    """Once each; when quick, two workers with 5,000."""
    wanted = ((5_000, 2),) if quick else (*GROWTH, *SHARED[1:])
    folder = make_folder()
    server = PostgresServer(folder, durable=True)
    rows: list[Row] = []
    try:
        url = server.start()
        for number, (messages, workers) in enumerate(wanted):
            rows += _measured(create_database(url, f"workers_{number}"), messages, workers)
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return rows


def _measured(url: str, messages: int, workers: int) -> list[Row]:
    home = Path(tempfile.mkdtemp(prefix="countersign-workers-"))
    try:
        db = Database(url)
        db.migrate()
        db.close()
        with running_gateway(home / "sms.log") as gateway:
            app = delivering_case(url, home, customers=messages * 10 // 9, delivery=DELIVERY, sms_url=gateway.url)
            delivering.begin(app, CASE)
            app.close()
            command = [sys.executable, "-m", "benchmarks.workers", url, str(home), gateway.url]
            started = [
                subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
                for _ in range(workers)
            ]
            for one in started:
                assert one.stdout is not None
                assert one.stdout.readline() == "ready\n"
            begin = perf_counter()
            said = _together(started)
            seconds = perf_counter() - begin
            times = gateway.times()
        if set(times.values()) != {1} or len(times) != messages:
            raise RuntimeError(f"{len(times)} of {messages} were reached")
        peak = max(float(out) for out, _ in said)
        job, name = f"{messages:,} SMS", f"{workers} worker{'s' if workers > 1 else ''}"
        return [
            Row("B5", job, f"{name}, sending", messages / seconds, "messages/s", None, "once"),
            Row("B5", job, f"{name}, peak memory of one", peak, "MB", None, "goal 400 MB"),
        ]
    finally:
        shutil.rmtree(home)


def _together(started: "list[subprocess.Popen[str]]") -> list[tuple[str, str]]:
    for one in started:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    return [one.communicate() for one in started]


def _work(url: str, home: str, sms_url: str) -> None:
    settings = Settings(home=Path(home), database_url=url, sms_url=sms_url, sms_secret=SECRET)
    app = Countersign(settings, Database(settings.database))
    print("ready", flush=True)
    sys.stdin.readline()
    while delivering.work(app, "benchmark") is not None:
        pass
    print(peak_of_this())
    app.close()


if __name__ == "__main__":
    _work(*sys.argv[1:])
