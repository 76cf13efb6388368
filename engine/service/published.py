"""The published definitions as texts that another one may extend; what comes with the product stands behind them.

Refuses drafts: nobody has answered for them yet.
"""

from engine.definition.texts import SHIPPED, Text
from engine.service.app import Countersign
from engine.store import definitions


class PublishedTexts:
    """Implements `engine.definition.texts.Texts` over the case database."""

    def __init__(self, app: Countersign) -> None:
        self._app = app

    def find(self, name: str) -> Text | None:
        """The newest published version of that name, else what comes with the product."""
        with self._app.db.read() as tx:
            row = definitions.newest(tx, name)
            source = definitions.source(tx, row.fingerprint) if row else None
        if row is None or source is None:
            return SHIPPED.find(name)
        return Text(f"{row.name}@{row.version}", source)

    def names(self) -> tuple[str, ...]:
        """Every name there is."""
        with self._app.db.read() as tx:
            own = {row.name for row in definitions.all_newest(tx)}
        return tuple(sorted({*own, *SHIPPED.names()}))
