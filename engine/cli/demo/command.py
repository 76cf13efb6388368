"""The command `countersign demo` and its options."""

import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
import typer
from rich.console import Console

from engine.cli.demo import printing
from engine.cli.demo.bases import Base, Generated, Imported
from engine.cli.demo.browser import NoSuchForm
from engine.cli.demo.hillstrom import Hillstrom, hillstrom_file
from engine.cli.demo.people import PASSWORD, SHOWN
from engine.cli.demo.setting import Setting
from engine.cli.demo.story import StoryStuck
from engine.cli.demo.telecom import TRUE_UPLIFT, Telecom
from engine.errors import CountersignError

Dataset = Literal["telecom", "hillstrom"]


def demo(
    *,
    leave: Annotated[bool, typer.Option("--exit", help="End when the case is closed instead of serving on.")] = False,
    customers: Annotated[int, typer.Option(min=2_000, help="Size of the generated base.")] = 200_000,
    database: Annotated[str, typer.Option(help="URL of an empty database; default: SQLite in --dir.")] = "",
    folder: Annotated[Path, typer.Option("--dir", help="Folder of the demo.")] = Path("var/demo"),
    port: Annotated[int, typer.Option(help="Port of the pages.")] = 8000,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the demo that was interrupted.")] = False,
    dataset: Annotated[Dataset, typer.Option(help="telecom: generated; hillstrom: 64,000 real customers.")] = "telecom",
    data: Annotated[Path | None, typer.Option(help="Folder of the real data, for --dataset hillstrom.")] = None,
) -> None:
    """Run a whole case, from the proposal to the close-out, on servers of its own."""
    console = Console(highlight=False)
    began = time.perf_counter()
    setting = Setting(folder.resolve(), database, port, console, base=_base(dataset, customers, data))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        setting.prepare(resume=resume)
        with setting:
            setting.start()
            ready = time.perf_counter() - began
            console.print(f"[green]✓[/] ready after {ready:.1f} s: {setting.address}")
            story = Hillstrom(setting, console) if dataset == "hillstrom" else Telecom(setting, console)
            case = story.run()
            _tell(console, case, truth=TRUE_UPLIFT if dataset == "telecom" else None)
            console.print(f"the case as the API shows it: {_kept(setting.folder, case)}")
            console.print(
                f"[green]✓[/] case {case['row']['number']} is {case['row']['state']}, "
                f"{time.perf_counter() - began:.1f} s in all"
            )
            if case["row"]["state"] != "closed":
                raise typer.Exit(1)
            if not leave:
                _serve_on(console, setting, (*SHOWN, *story.furnish()))
    except (StoryStuck, NoSuchForm, CountersignError) as error:
        console.print(f"[red]✗[/] {error}")
        raise typer.Exit(1) from error


def _base(dataset: Dataset, customers: int, data: Path | None) -> Base:
    if dataset == "telecom":
        return Generated(customers)
    if data is None:
        raise typer.BadParameter("--dataset hillstrom needs --data, the folder that holds hillstrom/hillstrom.csv.gz")
    return Imported(hillstrom_file(data))


def _tell(console: Console, case: dict[str, Any], *, truth: float | None) -> None:
    console.rule()
    for tell in (printing.timeline, printing.waterfall, printing.delivery):
        tell(console, case)
        console.print()
    printing.evaluation(console, case, truth)
    console.rule()


def _kept(folder: Path, case: dict[str, Any]) -> Path:
    """The case in a file, for whoever wants to calculate on."""
    file = folder / "case.json"
    file.write_bytes(orjson.dumps(case, option=orjson.OPT_INDENT_2))
    return file


def _serve_on(console: Console, setting: Setting, accounts: Sequence[tuple[str, str, str]]) -> None:
    console.print(f"\nThe demo goes on serving at [b]{setting.address}[/]  (Ctrl-C ends it)")
    console.print(f"Accounts, all with the password [b]{PASSWORD}[/]:")
    for login, role, office in accounts:
        console.print(f"  {login:<12} {role}, {office}")
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        console.print("stopped")
