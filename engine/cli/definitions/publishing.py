"""`countersign definitions publish` and `list`: a draft by one person, its publication by another.

Who acts is said on the command line and stands in the case database: whoever may use the operator's terminal is
trusted to name the right people, the two of them all the same.
"""

from typing import Annotated

import typer

from engine.cli.definitions.comparing import definition_at, lines_of, summary
from engine.cli.persons import person
from engine.errors import InvalidFile, NotFound, Problem
from engine.service import publishing
from engine.service.app import Countersign
from engine.service.views import Viewer


def publish(
    file: Annotated[str, typer.Argument(help="A definition (YAML), or NAME@VERSION: a draft", show_default=False)],
    author: Annotated[str, typer.Option("--author", help="Save it as a draft of this person.")] = "",
    by: Annotated[str, typer.Option("--as", help="Publish the draft as this person, who is not its author.")] = "",
) -> None:
    """Save FILE as a draft (--author), or publish the draft that another person saved (--as)."""
    if not (author or by):
        message = "say who acts: --author PERSON saves a draft, --as PERSON publishes another person's draft"
        raise InvalidFile([Problem("publish", message)])
    definition = definition_at(file)
    title = f"{definition.name} version {definition.version}"
    app = Countersign.open()
    try:
        if author:
            saved = publishing.save_draft(app, acting(app, author), definition.source, file=file)
            told = "is published already, nothing changed" if saved.unchanged else f"is saved as a draft of {author}"
            typer.echo(f"{title} {told}")
        if by:
            try:
                release = publishing.publish(
                    app, acting(app, by), definition.name, definition.version, fingerprint=definition.fingerprint
                )
            except NotFound:
                message = f"nobody saved {title} as a draft"
                raise InvalidFile([Problem("publish", message, "save it with --author PERSON")]) from None
            if release.unchanged and not author:
                typer.echo(f"{title} is published already (by {release.published_by}), nothing changed")
            elif not release.unchanged:
                typer.echo(f"{title} is published by {by}; its author is {release.author}")
                for line in lines_of(release.changes):
                    typer.echo(line)
                for problem in release.vacant:
                    typer.echo(str(problem), err=True)
                typer.echo(summary(release.changes) if release.changes else "the first version", err=True)
    finally:
        app.close()


def listed(name: Annotated[str, typer.Argument(help="Only the versions of this definition")] = "") -> None:
    """List the versions in the case database, drafts as well."""
    app = Countersign.open()
    try:
        rows = publishing.all_versions(app, name)
    finally:
        app.close()
    lines = [("name", "version", "state", "author", "published by", "fingerprint")]
    lines += [
        (row.name, str(row.version), row.state, row.author, row.published_by or "-", row.fingerprint[:12])
        for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def acting(app: Countersign, login: str) -> Viewer:
    """The person of that name, who must be allowed to write definitions. Raises InvalidFile in words otherwise."""
    viewer = person(app, login)
    if not viewer.has(*publishing.AUTHORS):
        message = f"{login} may not write definitions"
        raise InvalidFile([Problem("role", message, f"give them the role {' or '.join(publishing.AUTHORS)}")])
    return viewer
