"""Whether the tables and columns that a statement names are there, and how its tables are joined.

Every column is tied to the table it is of, with the name that the dataset has for it: standing inside the selection,
the statement could else mean a column of the selection itself. Refuses tables side by side that no equation of two
columns ties together (their rows would be multiplied), names of tables given to parts of the statement, and a result
that is anything but one column of customers.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from engine.audience.sql_reading import Reading
from engine.expr.types import nearest

CUSTOMER = "customer"
ANY_LIST = "list_*"
Tables = Mapping[str, Mapping[str, str] | None]
"""Table -> column -> type; None where the columns are not known beforehand. ANY_LIST stands for all imported lists,
where nobody can say yet which there will be."""


@dataclass(frozen=True, slots=True)
class Columns:
    """What a table or a part of the statement gives: its columns by name in small letters, each with the dataset's
    spelling and whether it holds customers. `is_open`: others may be there as well. `sealed` are those of addresses."""

    names: Mapping[str, tuple[str, bool]]
    is_open: bool = False
    sealed: frozenset[str] = frozenset()

    def find(self, name: str) -> tuple[str, bool] | None:
        """The column's spelling, and whether it holds customers."""
        found = self.names.get(name.lower())
        if found is None and self.is_open:
            return name.lower(), name.lower() == CUSTOMER
        return found


Sources = Mapping[str, Columns]


@dataclass(slots=True)
class Resolver:
    """Resolves the names of one statement; `used` are the tables of the dataset that it reads."""

    reading: Reading
    tables: Tables
    used: set[str] = field(default_factory=set)
    parts: int = 0

    def resolve(self, tree: exp.Query) -> None:
        """Resolve the whole statement, whose result must be one column of customers."""
        given = self.query(tree, {}, ())
        if len(given) != 1:
            hint = "write SELECT customer FROM ..."
            self.reading.refuse("E327", tree.selects[1] if len(given) > 1 else tree, "one column is expected", hint)
        elif not given[0][1]:
            hint = "write SELECT customer FROM ..."
            self.reading.refuse("E327", tree.selects[0], "the column must be the customer of a table", hint)

    def query(self, query: exp.Expr, known: Sources, outer: tuple[Sources, ...]) -> list[tuple[str, bool]]:
        """The columns that a query gives, by name and whether each holds customers. `known` are the parts that WITH
        names, `outer` the tables of the queries around."""
        known = self._with(query, known)
        match query:
            case exp.Subquery():
                return self.query(query.this, known, outer)
            case exp.Select():
                return _Select(self, query, known, outer).given()
            case exp.SetOperation():
                first, second = (self.query(side, known, outer) for side in (query.left, query.right))
                if len(first) != len(second):
                    self.reading.refuse("E327", query.right, "both sides must give as many columns")
                if (order := query.args.get("order")) is not None:
                    self.reading.refuse("E322", order, "ORDER BY may not be used here")
                return [(name, one and other) for (name, one), (_, other) in zip(first, second, strict=False)]
            case _:
                self.reading.refuse("E322", query, "only a SELECT may stand here")
                return []

    def _with(self, query: exp.Expr, known: Sources) -> Sources:
        part = query.args.get("with_")
        found = dict(known)
        for cte in part.expressions if part else ():
            name = cte.alias.lower()
            if name in self.tables or name.startswith("list_"):
                message = f"{cte.alias} is a table; a part of the statement needs a name of its own"
                self.reading.refuse("E323", cte.args["alias"], message, "give it another name")
            elif name in found:
                self.reading.refuse("E323", cte.args["alias"], f"{cte.alias} stands twice", "give it another name")
            given = self.query(cte.this, found, ())
            found[name] = Columns({column.lower(): (column.lower(), held) for column, held in given})
            _rename(cte.args["alias"].this, name)
        return found

    def source(self, node: exp.Expr, known: Sources) -> tuple[str, Columns]:
        """A table or query in FROM: what it is called there and what it gives."""
        alias = node.args.get("alias")
        if alias is not None and isinstance(alias.this, exp.Identifier):
            _rename(alias.this, alias.this.name.lower())
        if isinstance(node, exp.Subquery):
            given = self.query(node.this, known, ())
            if not node.alias:
                node.set("alias", exp.TableAlias(this=exp.to_identifier(f"part {self.parts}", quoted=True)))
                self.parts += 1
            return node.alias.lower(), Columns({name.lower(): (name.lower(), held) for name, held in given})
        name = node.name.lower()
        _rename(node.this, name)
        called = (node.alias or name).lower()
        if name in known:
            return called, known[name]
        if name not in self.tables and not (name.startswith("list_") and ANY_LIST in self.tables):
            names = tuple(table for table in self.tables if table != ANY_LIST)
            self.reading.refuse("E323", node, f"there is no table {node.name[:60]}", nearest(name, names))
            return called, Columns({}, is_open=True)
        self.used.add(name)
        columns = self.tables.get(name)
        found = {column.lower(): (column, column == CUSTOMER) for column in columns or ()}
        sealed = frozenset(column for column, type_ in (columns or {}).items() if type_ == "address")
        return called, Columns(found, is_open=columns is None, sealed=sealed)


class _Select:
    """One SELECT while its names are resolved."""

    def __init__(self, resolver: Resolver, select: exp.Select, known: Sources, outer: tuple[Sources, ...]) -> None:
        self.resolver = resolver
        self.reading = resolver.reading
        self.select = select
        self.known = known
        self.outer = outer
        self.sources: dict[str, Columns] = {}
        self.merged: set[str] = set()
        """Columns that USING makes one of: the first table's is meant."""
        self.reaches_out: exp.Expr | None = None
        """A column of a query around this one, where there is any."""

    def given(self) -> list[tuple[str, bool]]:
        """Resolve it; what it gives."""
        from_ = self.select.args.get("from_")
        if from_ is None:
            self.reading.refuse("E322", self.select, "FROM is missing", "write SELECT customer FROM customers")
            return []
        joins = self.select.args.get("joins") or []
        for node in (from_.this, *(join.this for join in joins)):
            name, columns = self.resolver.source(node, self.known)
            if name in self.sources:
                self.reading.refuse("E323", node, f"{name} stands twice", "give one another name")
            self.sources[name] = columns
        self.merged = {
            column.name.lower()
            for join in joins
            if join.args.get("side") not in ("RIGHT", "FULL")
            for column in join.args.get("using") or ()
        }
        for expression in self._own(self.select):
            self._resolve(expression)
        self._joined(from_, joins)
        if self.reaches_out is not None and not any(self._ties_outwards(one) for one in self._conditions()):
            hint = "write WHERE a.customer = b.customer"
            message = "a query inside must equate a column of its own with one of the query around it"
            self.reading.refuse("E326", self.reaches_out, message, hint)
        return [self._gives(n, projection) for n, projection in enumerate(self.select.expressions)]

    def _own(self, node: exp.Expr) -> Iterator[exp.Expr]:
        """The columns and the queries of its own expressions; what stands inside those queries is theirs."""
        open_ = [
            value
            for name, value in self.select.args.items()
            if name not in ("from_", "with_") and value not in (None, False, True)
        ]
        while open_:
            one = open_.pop(0)
            if isinstance(one, list):
                open_[:0] = one
            elif isinstance(one, exp.Join):
                open_[:0] = [part for name, part in one.args.items() if name == "on" and part]
            elif isinstance(one, exp.Column | exp.Query):
                yield one
            elif isinstance(one, exp.Expr):
                open_[:0] = list(one.iter_expressions())

    def _resolve(self, node: exp.Expr) -> None:
        if isinstance(node, exp.Query):
            given = self.resolver.query(node, self.known, (self.sources, *self.outer))
            if len(given) > 1 and not isinstance(node.parent, exp.Exists):
                self.reading.refuse("E327", node, "a query in a condition gives one column")
            return
        assert isinstance(node, exp.Column)
        for depth, sources in enumerate((self.sources, *self.outer)):
            owners = _owners(node, sources)
            if len(owners) > 1 and not (depth == 0 and node.name.lower() in self.merged):
                hint = f"write {owners[0][0]}.{node.name}"
                self.reading.refuse("E324", node, f"the column {node.name} is in several tables", hint)
            if owners:
                name, spelt = owners[0]
                _rename(node.this, spelt)
                node.set("table", exp.to_identifier(name, quoted=True))
                node.meta["depth"] = depth
                if spelt in sources[name].sealed and not _asks_whether_there(node):
                    hint = "ask whether there is one, as in phone IS NOT NULL; or import a list of customers"
                    told = f"{node.name} is sealed: it cannot be compared with a text, ordered, cut or given back"
                    self.reading.refuse("E351", node, told, hint)
                if depth:
                    self.reaches_out = self.reaches_out or node
                return
        if not self._is_name_of_result(node):
            self._unknown(node)

    def _unknown(self, node: exp.Column) -> None:
        everywhere = (self.sources, *self.outer)
        if node.table and not any(node.table.lower() in sources for sources in everywhere):
            known = tuple(name for sources in everywhere for name in sources)
            at, message, hint = node.args["table"], f"no table here is called {node.table}", nearest(node.table, known)
            self.reading.refuse("E324", at, message, hint)
            return
        near = [
            spelt
            for sources in everywhere
            for name, columns in sources.items()
            if not node.table or name == node.table.lower()
            for spelt, _ in columns.names.values()
        ]
        of = f"the table {node.table} has" if node.table else "there is"
        self.reading.refuse("E324", node.this, f"{of} no column {node.name}", nearest(node.name, tuple(near)))

    def _is_name_of_result(self, node: exp.Column) -> bool:
        """GROUP BY, HAVING and ORDER BY may say what the result calls a column."""
        names = {one.alias.lower() for one in self.select.expressions if isinstance(one, exp.Alias)}
        within = node.find_ancestor(exp.Group, exp.Having, exp.Order, exp.Select)
        if node.table or node.name.lower() not in names or isinstance(within, exp.Select):
            return False
        _rename(node.this, node.name.lower())
        return True

    # Joins --------------------------------------------------------------------------------------------------------

    def _joined(self, from_: exp.From, joins: list[exp.Join]) -> None:
        """Every table must be tied to the first one by equations of columns; what ON says must tie its own."""
        first, *others = self.sources
        if len(others) != len(joins):
            return  # a name stands twice
        tied, pairs = {first}, list(self._pairs(self._conditions()))
        for name, join in zip(others, joins, strict=True):
            on, using = join.args.get("on"), join.args.get("using")
            if using:
                self._using(join, name)
                pairs.append((name, first))
            elif on is not None:
                own = [pair for pair in self._pairs(_conjuncts(on)) if name in pair]
                if not own:
                    hint = "write ON a.customer = b.customer"
                    message = "a join must equate a column of one table with one of the other"
                    self.reading.refuse("E326", join, message, hint)
                    pairs.append((name, first))
                pairs += own
        grown = True
        while grown:
            more = {name for pair in pairs if tied & set(pair) for name in pair} - tied
            tied |= more
            grown = bool(more)
        for name, join in zip(others, joins, strict=True):
            if name not in tied:
                hint = "write JOIN ... ON a.customer = b.customer"
                message = f"nothing ties {name} to the other tables: their rows would be multiplied"
                self.reading.refuse("E326", join, message, hint)

    def _using(self, join: exp.Join, name: str) -> None:
        for column in join.args["using"]:
            there = [one for one in self.sources if self.sources[one].find(column.name) is not None]
            if name not in there or len(there) < 2:
                self.reading.refuse("E324", column, f"the column {column.name} is not in both tables")
            else:
                found = self.sources[name].find(column.name)
                assert found is not None
                _rename(column if isinstance(column, exp.Identifier) else column.this, found[0])

    def _conditions(self) -> Iterator[exp.Expr]:
        where = self.select.args.get("where")
        yield from _conjuncts(where.this) if where is not None else ()

    def _pairs(self, conditions: Iterator[exp.Expr]) -> Iterator[tuple[str, str]]:
        """The pairs of tables that these conditions tie together."""
        for condition in conditions:
            sides = _equated(condition)
            if sides is not None and all(side.meta.get("depth") == 0 for side in sides):
                one, other = (side.table for side in sides)
                if one != other:
                    yield one, other

    def _ties_outwards(self, condition: exp.Expr) -> bool:
        sides = _equated(condition)
        return sides is not None and sorted(side.meta.get("depth", 0) > 0 for side in sides) == [False, True]

    def _gives(self, position: int, projection: exp.Expr) -> tuple[str, bool]:
        inner = projection.unalias()
        held = False
        if isinstance(inner, exp.Column) and "depth" in inner.meta and inner.meta["depth"] == 0:
            found = self.sources[inner.table].find(inner.name)
            held = found is not None and found[1]
        if isinstance(projection, exp.Alias):
            _rename(projection.args["alias"], projection.alias.lower())
        name = projection.alias_or_name or f"column{position}"
        return name.lower(), held


def _owners(node: exp.Column, sources: Sources) -> list[tuple[str, str]]:
    """(table, the column's spelling) of the tables that a column may be of."""
    if node.table:
        name = node.table.lower()
        found = sources[name].find(node.name) if name in sources else None
        return [(name, found[0])] if found else []
    known = [
        (name, columns.names[node.name.lower()][0])
        for name, columns in sources.items()
        if node.name.lower() in columns.names
    ]
    return known or [(name, node.name.lower()) for name, columns in sources.items() if columns.is_open]


def _conjuncts(condition: exp.Expr) -> Iterator[exp.Expr]:
    open_ = [condition]
    while open_:
        one = open_.pop()
        if isinstance(one, exp.Paren):
            open_.append(one.this)
        elif isinstance(one, exp.And):
            open_ += [one.right, one.left]
        else:
            yield one


def _equated(condition: exp.Expr) -> tuple[exp.Column, exp.Column] | None:
    """Both columns of an equation of two columns."""
    if not isinstance(condition, exp.EQ):
        return None
    left, right = (side.this if isinstance(side, exp.Cast) else side for side in (condition.left, condition.right))
    return (left, right) if isinstance(left, exp.Column) and isinstance(right, exp.Column) else None


def _asks_whether_there(node: exp.Column) -> bool:
    """Whether it is only asked if the column has a value."""
    return isinstance(node.parent, exp.Is) and isinstance(node.parent.expression, exp.Null)


def _rename(identifier: exp.Expr, name: str) -> None:
    """Quoted, so that no database takes it for a word of its own or changes its letters."""
    identifier.set("this", name)
    identifier.set("quoted", True)
