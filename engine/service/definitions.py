"""Definitions in the case database: the shipped ones are published when the application is set up.

A case stays pinned to the definition it was started with; publishing a newer version changes no running case. Refuses
to put a shipped text in force over one that the operator's people wrote: to them it is offered as a draft.
"""

from dataclasses import dataclass
from importlib import resources

import structlog

from engine.definition.load import load_known
from engine.definition.model import Definition
from engine.errors import NotFound, NotPossible
from engine.machine.case import ProcessRef
from engine.service.app import Countersign
from engine.store import definitions
from engine.values import Bilingual

log = structlog.get_logger()

PRODUCT = "system"
"""The author of the definitions that come with the product."""


@dataclass(frozen=True, slots=True)
class Startable:
    """A kind of case that can be started now."""

    name: str
    title: Bilingual
    description: Bilingual


def publish_shipped(app: Countersign) -> tuple[str, ...]:
    """Publish the definitions that come with the product, where this text is not there yet. Returns their names.

    A newer version takes the place of the product's own older one. Where people have published a version of theirs
    since, it does not: it is kept as a draft of the product, which one of them publishes. A text or draft of theirs
    under the same version or a higher one stays, and the log says so.
    """
    published = []
    for file in sorted(resources.files("definitions").iterdir(), key=lambda file: file.name):
        if not file.name.endswith(".yaml"):
            continue
        definition = load_known(file.read_text(encoding="utf-8"), file.name)
        try:
            if _publish(app, definition):
                published.append(definition.name)
        except NotPossible:
            log.warning("shipped_definition_not_published", definition=definition.name, version=definition.version)
    return tuple(published)


def _publish(app: Countersign, definition: Definition) -> bool:
    """Publish it, or offer it as a draft; False where it is not in force by this call."""
    name, version = definition.name, definition.version
    text = {"fingerprint": definition.fingerprint, "source": definition.source, "author": PRODUCT}
    with app.db.begin() as tx:
        known = definitions.versions(tx, name)
        if any(one.fingerprint == definition.fingerprint for one in known):
            return False
        definitions.refuse_unraised(name, version, known)
        if any(one.version == version and one.author != PRODUCT for one in known):
            raise definitions.taken(name, version)
        in_force = [one for one in known if one.state != "draft"]
        if in_force and in_force[-1].published_by != PRODUCT:
            definitions.save(tx, name=name, version=version, **text)
            log.warning("shipped_definition_offered", definition=name, version=version, place=f"{name}@{version}")
            return False
        definitions.publish(tx, name=name, version=version, **text, by=PRODUCT, at=app.now())
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
