"""Who follows a link: a person, or a machine that looks at links for a person (a scanner, a preview, a crawler).

What is counted as a person's is what nothing speaks against; each reason is one that people do not have. Refuses to
keep what a browser says of itself: its class is all that stays.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

Agent = Literal["phone", "computer", "machine", "unknown"]
Machine = Literal["", "head", "prefetch", "agent", "too_soon", "many", "network"]
"""Why a look is a machine's: asked for the head alone, fetched ahead, says so itself, came sooner than anybody reads,
opened several links at once (of many messages, or every link of one), or came from a network of machines. Empty for a
person's."""
TOO_SOON = timedelta(seconds=2)
AT_ONCE = timedelta(seconds=10)
MANY = 10
"""So many messages' links, opened by one client within AT_ONCE, are a machine's. Phones of one make behind one address
of an operator's network are one client as well, which is why it is not fewer."""
AHEAD = ("purpose", "sec-purpose", "x-purpose", "x-moz")
_MACHINES = re.compile(
    r"bot\b|bot/|crawl|spider|slurp|preview|scan|fetch|monitor|probe|validator|curl|wget|python|aiohttp|httpx|java/|"
    r"okhttp|go-http|libwww|perl|ruby|node|axios|headless|phantom|puppeteer|playwright|lighthouse|facebookexternalhit|"
    r"whatsapp|telegram|slack|discord|skypeuri|linkedin|pinterest|bingpreview|google-safety|googleimageproxy|"
    r"proofpoint|mimecast|barracuda|fireeye|symantec|trendmicro|forcepoint|cloudflare|zscaler|urlscan|virustotal|"
    r"360spider|baiduspider|sogou|yisou|bytespider|tencenttraveler|qqbot|amazonaws|azure|compute",
    re.IGNORECASE,
)
_PHONES = re.compile(r"mobile|android|iphone|ipad|harmonyos|micromessenger", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a link. `others`: links of how many other messages this client opened within AT_ONCE.
    `is_network`: the address is of a network that the operator calls machines'."""

    method: str
    headers: Mapping[str, str]
    at: datetime
    sent_at: datetime | None
    others: int = 0
    is_network: bool = False


def agent_of(name: str) -> Agent:
    """The class of a browser by what it calls itself."""
    if not name or _MACHINES.search(name):
        return "machine"
    if _PHONES.search(name):
        return "phone"
    return "computer" if name.startswith("Mozilla/") else "unknown"


def machine_of(look: Look) -> Machine:
    """Why the look is a machine's; empty where nothing says so."""
    if look.method == "HEAD":
        return "head"
    if any(re.search("prefetch|prerender|preview", look.headers.get(name, ""), re.IGNORECASE) for name in AHEAD):
        return "prefetch"
    if agent_of(look.headers.get("user-agent", "")) == "machine":
        return "agent"
    if look.is_network:
        return "network"
    if look.sent_at is None or look.at < look.sent_at + TOO_SOON:
        return "too_soon"
    return "many" if look.others + 1 >= MANY else ""
