"""What a browser is called, in words somebody recognises: "Edge on Windows"."""

from functools import lru_cache

from ua_parser import parse

from api.i18n import N_, Words

UNKNOWN = N_("an unknown browser")


def browser_name(described: str, words: Words) -> str:
    """The browser's and its system's name, from what it calls itself."""
    browser, system = _parsed(described[:300])
    if not browser:
        return words(UNKNOWN)
    return words("%(browser)s on %(system)s", browser=browser, system=system) if system else browser


@lru_cache(maxsize=512)
def _parsed(described: str) -> tuple[str, str]:
    found = parse(described)
    return (found.user_agent.family if found.user_agent else "", found.os.family if found.os else "")
