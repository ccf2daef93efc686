"""Models in a service: keys that leave it become plain columns, relationships follow or go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import libcst as cst

from migrator.model.graph import ForeignKey, Graph, Relationship
from migrator.scaffold.carve.used import dotted

_DROPPED = {"back_populates", "backref", "foreign_keys", "primaryjoin", "remote_side", "viewonly"}
_WRITES = {"cascade", "passive_deletes", "passive_updates", "single_parent", "post_update"}


_Assigned = TypeVar("_Assigned", cst.Assign, cst.AnnAssign)


@dataclass(frozen=True, slots=True)
class Tables:
    """Which tables a service has: `owned`, and `copies` of others' by owner."""

    owned: frozenset[str]
    copies: Mapping[str, str]

    def has(self, table: str | None) -> bool:
        return table in self.owned or table in self.copies


class ModelRewriter(cst.CSTTransformer):
    """Rewrites one mapped class, or Core table, of table `table`."""

    def __init__(self, definition: str, table: str, tables: Tables, graph: Graph) -> None:
        super().__init__()
        self.definition, self.table, self.tables = definition, table, tables
        self.owner_of = dict(tables.copies)
        self.keys = [k for k in graph.foreign_keys if table in (k.source, k.target)]
        self.all_keys = graph.foreign_keys
        self.relations = {r.attribute: r for r in graph.relationships if r.definition == definition}
        self.class_of = {
            t.id: t.definition.rpartition(":")[2] for t in graph.tables if t.definition
        }
        self.notes: list[str] = []
        self.problems: list[str] = []
        self._inside = 0

    # --- keys --------------------------------------------------------------------------------

    def leave_Arg(
        self, original_node: cst.Arg, updated_node: cst.Arg
    ) -> cst.Arg | cst.RemovalSentinel:
        target = self._key_target(updated_node.value)
        if target is None:
            return updated_node
        gone = self._cut_key(target)
        if gone is None:
            return updated_node
        self.notes.append(gone)
        return cst.RemoveFromParent()

    def leave_Element(
        self, original_node: cst.Element, updated_node: cst.Element
    ) -> cst.Element | cst.RemovalSentinel:
        call = updated_node.value
        if not (isinstance(call, cst.Call) and _last(call) == "ForeignKeyConstraint"):
            return updated_node
        texts = [_text(e.value) for a in call.args[1:2] for e in getattr(a.value, "elements", [])]
        gone = [self._cut_key(text) for text in texts if text]
        return cst.RemoveFromParent() if any(gone) else updated_node

    def _key_target(self, node: cst.BaseExpression) -> str | None:
        """``users.id`` of ``ForeignKey("users.id")`` and of ``ForeignKey(User.id)``."""
        if not (isinstance(node, cst.Call) and _last(node) == "ForeignKey" and node.args):
            return None
        written = _text(node.args[0].value)
        owner, _, column = dotted(node.args[0].value).rpartition(".")
        named = [t for t, name in self.class_of.items() if name == owner.rpartition(".")[2]]
        return written or (f"{named[0]}.{column}" if owner and len(named) == 1 else None)

    def _cut_key(self, target: str) -> str | None:
        """The note on a foreign key that cannot stay: ``accounts.users.id``."""
        table = target.rpartition(".")[0]
        if self._stays(table):
            return None
        owner = self.tables.copies.get(table)
        return f"points to {owner + '.' if owner else ''}{target}"

    def _stays(self, target: str) -> bool:
        """Whether a key to the table `target` stays within the service."""
        return {self.table, target} <= self.tables.owned

    def leave_SimpleStatementLine(
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> cst.SimpleStatementLine | cst.RemovalSentinel:
        if not updated_node.body:
            return cst.RemoveFromParent()
        if self.notes:
            lines = [cst.EmptyLine(comment=cst.Comment(f"# {note}")) for note in self.notes]
            self.notes = []
            if not _is_copy_note(updated_node):
                leading = [*updated_node.leading_lines, *lines]
                return updated_node.with_changes(leading_lines=leading)
        return updated_node

    # --- relationships -----------------------------------------------------------------------

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        self._inside += 1

    def leave_FunctionDef(
        self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef
    ) -> cst.FunctionDef | cst.RemovalSentinel:
        self._inside -= 1
        return updated_node

    def leave_AnnAssign(
        self, original_node: cst.AnnAssign, updated_node: cst.AnnAssign
    ) -> cst.AnnAssign | cst.RemovalSentinel:
        return self._attribute(updated_node, dotted(updated_node.target), updated_node.value)

    def leave_Assign(
        self, original_node: cst.Assign, updated_node: cst.Assign
    ) -> cst.Assign | cst.RemovalSentinel:
        name = dotted(updated_node.targets[0].target)
        if name == "__table_args__" and isinstance(updated_node.value, cst.Tuple):
            return updated_node if updated_node.value.elements else cst.RemoveFromParent()
        return self._attribute(updated_node, name, updated_node.value)

    def _attribute(
        self, node: _Assigned, name: str, value: cst.BaseExpression | None
    ) -> _Assigned | cst.RemovalSentinel:
        relation = self.relations.get(name)
        # A local of a method may have the name of a relationship.
        if self._inside or relation is None or not isinstance(value, cst.Call):
            return node
        if not self.tables.has(relation.target):
            return cst.RemoveFromParent()
        if relation.secondary and not self.tables.has(relation.secondary):
            return cst.RemoveFromParent()
        joined = self._joined(relation, value)
        return (
            joined if isinstance(joined, cst.RemovalSentinel) else node.with_changes(value=joined)
        )

    def _joined(self, relation: Relationship, call: cst.Call) -> cst.Call | cst.RemovalSentinel:
        both_owned = {relation.source, relation.target} <= self.tables.owned
        if both_owned and (not relation.secondary or relation.secondary in self.tables.owned):
            return call
        return self.joined_by_hand(relation, call)

    def joined_by_hand(
        self, relation: Relationship, call: cst.Call
    ) -> cst.Call | cst.RemovalSentinel:
        """The relationship without the foreign key that it followed."""
        joins = self._through(relation) if relation.secondary else self._direct(relation, call)
        if joins is None:
            self.problems.append(
                f"{relation.path}:{relation.line}: relationship {relation.attribute}: which of "
                "several keys it follows is not known; it was left out"
            )
            return cst.RemoveFromParent()
        many_to_one = any(
            k.source == relation.source and k.target == relation.target for k in self.all_keys
        )
        writable = relation.source in self.tables.owned and many_to_one and not relation.secondary
        dropped = _DROPPED | (set() if writable else _WRITES)
        args = [a for a in call.args if a.keyword is None or a.keyword.value not in dropped]
        args = [_with_comma(a) for a in args]
        given = {"cascade": '"save-update"'} if writable else {"viewonly": "True"}
        args = [a for a in args if a.keyword is None or a.keyword.value != "cascade"]
        args += [_keyword(name, text) for name, text in {**joins, **given}.items()]
        return call.with_changes(args=args)

    def _direct(self, relation: Relationship, call: cst.Call) -> dict[str, str] | None:
        keys = [
            k
            for k in self.all_keys
            if {k.source, k.target} == {relation.source, relation.target} and len(k.columns) == 1
        ]
        named = _named_columns(call)
        keys = [k for k in keys if k.columns[0] in named] or keys if named else keys
        if len(keys) != 1 or keys[0].source == keys[0].target:
            return None
        return {"primaryjoin": self.condition(keys[0])}

    def _through(self, relation: Relationship) -> dict[str, str] | None:
        keys = {k.target: k for k in self.all_keys if k.source == relation.secondary}
        if relation.source not in keys or relation.target not in keys:
            return None
        first, second = keys[relation.source], keys[relation.target]
        table = relation.secondary

        def join(key: ForeignKey) -> str:
            left = f"{self.class_of[key.target]}.{key.referred_columns[0]}"
            return f'"{left} == foreign({table}.c.{key.columns[0]})"'

        return {"primaryjoin": join(first), "secondaryjoin": join(second)}

    def condition(self, key: ForeignKey) -> str:
        """The expression of a text that joins as `key` did."""
        source, target = self.class_of[key.source], self.class_of[key.target]
        return f'"foreign({source}.{key.columns[0]}) == {target}.{key.referred_columns[0]}"'


def copy_note(node: cst.ClassDef | cst.SimpleStatementLine, text: str) -> cst.CSTNode:
    """The node with a comment line directly above it."""
    line = cst.EmptyLine(comment=cst.Comment(f"# {text}"))
    return node.with_changes(leading_lines=[*node.leading_lines, line])


def _is_copy_note(node: cst.SimpleStatementLine) -> bool:
    return any(
        line.comment and "filled by the inbox" in line.comment.value for line in node.leading_lines
    )


def _last(call: cst.Call) -> str:
    return dotted(call.func).rpartition(".")[2]


def _text(node: cst.CSTNode) -> str | None:
    if isinstance(node, cst.SimpleString):
        value = node.evaluated_value
        return value if isinstance(value, str) else None
    return None


def _named_columns(call: cst.Call) -> set[str]:
    """Columns that ``foreign_keys=`` or ``primaryjoin=`` names."""
    found: set[str] = set()
    for arg in call.args:
        if arg.keyword is not None and arg.keyword.value in ("foreign_keys", "primaryjoin"):
            code = cst.Module([]).code_for_node(arg.value)
            found |= set(code.replace(".", " ").replace('"', " ").split())
            found |= {part.strip("[]()'\",") for part in list(found)}
    return found


def _keyword(name: str, text: str) -> cst.Arg:
    return cst.Arg(
        cst.parse_expression(text),
        keyword=cst.Name(name),
        equal=cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace("")),
    )


def _with_comma(arg: cst.Arg) -> cst.Arg:
    comma = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    return arg if isinstance(arg.comma, cst.Comma) else arg.with_changes(comma=comma)
