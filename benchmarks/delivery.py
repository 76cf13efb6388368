"""B5: a wave by SMS through the ledger to the development gateway, PostgreSQL with synchronous_commit=on.

The worker is a process of its own, so that its memory is its own: it writes and loads the wave (`begin`), sends it
(`work`) and takes the receipts (`receive_receipts`). The bare row is the same messages by aiohttp alone, without a
database. Worker, gateway and PostgreSQL share the machine's cores. E-mail goes to the development mailbox, which writes
a file for each.
"""

import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from time import perf_counter

import msgspec

from benchmarks import Row, peak_of_this
from engine.clock import now
from engine.delivery.signature import sign
from engine.service import delivering
from engine.service.app import Countersign
from engine.service.couriers.courier import Batch
from engine.service.couriers.sms import SmsCourier
from engine.service.receiving import receive_receipts
from engine.settings import Settings
from engine.store import ledger
from engine.store.session import Database
from engine.warehouse.wavefiles import Letter
from tests.faults.delivering_case import CASE, delivering_case
from tests.servers.gateway import SECRET, running_gateway
from tests.servers.postgres import PostgresServer, create_database, make_folder
from tests.support import ROOT

MESSAGES = 100_000
MAILS = 5_000
RECEIPTS_AT_ONCE = 500
DELIVERY = """
  waves:
    - {name: main, share: rest, channel: sms}
  message: {text: "{name}您好，{form.message}", fields: [name]}
  prices: {sms: "0.05"}
"""
BY_MAIL = """
  waves:
    - {name: main, share: rest, channel: email}
  message: {fields: [name], email: {subject: "{name}，{form.title}", text: "{name}您好，{form.message}"}}
"""


def run(quick: bool = False) -> list[Row]:
    """Three rounds (one when quick) of the bare sender and of the delivery; medians."""
    messages, mails, rounds = (5_000, 500, 1) if quick else (MESSAGES, MAILS, 3)
    folder = make_folder()
    server = PostgresServer(folder, durable=True)
    figures: dict[str, list[float]] = {}
    try:
        url = server.start()
        for number in range(rounds):
            measured = _measured(create_database(url, f"delivery_{number}"), messages)
            measured |= {"mails": _mailed(create_database(url, f"mailed_{number}"), mails)}
            for name, value in measured.items():
                figures.setdefault(name, []).append(value)
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    rows = _rows(messages, {name: median(values) for name, values in figures.items()}, rounds)
    of_mails = Row(
        "B5", f"{mails:,} e-mails", "sent by one worker", median(figures["mails"]), "mails/s", None, "goal 400/s"
    )
    return [*rows, of_mails]


def _rows(messages: int, figures: Mapping[str, float], rounds: int) -> list[Row]:
    job = f"{messages:,} SMS, 100 per request"
    remark = f"median of {rounds}"
    return [
        Row("B5", job, "aiohttp alone, no ledger", figures["bare"], "messages/s", None, remark),
        Row(
            "B5",
            job,
            "sent through the ledger",
            figures["sent"],
            "messages/s",
            figures["sent"] / figures["bare"],
            remark,
        ),
        Row("B5", job, "render and load the wave", figures["begun"], "messages/s", None, remark),
        Row("B5", job, "receipts, 500 per request", figures["receipts"], "receipts/s", None, remark),
        Row("B5", job, "all three, end to end", figures["whole"], "messages/s", None, "goal 10,000/s"),
        Row("B5", job, "peak memory of the worker", figures["megabytes"], "MB", None, "goal 400 MB"),
    ]


def _measured(url: str, messages: int) -> dict[str, float]:
    home = Path(tempfile.mkdtemp(prefix="countersign-delivery-"))
    try:
        with running_gateway(home / "bare.log") as gateway:
            bare = messages / asyncio.run(_bare(gateway.url, messages))
        db = Database(url)
        db.migrate()
        db.close()
        # Every tenth customer is in the control group and gets nothing.
        delivering_case(url, home, customers=messages * 10 // 9, delivery=DELIVERY).close()
        with running_gateway(home / "sms.log") as gateway:
            command = [sys.executable, "-m", "benchmarks.delivery", url, str(home), gateway.url]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
            if done.returncode:
                raise RuntimeError(done.stderr)
            times = gateway.times()
        if set(times.values()) != {1} or len(times) != messages:
            raise RuntimeError(f"{len(times)} of {messages} were reached")
        figures: dict[str, float] = json.loads(done.stdout)
        return {"bare": bare} | figures
    finally:
        shutil.rmtree(home)


def _mailed(url: str, mails: int) -> float:
    """Mails per second of one worker, through the ledger and eight connections to the mailbox."""
    db = Database(url)
    db.migrate()
    db.close()
    home = Path(tempfile.mkdtemp(prefix="countersign-mails-"))
    command = [sys.executable, str(ROOT / "deploy/dev/mailbox.py"), "--folder", str(home / "mails")]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        more = {
            "customer_mail_url": server.stdout.readline().removeprefix("ready ").strip(),
            "customer_mail_from": "营销中心 <news@shop.example>",
            "customer_mail_bounces": "bounces@shop.example",
        }
        app = delivering_case(url, home, customers=mails * 10 // 9, delivery=BY_MAIL, **more)
        delivering.begin(app, CASE)
        start = perf_counter()
        while delivering.work(app, "benchmark") is not None:
            pass
        seconds = perf_counter() - start
        app.close()
        taken = sum(1 for _ in (home / "mails").glob("*.eml"))
        if taken != mails:
            raise RuntimeError(f"{taken} of {mails} were written")
        return mails / seconds
    finally:
        server.terminate()
        server.wait(10)
        shutil.rmtree(home)


async def _bare(url: str, messages: int) -> float:
    text = "客户00001您好，国庆流量包8折，回T退订"
    letters = [Letter(row, "", "", f"138{row:08}", text) for row in range(messages)]
    begin = perf_counter()
    async with SmsCourier(url, SECRET) as gateway:
        for start in range(0, messages, 1000):
            await gateway.hand(Batch("bare", 0, letters[start : start + 1000]))
    return perf_counter() - begin


def _work(url: str, home: str, sms_url: str) -> None:
    """The worker's process: prints its figures as JSON."""
    settings = Settings(home=Path(home), database_url=url, sms_url=sms_url, sms_secret=SECRET)
    app = Countersign(settings, Database(settings.database))
    start = perf_counter()
    delivering.begin(app, CASE)
    begun = perf_counter() - start
    start = perf_counter()
    while delivering.work(app, "benchmark") is not None:
        pass
    sent = perf_counter() - start
    with app.db.read() as tx:
        (sums,) = ledger.sums(tx, CASE).values()
    assert sums.sent == sums.audience, sums
    bodies = _receipts(sums.audience)
    start = perf_counter()
    applied = sum(receive_receipts(app, body, sign(body, SECRET)).applied for body in bodies)
    received = perf_counter() - start
    assert applied == sums.audience
    count = sums.audience
    figures = {
        "begun": count / begun,
        "sent": count / sent,
        "receipts": count / received,
        "whole": count / (begun + sent + received),
        "megabytes": peak_of_this(),
    }
    print(json.dumps(figures))
    app.close()


def _receipts(count: int) -> list[bytes]:
    at = now()
    one = [{"id": f"{CASE}-w1.{row}", "status": "delivered", "at": at, "reason": ""} for row in range(count)]
    return [
        msgspec.json.encode({"receipts": one[start : start + RECEIPTS_AT_ONCE]})
        for start in range(0, count, RECEIPTS_AT_ONCE)
    ]


if __name__ == "__main__":
    _work(*sys.argv[1:])
