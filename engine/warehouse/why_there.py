"""Why one customer is in a selection or out of it, asked where the customers are: on a server or a cluster.

The rules are those of the selection; the lists that it used lie beside it; the place's own tables are asked as they are
now, because it keeps no earlier ones. Refuses to send rows of other customers than the one asked about and their
household, unless a statement of a user counts over all of them.
"""

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from engine.audience.compile import KNOWN_TABLES
from engine.audience.later import with_later
from engine.audience.question import Proof
from engine.warehouse.dataset import Dataset, Version
from engine.warehouse.elsewhere import CUSTOMERS, Run, columns_of
from engine.warehouse.freeze import LIST
from engine.warehouse.job import Asked
from engine.warehouse.places import CustomerBase
from engine.warehouse.run import Limits
from engine.warehouse.why import Rules, Why, meant
from engine.warehouse.why_child import MOST_AT_HOME, MOST_SHOWN, PHONE, said

ASKED = "asked"


def why_there(base: CustomerBase, folder: Path, rules: Rules, customer: str, *, limits: Limits) -> Why:
    """As `engine.warehouse.why.why`; the rules are those of a selection at the place of `base`."""
    assert base.place is not None
    with (
        base.place.running(limits) as run,
        tempfile.TemporaryDirectory(prefix=".asked-", dir=folder) as scratch,
    ):
        asking = _Asking(run, base.dataset, base.version, folder, rules, Path(scratch))
        return meant(rules, asking.answered(customer), customer)


@dataclass(frozen=True, slots=True)
class _Asking:
    run: Run
    dataset: Dataset
    version: Version
    folder: Path
    rules: Rules
    scratch: Path

    def answered(self, wanted: str) -> Asked:
        """Find the customer, then ask the rules of them."""
        self.run.read(CUSTOMERS)
        customer = self._found(wanted)
        if not customer:
            return Asked()
        asking = self.rules.asking
        ids = [customer, *self._at_home(customer)]
        path = self.scratch / f"{ASKED}.parquet"
        pq.write_table(pa.table({"customer": pa.array(ids, pa.string())}), path)
        self.run.send(ASKED, {"customer": "text"}, [path])
        columns = self._tables(ids)
        rows = {row[0]: row[1:] for row in self.run.execute(asking.sql).fetchall()}
        is_within, *rest = rows[customer]
        parts, (bits, cell, draw) = rest[:-3], rest[-3:]
        kept = next((one for one, row in rows.items() if one != customer and row[0] and row[-3] == 0), "")
        arm, listed_cell = self._listed(customer)
        return Asked(
            customer=customer,
            is_within=bool(is_within),
            parts=tuple(map(bool, parts)),
            bits=int(bits),
            cell=cell or "",
            draw=draw or "",
            shown={
                proof.rung: self._shown(proof, columns.get(proof.table, ()), customer, cell or "")
                for proof in asking.proofs
            },
            kept=kept,
            arm=arm,
            listed_cell=listed_cell,
        )

    def _found(self, wanted: str) -> str:
        """The customer's id; empty where there is none, or the phone is that of several."""
        if self.run.execute("SELECT customer FROM customers WHERE customer = ? LIMIT 1", [wanted]).fetchone():
            return wanted
        if PHONE not in self.version.columns[CUSTOMERS]:
            return ""
        forms = self.dataset.vault.forms(wanted)
        marks = ", ".join("?" * len(forms))
        text = f"SELECT customer FROM customers WHERE CAST({PHONE} AS VARCHAR) IN ({marks}) LIMIT 2"
        several = self.run.execute(text, list(forms)).fetchall()
        return str(several[0][0]) if len(several) == 1 else ""

    def _at_home(self, customer: str) -> list[str]:
        home = self.rules.asking.home
        if not home:
            return []
        rows = self.run.execute(
            f"SELECT c.customer FROM customers AS c WHERE c.customer <> {_text(customer)} AND ({home}) ="
            f" (SELECT {home} FROM customers AS c WHERE c.customer = {_text(customer)} LIMIT 1)"
            f" ORDER BY c.customer LIMIT {MOST_AT_HOME}"
        ).fetchall()
        return [str(row[0]) for row in rows]

    def _tables(self, ids: Sequence[str]) -> Mapping[str, Iterable[str]]:
        """Make the tables that the rules read; table -> its columns."""
        narrow = self.rules.asking.narrow
        files: dict[str, list[Path]] = {}
        there = set()
        for one in self.rules.inputs:
            beside = self.folder / one.path
            if one.sha256:
                files.setdefault(one.table, []).append(beside if beside.exists() else self.dataset.at(one.path))
            elif one.table != CUSTOMERS:
                there.add(one.table)
        columns: dict[str, Mapping[str, str]] = {CUSTOMERS: self.version.columns[CUSTOMERS]}
        for name, found in files.items():
            columns[name] = with_later(name, columns_of(found[0]))
            sent = f"{name}_here" if name in there else name
            cut = narrow and "customer" in columns[name]
            paths = [self._cut(n, sent, path, ids) for n, path in enumerate(found)] if cut else found
            self.run.send(sent, columns[name], paths)
        for name in there:
            theirs = self.version.columns.get(name, {})
            of_asked = narrow and "customer" in theirs
            if name in files:
                sent = f"{name}_here"
                self.run.read_both(name, sent, {name: theirs, sent: columns[name]}, of_asked=of_asked)
            else:
                self.run.read(name, theirs, of_asked=of_asked)
            columns[name] = with_later(name, theirs)
        proved = {proof.table for proof in self.rules.asking.proofs}
        for name in (proved | KNOWN_TABLES.keys()) - columns.keys():
            if name in KNOWN_TABLES:
                columns[name] = KNOWN_TABLES[name]
                self.run.send(name, KNOWN_TABLES[name], [])
        return columns

    def _cut(self, number: int, name: str, path: Path, ids: Sequence[str]) -> Path:
        """The rows of the file about these customers, as a file."""
        cut = self.scratch / f"{name}-{number}.parquet"
        pq.write_table(pq.read_table(path, filters=[("customer", "in", list(ids))]), cut)
        return cut

    def _shown(self, proof: Proof, columns: Iterable[str], customer: str, cell: str) -> list[dict[str, str]]:
        there = [name for name in proof.columns if name in set(columns)]
        if not there:
            return []
        named = ", ".join(f'"{name}"' for name in there)
        order = ", ".join(f"{n + 1} DESC" for n in range(len(there)))
        rows = self.run.execute(
            f'SELECT DISTINCT {named} FROM "{proof.table}" WHERE customer = {_text(customer)}'
            f" AND ({proof.of_cell(cell)}) ORDER BY {order} LIMIT {MOST_SHOWN}"
        ).fetchall()
        return [
            {name: said(value) for name, value in zip(there, row, strict=True) if value not in (None, "")}
            for row in rows
        ]

    def _listed(self, customer: str) -> tuple[str, str]:
        found: list[dict[str, Any]] = pq.read_table(
            self.folder / LIST, columns=["arm", "cell"], filters=[("customer", "=", customer)]
        ).to_pylist()
        return (found[0]["arm"], found[0]["cell"]) if found else ("", "")


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
