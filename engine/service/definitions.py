"""Definitions in the case database: the shipped ones are published when the application is set up.

A case stays pinned to the definition it was started with; publishing a newer version changes no running case.
"""

from dataclasses import dataclass
from importlib import resources

import structlog

from engine.definition.load import load
from engine.definition.model import Definition
from engine.errors import NotFound, NotPossible
from engine.machine.case import ProcessRef
from engine.service.app import Countersign
from engine.store import definitions
from engine.values import Bilingual

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Startable:
    """A kind of case that can be started now."""

    name: str
    title: Bilingual
    description: Bilingual


def publish_shipped(app: Countersign) -> tuple[str, ...]:
    """Publish the definitions that come with the product, where this text is not there yet. Returns their names.

    Where the operator has published a text of their own under the same version, theirs stays.
    """
    published = []
    for file in sorted(resources.files("definitions").iterdir(), key=lambda file: file.name):
        if not file.name.endswith(".yaml"):
            continue
        definition = load(file.read_text(encoding="utf-8"), file=file.name, prove=False)
        try:
            if _publish(app, definition):
                published.append(definition.name)
        except NotPossible:
            log.warning("shipped_definition_not_published", definition=definition.name, version=definition.version)
    return tuple(published)


def _publish(app: Countersign, definition: Definition) -> bool:
    """Publish it; False where it is there already."""
    with app.db.begin() as tx:
        if definitions.source(tx, definition.fingerprint) is not None:
            return False
        definitions.publish(
            tx,
            name=definition.name,
            version=definition.version,
            fingerprint=definition.fingerprint,
            source=definition.source,
            author="system",
            by="system",
            at=app.now(),
        )
        return True


def newest(app: Countersign, name: str) -> tuple[ProcessRef, Definition]:
    """The newest published version of `name`. NotFound where there is none."""
    with app.db.read() as tx:
        row = definitions.newest(tx, name)
    if row is None:
        raise NotFound()
    ref = ProcessRef(name=row.name, version=row.version, fingerprint=row.fingerprint)
    return ref, app.definition(ref)


def startable(app: Countersign) -> tuple[Startable, ...]:
    """Every kind of case with a published version, by name."""
    with app.db.read() as tx:
        refs = [ProcessRef(row.name, row.version, row.fingerprint) for row in definitions.all_newest(tx)]
    kinds = (app.definition(ref) for ref in refs)
    return tuple(Startable(one.name, one.title, one.description) for one in kinds)
