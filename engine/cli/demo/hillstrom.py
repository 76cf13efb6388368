"""The e-mail case on 64,000 real customers: arms by imported assignment, outcomes as they really were."""

import gzip
from datetime import date, timedelta
from pathlib import Path
from typing import ClassVar

from engine.cli.demo.bases import Imported
from engine.cli.demo.story import Story
from engine.errors import Invalid, Problem


def hillstrom_file(data: Path) -> Path:
    """The file of the real customers in the folder `data`. Raises Invalid where it is not there."""
    file = data / "hillstrom" / "hillstrom.csv.gz"
    if not file.exists():
        raise Invalid([Problem("data", f"{file} is not there", "name the folder that holds hillstrom/ with --data")])
    return file


class Hillstrom(Story):
    """Two e-mails and a control group, handed off as a file; visits, orders and spending of two weeks."""

    definition: ClassVar[str] = "hillstrom-email-case"
    looks: ClassVar[tuple[int, ...]] = (14,)

    def proposal(self) -> dict[str, str | list[str]]:
        """See Story."""
        start = date.fromisoformat(self.setting.noted["today"][:10])
        return {
            "title": "MineThatData e-mail test",
            "budget": "4000.00",
            "reach": "42613",
            "window[from]": str(start),
            "window[to]": str(start + timedelta(days=14)),
        }

    def outcomes(self, case_id: str) -> tuple[str, bytes]:
        """The real outcomes of every customer, by row number."""
        assert isinstance(self.setting.base, Imported)
        return "hillstrom.csv", gzip.decompress(self.setting.base.file.read_bytes())
