"""What the demo prints at the end: timeline, waterfall, delivery sums, evaluation beside the truth."""

from typing import Any

from rich.console import Console
from rich.table import Table


def timeline(console: Console, case: dict[str, Any]) -> None:
    """The history, oldest first."""
    table = Table(title=f"{case['row']['number']}  {case['row']['title']}", title_justify="left", box=None)
    for heading in ("at", "who", "what", "step", "remark"):
        table.add_column(heading, style="dim" if heading == "at" else None, overflow="fold")
    for entry in reversed(case["history"]):
        step = entry["step"]
        table.add_row(
            entry["at"][:16].replace("T", " "),
            entry["actor"],
            entry["what"],
            step["zh"] or step["en"],
            entry["remark"],
        )
    console.print(table)


def waterfall(console: Console, case: dict[str, Any]) -> None:
    """In, removed, out and what each rule alone would remove."""
    audience = case["audience"]
    table = Table(title="Target customers 目标客户", title_justify="left", box=None)
    table.add_column("")
    for heading in ("in", "removed", "out", "alone"):
        table.add_column(heading, justify="right", overflow="fold")
    for row in audience["waterfall"]:
        label = row["label"]
        name = f"{label['zh']} {label['en']}".strip() or row["name"]
        table.add_row(name, *(f"{row[key]:,}" for key in ("entered", "removed", "out", "alone")))
    console.print(table)
    console.print(f"target {audience['target']:,}, control {audience['control']:,}, digest {audience['digest'][:16]}…")


def delivery(console: Console, case: dict[str, Any]) -> None:
    """The sum line of every wave: audience = waiting + sent + delivered + failed + unknown + suppressed + cancelled."""
    parts = ("waiting", "sent", "delivered", "failed", "unknown", "suppressed", "cancelled")
    table = Table(title="Delivery 派送", title_justify="left", box=None)
    table.add_column("wave")
    for heading in ("audience", *parts, "cost"):
        table.add_column(heading, justify="right", overflow="fold")
    for wave in case["waves"]:
        table.add_row(
            f"{wave['name']} ({wave['channel']})",
            f"{wave['audience']:,}",
            *(f"{wave[part]:,}" for part in parts),
            f"¥{wave['cost']}",
        )
    console.print(table)


def evaluation(console: Console, case: dict[str, Any], truth: float | None = None) -> None:
    """Uplift with its interval, beside the truth where the demo planted one."""
    last = case["evaluations"][-1]
    table = Table(title=f"Evaluation 评估 ({last['label']})", title_justify="left", box=None)
    for heading in ("arm", "metric", "n", "value", "control", "uplift", "95% interval", "p", "method"):
        left = heading in ("arm", "metric", "method")
        table.add_column(heading, justify="left" if left else "right", overflow="fold")
    for row in last["uplift"]:
        table.add_row(
            row["arm"],
            row["metric"],
            f"{row['n']:,} : {row['n_control']:,}",
            f"{row['value']:.6f}",
            f"{row['control_value']:.6f}",
            f"{row['lift']:+.6f}",
            f"{row['low']:.6f} to {row['high']:.6f}",
            f"{row['p']:.2g}",
            row["method"],
        )
    console.print(table)
    if truth is not None:
        rows = [row for row in last["uplift"] if row["metric"] == "conversion"]
        held = all(row["low"] <= truth <= row["high"] for row in rows)
        console.print(
            f"planted uplift of the conversion: {truth:+.4f}; the interval {'holds' if held else 'misses'} it"
        )
    if last["srm_p"] is not None:
        console.print(f"sample ratio: chi2 {last['srm_chi2']:.5f}, p {last['srm_p']:.4f}")
    money = ", ".join(f"{name} ¥{last[name]}" for name in ("revenue", "cost", "profit") if last[name] is not None)
    console.print(f"{money}; verdict: {last['verdict']}")
