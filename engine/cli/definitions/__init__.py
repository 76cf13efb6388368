"""`countersign definitions …`: the author's tools, one file per command. A new command is a line here."""

import typer

from engine.cli.definitions import (
    checking,
    comparing,
    drawing,
    migrating,
    proving,
    publishing,
    replaying,
    schemas,
    simulating,
    supposing,
    testing,
)

app = typer.Typer(no_args_is_help=True)


@app.callback()
def definitions() -> None:
    """Check, try, compare and publish definitions."""


app.command("check")(checking.check)
app.command("diagram")(drawing.diagram)
app.command("diff")(comparing.diff)
app.command("list")(publishing.listed)
app.command("migrate")(migrating.migrate)
app.command("prove")(proving.prove)
app.command("publish")(publishing.publish)
app.command("reference")(schemas.reference)
app.command("replay")(replaying.replay)
app.command("schema")(schemas.schema)
app.command("simulate")(simulating.simulate)
app.command("test")(testing.test)
app.command("what-if")(supposing.suppose)
