"""What SQLAlchemy compiles, kept for all databases of a worker: each test opens one of its own and would compile every
statement anew, which is a third of the time of a test that stores a case."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine


class Compiled(dict[Any, Any]):
    """By kind of database; SQLAlchemy has it by the one object that stands for one database."""

    def get(self, key: tuple[Any, ...], default: Any = None) -> Any:
        return super().get(_shared(*key), default)

    def __setitem__(self, key: tuple[Any, ...], value: Any) -> None:
        if len(self) >= 2000:
            self.clear()
        super().__setitem__(_shared(*key), value)


def _shared(dialect: Any, *statement: Any) -> tuple[Any, ...]:
    return (dialect.name, dialect.driver, dialect.server_version_info, *statement)


def share() -> None:
    """From now on every connection of this process takes what another one compiled."""
    kept = Compiled()

    @sa.event.listens_for(Engine, "engine_connect")
    def take(connection: Connection) -> None:
        connection.execution_options(compiled_cache=kept)
