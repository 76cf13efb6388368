"""An SMS gateway for development and tests: a real server in a process of its own, with its own log.

    python deploy/dev/gateway.py --port 0 --log var/sms.log --secret KEY --callback http://127.0.0.1:8000

It takes `POST /messages` as a paid gateway would, remembers message ids (also over a restart: the log is its memory),
writes every accepted message once as a JSON line (id, to, text, at), and sends receipts to
`<callback>/gateway/receipts` until they are taken. Where it is told to, it answers a share of the messages at
`<callback>/gateway/replies`, some with an opt-out. `POST /control` makes it slow, refuse, drop its answers after
accepting, take half a batch, answer garbage, forget ids (as a gateway does that knows no idempotency keys), send
receipts twice, late or shuffled; `POST /messages/query` says of ids which arrived, `GET /stats` counts. It sends
nothing to any telephone.
"""

import argparse
import asyncio
import hashlib
import hmac
import random
import re
import signal
import sys
from collections import deque
from pathlib import Path
from typing import IO, Any, Literal

import aiohttp
import msgspec
import orjson
from aiohttp import web

from engine.clock import now

NUMBER = re.compile(r"\+?\d{5,15}")
RECEIPTS_PER_REQUEST = 500
OPT_OUTS = ("退订", "T", "Ｔ", "td", "TD退订", "R", "N", "取消", "STOP", " unsubscribe. ")
ANSWERS = ("好的", "谢谢", "怎么办理？", "1", "多少钱", "?")


class Behaviour(msgspec.Struct, forbid_unknown_fields=True):
    """What `POST /control` sets; what it leaves out goes back to normal. Counts are of requests, -1 = from now on."""

    slow_seconds: float = 0
    refuse: int = 0  # 503, nothing accepted
    broken: int = 0  # 500, the first half accepted: who asks cannot know
    too_many: int = 0  # 429 with Retry-After, nothing accepted
    retry_after: float = 1
    drop_answers: int = 0  # everything accepted, the connection closed without an answer
    half: int = 0  # the first half accepted, and the answer says nothing of the rest
    garbage: int = 0  # everything accepted, and the answer is no JSON
    drop_share: float = 0  # share of requests whose answer is dropped, by chance
    forgets: bool = False  # an id that it knows is a message like any other, and goes out again
    receipts: Literal["once", "twice", "shuffled", "off"] = "once"
    receipt_delay: float = 0
    failing: float = 0.02  # share of messages whose receipt says failed, by a hash of the id
    replying: float = 0  # share of messages that are answered, by a hash of the id
    opting_out: float = 0.5  # share of the answers that are opt-outs
    names_message: bool = True  # an answer says which message it answers; else only from which number it comes

    def takes(self, name: Literal["refuse", "broken", "too_many", "drop_answers", "half", "garbage"]) -> bool:
        """Whether this request is one of the `name`d; counts down."""
        left: int = getattr(self, name)
        if left > 0:
            setattr(self, name, left - 1)
        return left != 0


class Gateway:
    """The server's state: ids it knows, receipts it owes."""

    def __init__(self, log: Path, secret: str, callback: str) -> None:
        self.secret = secret.encode()
        self.callback = callback
        self.behaviour = Behaviour()
        self.known: set[str] = set()
        self.in_hand = 0
        self.owed: deque[tuple[float, str]] = deque()
        self.numbers: dict[str, str] = {}
        self.woken = asyncio.Event()
        counted = ("requests", "queries", "accepted", "repeated", "rejected", "refused", "dropped")
        self.counts = dict.fromkeys((*counted, "receipts", "receipt_errors", "replies"), 0)
        log.parent.mkdir(parents=True, exist_ok=True)
        receipts = log.with_name(log.name + ".receipts")
        self._remember(log, receipts)
        self.log: IO[bytes] = log.open("ab", buffering=0)
        self.receipts: IO[bytes] = receipts.open("ab", buffering=0)

    def _remember(self, log: Path, receipts: Path) -> None:
        taken = {line["id"] for line in _lines(receipts)}
        for line in _lines(log):
            self.known.add(line["id"])
            self.numbers[line["id"]] = line["to"]
            if line["id"] not in taken:
                self.owed.append((0.0, line["id"]))
        self.counts["accepted"] = len(self.known)
        self.woken.set()

    def signature(self, body: bytes) -> str:
        """The X-Signature of `body`."""
        return "sha256=" + hmac.new(self.secret, body, hashlib.sha256).hexdigest()

    async def messages(self, request: web.Request) -> web.StreamResponse:
        """Take a batch: each id once, whatever becomes of the answer."""
        self.in_hand += 1
        try:
            return await self._messages(request)
        finally:
            self.in_hand -= 1

    async def _messages(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.counts["requests"] += 1
        behaviour = self.behaviour
        if behaviour.slow_seconds:
            await asyncio.sleep(behaviour.slow_seconds)
        if not hmac.compare_digest(self.signature(body), request.headers.get("X-Signature", "")):
            return web.json_response({"error": "wrong signature"}, status=401)
        if behaviour.takes("refuse"):
            self.counts["refused"] += 1
            return web.json_response({"error": "down for a while"}, status=503)
        if behaviour.takes("too_many"):
            self.counts["refused"] += 1
            headers = {"Retry-After": str(behaviour.retry_after)}
            return web.json_response({"error": "too many requests"}, status=429, headers=headers)
        batch = orjson.loads(body)["messages"]
        if behaviour.takes("broken"):
            self._accept(batch[: len(batch) // 2])
            self.counts["dropped"] += 1
            return web.json_response({"error": "internal error"}, status=500)
        results = self._accept(batch[: len(batch) // 2] if behaviour.takes("half") else batch)
        if behaviour.takes("garbage"):
            self.counts["dropped"] += 1
            return web.Response(text="<html>200 OK</html>", content_type="text/html")
        if behaviour.takes("drop_answers") or (behaviour.drop_share and random.random() < behaviour.drop_share):
            self.counts["dropped"] += 1
            if request.transport is not None:
                request.transport.abort()
        return web.Response(body=orjson.dumps({"results": results}), content_type="application/json")

    def _accept(self, messages: list[dict[str, str]]) -> list[dict[str, str]]:
        at = now().isoformat()
        due = asyncio.get_running_loop().time() + self.behaviour.receipt_delay
        results, lines = [], []
        for message in messages:
            name = message["id"]
            if name in self.known and not self.behaviour.forgets:
                self.counts["repeated"] += 1
            elif NUMBER.fullmatch(message["to"]) is None:
                self.counts["rejected"] += 1
                results.append({"id": name, "status": "rejected", "reason": "not a number"})
                continue
            else:
                self.known.add(name)
                lines.append(orjson.dumps({**message, "at": at}))
                self.numbers[name] = message["to"]
                self.owed.append((due, name))
                self.counts["accepted"] += 1
            results.append({"id": name, "status": "accepted", "reason": ""})
        if lines:
            self.log.write(b"\n".join(lines) + b"\n")
            self.woken.set()
        return results

    async def query(self, request: web.Request) -> web.Response:
        """Which of these ids arrived here; the others are left out."""
        body = await request.read()
        self.counts["queries"] += 1
        if not hmac.compare_digest(self.signature(body), request.headers.get("X-Signature", "")):
            return web.json_response({"error": "wrong signature"}, status=401)
        if self.behaviour.takes("refuse"):
            return web.json_response({"error": "down for a while"}, status=503)
        there = [name for name in orjson.loads(body)["ids"] if name in self.known]
        results = [{"id": name, "status": "accepted", "reason": ""} for name in there]
        return web.Response(body=orjson.dumps({"results": results}), content_type="application/json")

    def receipt(self, name: str) -> dict[str, str]:
        """What became of a message: the same whenever it is asked."""
        failed = _share(name) < self.behaviour.failing
        status, reason = ("failed", "absent subscriber") if failed else ("delivered", "")
        return {"id": name, "status": status, "reason": reason, "at": now().isoformat()}

    def reply(self, name: str) -> dict[str, str] | None:
        """What the customer answers to a message, the same whenever it is asked; None for most."""
        told = self.behaviour
        if _share(f"reply {name}") >= told.replying or name not in self.numbers:
            return None
        wishes = _share(f"wish {name}") < told.opting_out
        words = OPT_OUTS if wishes else ANSWERS
        text = words[int(_share(f"words {name}") * len(words))]
        about = {"message": name} if told.names_message else {}
        return {"id": f"mo-{name}", "from": self.numbers[name], "text": text, "at": now().isoformat()} | about

    async def send_receipts(self) -> None:
        """Send what is due, in batches, for ever. A batch that is not taken is sent again."""
        async with aiohttp.ClientSession() as session:
            while True:
                batch = await self._due()
                body = orjson.dumps({"receipts": batch})
                for _ in range(2 if self.behaviour.receipts == "twice" else 1):
                    await self._send(session, body)
                self.receipts.write(b"".join(orjson.dumps(receipt) + b"\n" for receipt in batch))
                self.counts["receipts"] += len(batch)
                replies = [said for one in batch if (said := self.reply(one["id"])) is not None]
                if replies:
                    await self._send(session, orjson.dumps({"replies": replies}), "replies")
                    self.counts["replies"] += len(replies)

    async def _due(self) -> list[dict[str, str]]:
        loop = asyncio.get_running_loop()
        while not self.owed or self.behaviour.receipts == "off" or not self.callback:
            self.woken.clear()
            await self.woken.wait()
        if self.behaviour.receipts == "shuffled":
            random.shuffle(self.owed)
        await asyncio.sleep(max(0.02, self.owed[0][0] - loop.time()))
        return [self.receipt(self.owed.popleft()[1]) for _ in range(min(RECEIPTS_PER_REQUEST, len(self.owed)))]

    async def _send(self, session: aiohttp.ClientSession, body: bytes, what: str = "receipts") -> None:
        headers = {"X-Signature": self.signature(body), "Content-Type": "application/json"}
        pause = 0.1
        while True:
            try:
                async with session.post(f"{self.callback}/gateway/{what}", data=body, headers=headers) as answer:
                    if answer.status < 300:
                        return
            except (aiohttp.ClientError, TimeoutError):
                pass
            self.counts["receipt_errors"] += 1
            await asyncio.sleep(pause)
            pause = min(5.0, pause * 2)

    async def control(self, request: web.Request) -> web.Response:
        """Behave as told from now on."""
        try:
            self.behaviour = msgspec.json.decode(await request.read() or b"{}", type=Behaviour)
        except msgspec.DecodeError as error:
            return web.json_response({"error": str(error)}, status=422)
        self.woken.set()
        return web.json_response(msgspec.to_builtins(self.behaviour))

    async def stats(self, _request: web.Request) -> web.Response:
        """Counts since the start; how many messages are remembered, receipts owed, requests not answered yet."""
        now = {"remembered": len(self.known), "receipts_owed": len(self.owed), "in_hand": self.in_hand}
        return web.json_response({**self.counts, **now})


def _share(text: str) -> float:
    """A number from 0 to 1 that is the same for the same text."""
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) / 0x1_0000_0000


def _lines(path: Path) -> list[dict[str, Any]]:
    """The whole lines of a log; what a crash left half-written at the end is cut off (its sender got no answer)."""
    if not path.exists():
        return []
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) < len(content):
        with path.open("r+b") as file:
            file.truncate(len(whole))
    return [orjson.loads(line) for line in whole.splitlines()]


async def serve(arguments: argparse.Namespace) -> None:
    """Serve until SIGTERM or SIGINT."""
    gateway = Gateway(arguments.log, arguments.secret, arguments.callback.rstrip("/"))
    application = web.Application(client_max_size=32 * 1024 * 1024)
    application.router.add_post("/messages", gateway.messages)
    application.router.add_post("/messages/query", gateway.query)
    application.router.add_post("/control", gateway.control)
    application.router.add_get("/stats", gateway.stats)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, arguments.host, arguments.port)
    await site.start()
    stopped = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stopped.set)
    sender = asyncio.create_task(gateway.send_receipts())
    host, port = runner.addresses[0][:2]
    print(f"ready http://{host}:{port}", flush=True)
    await stopped.wait()
    sender.cancel()
    await runner.cleanup()


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="An SMS gateway for development and tests.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one; the ready line names it")
    parser.add_argument("--log", type=Path, required=True, help="accepted messages, one JSON line each")
    parser.add_argument("--secret", default="", help="key of the signatures, both ways")
    parser.add_argument("--callback", default="", help="public address of Countersign; empty = no receipts")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        asyncio.run(serve(arguments()))
    except OSError as error:
        sys.exit(f"the gateway cannot start: {error}; choose another --port")
