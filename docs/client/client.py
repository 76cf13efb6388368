"""A client of the REST API: start a case, submit it, decide, wait for it, verify what it came to.

    python docs/client/client.py http://127.0.0.1:8000 wangmin liguoqiang

needs httpx alone. Copy it and change it: the types are those of the OpenAPI document, as far as this example reads
them. Money is text on the wire and Decimal here; every POST carries a key, so that a retry after a broken connection
counts once.
"""

import getpass
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from types import TracebackType
from typing import Any, Self

import httpx

RETRIES = 3
ENDED = ("closed", "rejected", "withdrawn", "cancelled", "expired")


class Refused(Exception):
    """What the server refused: the members of its problem details (RFC 9457)."""

    def __init__(self, problem: dict[str, Any]) -> None:
        self.kind = str(problem.get("type", ""))
        self.status = int(problem.get("status", 0))
        self.problems: list[dict[str, Any]] = problem.get("problems", [])
        fields = "; ".join(f"{one['at']}: {one['message']}" for one in self.problems)
        super().__init__(f"{self.status} {self.kind}: {fields or problem.get('detail', '')}")


@dataclass(frozen=True)
class Case:
    """What a list says of a case."""

    id: str
    number: str
    title: str
    state: str
    budget: Decimal | None

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        """Read a CaseRow."""
        budget = Decimal(row["budget"]) if row["budget"] is not None else None
        return cls(row["id"], row["number"], row["title"], row["state"], budget)


@dataclass(frozen=True)
class Task:
    """Something that waits for the caller."""

    id: str
    case: Case
    step: str


class Client:
    """A session of one person. Use it in a `with`: the session ends with it."""

    def __init__(self, address: str, login: str, password: str) -> None:
        self._http = httpx.Client(base_url=f"{address.rstrip('/')}/api/v1", timeout=30)
        opened = self._sent("POST", "/session", {"login": login, "password": password})
        self._http.headers["Authorization"] = f"Bearer {opened['token']}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.delete("/session")
        self._http.close()

    def start(self, definition: str) -> str:
        """Open a draft and give its id."""
        return str(self._post("/cases", {"definition": definition})["id"])

    def submit(self, case: str, form: dict[str, Any]) -> Case:
        """Submit the whole form. Refused names every wrong field."""
        return Case.of(self._post(f"/cases/{case}/submit", {"form": form})["row"])

    def show(self, case: str) -> Case:
        """The case as it is now."""
        return Case.of(self._sent("GET", f"/cases/{case}")["row"])

    def to_do(self) -> tuple[Task, ...]:
        """What waits for the caller, due first."""
        rows = self._sent("GET", "/inbox")["to_do"]
        return tuple(Task(row["id"], Case.of(row["case"]), row["step"]["en"] or row["step"]["zh"]) for row in rows)

    def decide(self, task: str, decision: str, remark: str = "") -> str:
        """Decide on the case as it is now, and give what was decided; Refused says who was first, if anybody."""
        seen = self._sent("GET", f"/tasks/{task}")["case"]["seq"]
        sheet = self._post(f"/tasks/{task}/decision", {"decision": decision, "remark": remark, "seen_seq": seen})
        return str(sheet["task"]["decision"])

    def cases(self, query: str = "") -> Iterator[Case]:
        """Every case that the caller sees, piece by piece."""
        cursor = ""
        while True:
            page = self._sent("GET", "/cases", params={"q": query, "cursor": cursor})
            yield from map(Case.of, page["cases"])
            cursor = page["next"]
            if not cursor:
                return

    def wait(self, case: str, *states: str, seconds: float = 60, pause: float = 1) -> Case:
        """The case once it has come to one of the states or to its end; TimeoutError when the time is over."""
        until = time.monotonic() + seconds
        while (found := self.show(case)).state not in (*states, *ENDED):
            if time.monotonic() > until:
                raise TimeoutError(f"{case} is still {found.state}")
            time.sleep(pause)
        return found

    def history(self, case: str) -> tuple[tuple[str, str], ...]:
        """Who did what, newest first."""
        entries = self._sent("GET", f"/cases/{case}")["history"]
        return tuple((entry["actor"], entry["what"]) for entry in entries)

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """One request under one key, sent again where the connection broke or the server was away."""
        key = {"Idempotency-Key": uuid.uuid4().hex}
        for left in reversed(range(RETRIES)):
            try:
                return self._sent("POST", path, body, headers=key)
            except (httpx.TransportError, Refused) as error:
                if left == 0 or (isinstance(error, Refused) and error.status != httpx.codes.SERVICE_UNAVAILABLE):
                    raise
                time.sleep(1)
        raise AssertionError("unreachable")

    def _sent(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        params: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        answer = self._http.request(method, path, json=body, params=params, headers=headers)
        if answer.is_error:
            is_problem = answer.headers.get("content-type", "").startswith("application/problem+json")
            raise Refused(answer.json() if is_problem else {"status": answer.status_code, "detail": answer.text[:200]})
        result: dict[str, Any] = answer.json()
        return result


PROPOSAL: dict[str, Any] = {
    "title": "Autumn data package",
    "offer": "flow-10g",
    "budget": "48000.00",
    "reach": 9000,
    "discount": "0.8",
    "channels": ["sms"],
    "window": ["2026-12-01", "2026-12-31"],
    "message": "【白云移动】尊敬的客户，您可8折办理10GB流量包，回复LL10办理。拒收请回复R",
}


def main(address: str, submitter: str, approver: str, password: str) -> None:
    """One case from its draft to the first approval."""
    with Client(address, submitter, password) as office, Client(address, approver, password) as head:
        case = office.start("telecom-marketing-case")
        submitted = office.submit(case, PROPOSAL)
        print(f"{submitted.number} is {submitted.state}")
        task = next(one for one in head.to_do() if one.case.id == case)
        print(f"{approver} decides at {task.step}: {head.decide(task.id, 'approve')}")
        found = office.wait(case, "approving", "returned")
        assert found.budget == Decimal(PROPOSAL["budget"]), "the amount came back as it was sent"
        assert any(what == "approve" for _, what in office.history(case)), "the approval stands in the history"
        assert case in {one.id for one in office.cases(found.number)}, "the case is found by its number"
        print(f"verified: {found.number}, {found.state}, {found.budget}")


if __name__ == "__main__":
    server, first, second = sys.argv[1:]
    main(server, first, second, getpass.getpass("Password: "))
