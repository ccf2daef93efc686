"""``CREATE TABLE`` and what changes it later, in ``.sql`` files and in strings of the code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from migrator.model.graph import Column, ForeignKey, Table

if TYPE_CHECKING:
    from sqlglot import exp

# Comments, quoted text and dollar quotes may hold semicolons; data of COPY has no grammar at all.
_PIECES = re.compile(
    r"--[^\n]*|/\*.*?\*/|'(?:[^'\\]|''|\\.)*'|\"(?:[^\"]|\"\")*\"|`[^`]*`|(\$\w*\$).*?\1|;",
    re.DOTALL,
)
_COPIED = re.compile(r"(?<=\n)copy\b[^;]*\bfrom\s+stdin\b[^;]*;.*?\n\\\.(?=\n|$)", re.I | re.S)
_META = re.compile(r"^\\.*$", re.MULTILINE)
_CHANGES = re.compile(r"\s*(create|alter|drop)\b", re.IGNORECASE)
_TYPES = {
    "INT": "Integer()", "SERIAL": "Integer()", "MEDIUMINT": "Integer()", "UINT": "Integer()",
    "SMALLINT": "SmallInteger()", "TINYINT": "SmallInteger()", "SMALLSERIAL": "SmallInteger()",
    "BIGINT": "BigInteger()", "BIGSERIAL": "BigInteger()", "UBIGINT": "BigInteger()",
    "TEXT": "Text()", "MEDIUMTEXT": "Text()", "LONGTEXT": "Text()", "BOOLEAN": "Boolean()",
    "DATE": "Date()", "TIME": "Time()", "TIMESTAMP": "DateTime()", "DATETIME": "DateTime()",
    "TIMESTAMPTZ": "DateTime(timezone=True)", "FLOAT": "Float()", "DOUBLE": "Float()",
    "JSON": "JSON()", "JSONB": "JSON()", "UUID": "Uuid()", "BLOB": "LargeBinary()",
    "VARBINARY": "LargeBinary()", "BINARY": "LargeBinary()",
}  # fmt: skip
_SIZED = {"VARCHAR": "String", "NVARCHAR": "String", "CHAR": "String", "DECIMAL": "Numeric"}


@dataclass(slots=True)
class Declared:
    """Tables by id and their foreign keys, as the statements read so far leave them.

    `trouble` are (path, line, why) of statements that change tables and are not understood.
    """

    tables: dict[str, Table] = field(default_factory=dict)
    keys: dict[str, list[ForeignKey]] = field(default_factory=dict)
    trouble: list[tuple[str, int, str]] = field(default_factory=list)

    def read(self, path: str, text: str, dialect: str, first: int = 1) -> None:
        """All statements of `text`, which begins at line `first` of `path`."""
        for line, statement in statements(text):
            if not _CHANGES.match(statement) or "table" not in statement.lower():
                continue
            tree = _parsed(statement, dialect)
            if tree is None:
                self.trouble.append((path, first + line - 1, "a change of a table that is no SQL"))
            else:
                self._change(tree, path, first + line - 1)

    def _change(self, tree: exp.Expression, path: str, line: int) -> None:
        from sqlglot import exp

        if isinstance(tree, exp.Create) and tree.kind == "TABLE" and not _is_temporary(tree):
            target = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
            if isinstance(target, exp.Table) and _id(target) not in self.tables:
                self._create(target, tree, path, line)
        elif isinstance(tree, exp.Drop) and tree.args.get("kind") == "TABLE":
            for target in tree.find_all(exp.Table):
                self.tables.pop(_id(target), None)
                self.keys.pop(_id(target), None)
        elif isinstance(tree, exp.Alter) and isinstance(tree.this, exp.Table):
            for action in tree.args.get("actions") or ():
                self._alter(_id(tree.this), action, path, line)

    def _create(self, target: exp.Table, tree: exp.Create, path: str, line: int) -> None:
        from sqlglot import exp

        items = tree.this.expressions if isinstance(tree.this, exp.Schema) else []
        columns = tuple(_column(c) for c in items if isinstance(c, exp.ColumnDef))
        keyed = {e.name for i in items for k in i.find_all(exp.PrimaryKey) for e in k.expressions}
        columns = tuple(
            replace(c, primary_key=True, nullable=False) if c.name in keyed else c for c in columns
        )
        id_ = _id(target)
        self.tables[id_] = Table(target.name, target.db or None, columns, path, line, "sql")
        self.keys[id_] = [k for item in items for k in _keys(id_, item, path, line)]

    def _alter(self, id_: str, action: Any, path: str, line: int) -> None:
        from sqlglot import exp

        table = self.tables.get(id_)
        if table is None:
            return
        if isinstance(action, exp.ColumnDef):
            self.tables[id_] = replace(table, columns=(*table.columns, _column(action)))
            self.keys[id_] += _keys(id_, action, path, line)
        elif isinstance(action, exp.Drop) and action.args.get("kind") == "COLUMN":
            gone = {c.name for c in action.find_all(exp.Column)} | {action.name}
            kept = tuple(c for c in table.columns if c.name not in gone)
            self.tables[id_] = replace(table, columns=kept)
            self.keys[id_] = [k for k in self.keys[id_] if gone.isdisjoint(k.columns)]
        elif isinstance(action, exp.RenameColumn):
            old, new = action.this.name, action.args["to"].name
            self.tables[id_] = replace(
                table,
                columns=tuple(replace(c, name=new) if c.name == old else c for c in table.columns),
            )
        elif isinstance(action, exp.AlterRename) and isinstance(action.this, exp.Table):
            self._rename(id_, table, action.this)
        elif isinstance(action, exp.AddConstraint):
            self.keys[id_] += _keys(id_, action, path, line)

    def _rename(self, id_: str, table: Table, target: exp.Table) -> None:
        renamed = replace(self.tables.pop(id_), name=target.name, schema=target.db or table.schema)
        self.tables[renamed.id] = renamed
        self.keys[renamed.id] = [replace(k, source=renamed.id) for k in self.keys.pop(id_)]
        for other, keys in self.keys.items():
            self.keys[other] = [
                replace(k, target=renamed.id) if k.target == id_ else k for k in keys
            ]


def statements(text: str) -> Iterator[tuple[int, str]]:
    """(line, statement) of a script: what psql alone understands is left out."""
    text = _COPIED.sub(lambda m: "\n" * m[0].count("\n"), f"\n{text}")[1:]
    text = _META.sub("", text)
    start = 0
    for piece in _PIECES.finditer(text):
        if piece[0] == ";":
            yield from _one(text, start, piece.start())
            start = piece.end()
    yield from _one(text, start, len(text))


def _one(text: str, start: int, end: int) -> Iterator[tuple[int, str]]:
    """Without the comments before it, which no line of the statement is."""
    while start < end:
        if text[start].isspace():
            start += 1
            continue
        piece = _PIECES.match(text, start)
        if piece is None or not piece[0].startswith(("--", "/*")):
            break
        start = piece.end()
    if start < end:
        yield text.count("\n", 0, start) + 1, text[start:end]


def _parsed(statement: str, dialect: str) -> exp.Expression | None:
    import logging

    import sqlglot

    logging.getLogger("sqlglot").setLevel(logging.CRITICAL)
    for one in dict.fromkeys((dialect, "postgres", "mysql", "sqlite")):
        try:
            tree = sqlglot.parse_one(statement, read=one)
        except (sqlglot.errors.SqlglotError, RecursionError):
            continue
        if isinstance(tree, sqlglot.exp.Expression) and not isinstance(tree, sqlglot.exp.Command):
            return tree
    return None


def _is_temporary(tree: exp.Create) -> bool:
    from sqlglot import exp

    return tree.find(exp.TemporaryProperty) is not None


def _id(table: exp.Table) -> str:
    return f"{table.db}.{table.name}" if table.db and table.db != "public" else table.name


def _column(item: exp.ColumnDef) -> Column:
    from sqlglot import exp

    kinds = [c.kind for c in item.constraints]
    primary = any(isinstance(k, exp.PrimaryKeyColumnConstraint) for k in kinds)
    required = any(
        isinstance(k, exp.NotNullColumnConstraint) and not k.args.get("allow_null") for k in kinds
    )
    default = next((k.this for k in kinds if isinstance(k, exp.DefaultColumnConstraint)), None)
    return Column(
        item.name,
        _type(item.args.get("kind")),
        nullable=not (primary or required),
        primary_key=primary,
        unique=any(isinstance(k, exp.UniqueColumnConstraint) for k in kinds),
        server_default=default.sql() if default is not None else None,
    )


def _type(kind: object) -> str:
    """As an SQLAlchemy type; "" for one that it has no common type for."""
    from sqlglot import exp

    if not isinstance(kind, exp.DataType):
        return ""
    name = getattr(kind.this, "value", str(kind.this))
    if name in _SIZED:
        return f"{_SIZED[name]}({', '.join(e.name for e in kind.expressions)})"
    return _TYPES.get(name, "")


def _keys(id_: str, item: exp.Expression, path: str, line: int) -> Iterator[ForeignKey]:
    from sqlglot import exp

    for reference in item.find_all(exp.Reference):
        holder = reference.find_ancestor(exp.ForeignKey, exp.ColumnDef)
        if isinstance(holder, exp.ForeignKey):
            columns = tuple(e.name for e in holder.expressions)
            options = [*(reference.args.get("options") or ()), holder.args.get("delete")]
        elif isinstance(holder, exp.ColumnDef):
            columns = (holder.name,)
            options = list(reference.args.get("options") or ())
        else:
            continue
        schema = reference.this
        table = schema.this if isinstance(schema, exp.Schema) else schema
        referred = tuple(e.name for e in schema.expressions) if schema is not table else ()
        rule = next(
            (o.removeprefix("ON DELETE ") for o in map(str, options) if o.startswith("ON DELETE")),
            None,
        )
        yield ForeignKey(id_, _id(table), columns, referred, path, line, rule)
