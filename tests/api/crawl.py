"""Every page that somebody comes to by following links from the inbox: one address of each kind of page.

Pages that nobody links to are not found; they are no use to anybody either.
"""

import re
from html import unescape

from tests.api.desk import Desk

LINK = re.compile(r'<a [^>]*href="(/[^"#]*)')
ONE = re.compile(r"[^/]*\d[^/]*|[A-Za-z0-9_-]{20,}")  # what stands for one thing among many: a number, an id
PERSON = re.compile(r"(?<=^/admin/people/)(?!new\b)[^/]+")
KEPT = ("tab", "list", "shown", "view")
FILES = re.compile(r"\.(csv|xlsx|pdf|svg|ics|json|xes)$|/static/")


def kind_of(address: str) -> str:
    """What kind of page an address is.

    >>> kind_of("/cases/k2f9?tab=history&page=3"), kind_of("/tasks/k2f9-r1-head"), kind_of("/inbox?list=done")
    ('/cases/*?tab=history', '/tasks/*', '/inbox?list=done')
    """
    path, _, query = address.partition("?")
    kept = sorted(part for part in query.split("&") if part.partition("=")[0] in KEPT)
    named = "/".join("*" if ONE.fullmatch(part) else part for part in PERSON.sub("*", path).split("/"))
    return named + ("?" + "&".join(kept) if kept else "")


def crawl(desk: Desk, start: str = "/inbox", *, each: int = 12) -> list[str]:
    """The addresses found, each answered with a page; raises where a link leads nowhere. `each`: how many of one kind,
    as a draft and an evaluated case show different things."""
    waiting, seen, found = [start], {start}, []
    times: dict[str, int] = {}
    while waiting:
        address = waiting.pop(0)
        kind = kind_of(address)
        if times.get(kind, 0) >= (each if "*" in kind else 1):
            continue
        answer = desk.get(address)
        assert answer.status_code == 200, f"{address}: {answer.status_code}"
        if not answer.headers["content-type"].startswith("text/html"):
            continue
        times[kind] = times.get(kind, 0) + 1
        found.append(address)
        for link in LINK.findall(answer.text):
            target = unescape(link)
            if target not in seen and not FILES.search(target.partition("?")[0]):
                seen.add(target)
                waiting.append(target)
    return found
