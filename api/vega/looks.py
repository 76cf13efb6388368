"""How a picture looks: its width, the colours of the stylesheet by day or night, the font of the pages.

Refuses colours of its own: `countersign.css` names them.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

STYLESHEET = Path(__file__).parents[1] / "static" / "countersign.css"
WIDE, NARROW = 760, 326  # pixels
FONT = '"Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", system-ui, sans-serif'
# as an address names a look; empty is that of a file, with title and note
Asked = Literal["", "wide", "narrow", "wide-dark", "narrow-dark"]


@dataclass(frozen=True, slots=True)
class Look:
    """`width` in pixels. Phones have each name above its bar."""

    width: int = WIDE
    is_narrow: bool = False
    is_dark: bool = False
    has_title: bool = False

    @classmethod
    def of(cls, asked: Asked) -> "Look":
        """The look that an address names."""
        is_narrow = asked.startswith("narrow")
        return cls(NARROW if is_narrow else WIDE, is_narrow, asked.endswith("dark"), not asked)

    def colour(self, name: str) -> str:
        """A colour of the stylesheet, as `bar` or `soft`."""
        return tokens(self.is_dark)[name]


@cache
def tokens(is_dark: bool) -> dict[str, str]:
    """The colours that the stylesheet names, by day or by night."""
    by_day, by_night, *_ = re.findall(r":root \{(.*?)\}", STYLESHEET.read_text(), re.DOTALL)
    found = re.findall(r"--([a-z-]+): (#[0-9a-f]{3,8})", by_day) + (
        re.findall(r"--([a-z-]+): (#[0-9a-f]{3,8})", by_night) if is_dark else []
    )
    return dict(found)
