"""Which definition reads and writes which table, from what its variables are known to be."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from migrator.analyze.definitions import Code, definition_of, resolve
from migrator.analyze.frameworks.sql import UnparsableSQL, looks_like_sql, tables_of
from migrator.analyze.names import Names, dotted_name
from migrator.analyze.schema import Model, Schema
from migrator.model.graph import Access, AccessHow, AccessMode, Confidence, Unresolved

_STATEMENTS: Mapping[str, AccessMode] = {
    "select": "read", "insert": "insert", "update": "update", "delete": "delete",
}  # fmt: skip
_ROW = {"one", "one_or_none", "first", "scalar", "scalar_one", "scalar_one_or_none", "get"}
_SAME = {
    "filter", "filter_by", "where", "order_by", "limit", "offset", "options", "join", "outerjoin",
    "with_for_update", "distinct", "group_by", "having", "unique", "scalars", "execution_options",
    "select_from", "execute", "query", "returning", "values", "all", "fetchall", "params",
}  # fmt: skip
_COLLECTIONS = {"append", "add", "extend", "remove"}


@dataclass(frozen=True, slots=True)
class Instance:
    """A value known to be an instance of a model, or with `many` a query or list of them."""

    model: str
    many: bool = False


class AccessReader:
    """Finds the accesses of one definition."""

    def __init__(self, code: Code, names: Names, known: Mapping[str, Code], schema: Schema) -> None:
        self.code, self.names, self.known, self.schema = code, names, known, schema
        self.found: set[Access] = set()
        self.unresolved: list[Unresolved] = []
        self._added: set[int] = set()

    def read(self) -> tuple[set[Access], list[Unresolved]]:
        for statement in self.code.nodes:
            if isinstance(statement, ast.ClassDef) and self.code.id in self.schema.models:
                scopes = [n for n in statement.body if isinstance(n, ast.FunctionDef)]
            else:
                scopes = [statement]  # type: ignore[list-item]
            for scope in scopes:
                self._scope(scope)
        return self.found, self.unresolved

    def _scope(self, scope: ast.AST) -> None:
        variables = self._parameters(scope)
        nodes = sorted(
            (n for n in ast.walk(scope) if hasattr(n, "lineno")),
            key=lambda n: (n.lineno, n.col_offset),  # type: ignore[attr-defined]
        )
        for node in nodes:
            self._bind(node, variables)
        for node in nodes:
            self._node(node, variables)

    # --- what variables are ------------------------------------------------------------------

    def _parameters(self, scope: ast.AST) -> dict[str, Instance]:
        found: dict[str, Instance] = {}
        for node in ast.walk(scope):
            if isinstance(node, ast.arg) and node.annotation is not None:
                instance = self._annotated(node.annotation)
                if instance:
                    found[node.arg] = instance
        if self.code.id in self.schema.models:
            found["self"] = Instance(self.code.id)
        return found

    def _annotated(self, node: ast.expr, code: Code | None = None) -> Instance | None:
        code = code or self.code
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            try:
                node = ast.parse(node.value, mode="eval").body
            except SyntaxError:
                return None
        if isinstance(node, ast.BinOp):
            return self._annotated(node.left, code) or self._annotated(node.right, code)
        if isinstance(node, ast.Subscript):
            outer = (dotted_name(node.value) or "").rpartition(".")[2]
            inner = node.slice
            if outer == "Optional":
                return self._annotated(inner, code)
            if outer in ("list", "List", "Sequence", "Iterable", "Iterator", "set", "Select"):
                element = self._annotated(inner, code)
                return Instance(element.model, many=True) if element else None
            return None
        dotted = dotted_name(node)
        target = resolve(code, dotted, self.names) if dotted else None
        return Instance(target) if target and target in self.schema.models else None

    def _bind(self, node: ast.AST, variables: dict[str, Instance]) -> None:
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            self._assign(node.targets[0], self._value(node.value, variables), variables)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            known = self._annotated(node.annotation)
            value = known or (self._value(node.value, variables) if node.value else None)
            self._assign(node.target, value, variables)
        elif isinstance(node, ast.For | ast.comprehension):
            value = self._value(node.iter, variables)
            self._assign(node.target, Instance(value.model) if value else None, variables)
        elif isinstance(node, ast.NamedExpr):
            self._assign(node.target, self._value(node.value, variables), variables)

    def _assign(
        self, target: ast.AST, value: Instance | None, variables: dict[str, Instance]
    ) -> None:
        if isinstance(target, ast.Name) and value:
            variables[target.id] = value

    def _value(self, node: ast.AST, variables: Mapping[str, Instance]) -> Instance | None:
        """What an expression is known to be."""
        if isinstance(node, ast.Name):
            return variables.get(node.id)
        if isinstance(node, ast.Await):
            return self._value(node.value, variables)
        if isinstance(node, ast.IfExp):
            return self._value(node.body, variables) or self._value(node.orelse, variables)
        if isinstance(node, ast.BoolOp):
            return next((v for n in node.values if (v := self._value(n, variables))), None)
        if isinstance(node, ast.Subscript):
            value = self._value(node.value, variables)
            return Instance(value.model) if value and value.many else None
        if isinstance(node, ast.Attribute):
            return self._attribute(node, variables)
        return self._called(node, variables) if isinstance(node, ast.Call) else None

    def _attribute(self, node: ast.Attribute, variables: Mapping[str, Instance]) -> Instance | None:
        model = self._model(node.value)
        if model and node.attr == "query":
            return Instance(model.id, many=True)
        owner = self._value(node.value, variables)
        if owner is None or owner.many:
            return None
        relation = self._relation(owner.model, node.attr)
        return Instance(relation[0], relation[1]) if relation else None

    def _relation(self, model_id: str, attribute: str) -> tuple[str, bool] | None:
        for relation in self.schema.relationships:
            if relation.definition == model_id and relation.attribute == attribute:
                target = self._model_of_table(relation.target)
                keys = {(k.source, k.target) for k in self.schema.foreign_keys}
                many = (relation.source, relation.target) not in keys
                return (target, many) if target else None
        return None

    def _model_of_table(self, table: str) -> str | None:
        return next((m.id for m in self.schema.models.values() if m.table_id == table), None)

    def _called(self, node: ast.Call, variables: Mapping[str, Instance]) -> Instance | None:
        model = self._model(node.func)
        if model:
            return Instance(model.id)
        first = self._model(node.args[0]) if node.args else None
        name = node.func.attr if isinstance(node.func, ast.Attribute) else None
        if name is not None and isinstance(node.func, ast.Attribute):
            if name in ("query", "select", "delete", "update") and first:
                return Instance(first.id, many=True)
            if name in ("get", "get_one", "get_or_404") and first:
                return Instance(first.id)
            owner = self._value(node.func.value, variables)
            if owner is None and name in (*_SAME, *_ROW) and node.args:
                owner = self._value(node.args[0], variables)
            if owner and name in _SAME:
                return Instance(owner.model, many=True)
            if owner and name in _ROW:
                return Instance(owner.model)
        target = self._target(node.func)
        if first and target and target.rpartition(".")[2] in ("select", "with_polymorphic"):
            return Instance(first.id, many=True)
        own = definition_of(target, dict(self.known)) if target else None
        function = self.known[own].node if own else None
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            if function.returns is not None:
                returned = self._annotated(function.returns, self.known[own or ""])
                if returned:
                    return returned
            if first and _returns_its_class(function):
                return Instance(first.id)
        if target in ("list", "sorted", "tuple", "set", "reversed", "next") or (
            isinstance(node.func, ast.Name) and node.func.id in ("list", "sorted", "tuple", "next")
        ):
            inner = self._value(node.args[0], variables) if node.args else None
            single = isinstance(node.func, ast.Name) and node.func.id == "next"
            return Instance(inner.model, not single) if inner else None
        return None

    def _target(self, node: ast.AST) -> str | None:
        dotted = dotted_name(node)
        return resolve(self.code, dotted, self.names) if dotted else None

    def _model(self, node: ast.AST) -> Model | None:
        """The model that an expression names, also through one of its columns."""
        target = self._target(node)
        if target and target in self.schema.models:
            return self.schema.models[target]
        head = target.rpartition(".")[0] if target and "." in target.rpartition(":")[2] else None
        return self.schema.models.get(head) if head else None

    # --- accesses ----------------------------------------------------------------------------

    def _node(self, node: ast.AST, variables: Mapping[str, Instance]) -> None:
        if isinstance(node, ast.Call):
            self._call(node, variables)
        elif isinstance(node, ast.Attribute):
            self._loaded(node, variables)
        elif isinstance(node, ast.Constant | ast.JoinedStr):
            self._text(node)
        for target in _assigned(node):
            owner = self._value(target.value, variables)
            if owner and not owner.many and target.attr in self._columns(owner.model):
                self._model_access(owner.model, "update", node, "orm")

    def _columns(self, model: str) -> set[str]:
        found = self.schema.models[model]
        return {*found.columns, *found.relations}

    def _call(self, node: ast.Call, variables: Mapping[str, Instance]) -> None:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else None
        target = self._target(node.func) or ""
        statement = target.rpartition(".")[2] if target.startswith("sqlalchemy") else None
        if statement in _STATEMENTS or (name == "query" and node.args):
            mode = _STATEMENTS.get(statement or "", "read")
            how: AccessHow = "core" if statement in ("insert", "update", "delete") else "orm"
            self._arguments(node, mode, how)
        elif name in ("get", "get_one", "scalar", "exists", "join", "outerjoin", "select_from"):
            self._arguments(node, "read", "orm")
        elif name in ("add", "add_all", "merge", "bulk_save_objects", "delete") and node.args:
            self._written(node, name, variables)
        elif name in _COLLECTIONS and isinstance(node.func, ast.Attribute):
            owner = self._value(node.func.value, variables)
            if owner and owner.many and isinstance(node.func.value, ast.Attribute):
                mode = "delete" if name == "remove" else "insert"
                self._model_access(owner.model, mode, node, "relationship", "likely")
        elif name in ("insert", "update", "delete", "select") and isinstance(
            node.func, ast.Attribute
        ):
            owner_table = self.schema.core.get(self._target(node.func.value) or "")
            if owner_table:
                self._access(owner_table, _STATEMENTS[name], node, "core")
            value = self._value(node.func.value, variables)
            if value and value.many and name in ("update", "delete"):
                self._model_access(value.model, _STATEMENTS[name], node, "orm")
        elif target not in self.schema.models:
            for argument in node.args[:1]:
                model = self._model(argument)
                own = definition_of(target, dict(self.known)) if target else None
                function = self.known[own].node if own else None
                if model and isinstance(function, ast.FunctionDef) and _returns_its_class(function):
                    self._model_access(model.id, "read", node, "orm")
        model = self.schema.models.get(target)
        if model and id(node) not in self._added:
            self._model_access(model.id, "insert", node, "orm", "likely")

    def _arguments(self, node: ast.Call, mode: AccessMode, how: AccessHow) -> None:
        for position, argument in enumerate(node.args):
            for inner in ast.walk(argument):
                if not isinstance(inner, ast.Name | ast.Attribute):
                    continue
                model = self._model(inner)
                actual = mode if position == 0 or mode == "read" else "read"
                if model:
                    self._model_access(model.id, actual, node, how)
                table = self.schema.core.get(self._target(inner) or "")
                if table:
                    self._access(table, actual, node, "core")

    def _written(self, node: ast.Call, name: str, variables: Mapping[str, Instance]) -> None:
        mode: AccessMode = "delete" if name == "delete" else "insert"
        for argument in node.args:
            elements = argument.elts if isinstance(argument, ast.List | ast.Tuple) else [argument]
            for element in elements:
                self._added.add(id(element))
                value = self._value(element, variables)
                if value:
                    self._model_access(value.model, mode, node, "orm")
                elif self._is_session(node.func):
                    what = f"{ast.unparse(node.func)}({ast.unparse(element)[:40]})"
                    self._unknown(node, what, "the model of this object is not known")

    def _is_session(self, func: ast.AST) -> bool:
        if not isinstance(func, ast.Attribute):
            return False
        return "session" in (dotted_name(func.value) or "").lower()

    def _loaded(self, node: ast.Attribute, variables: Mapping[str, Instance]) -> None:
        """A column of a model in an expression, or a relationship that is followed."""
        if not isinstance(node.ctx, ast.Load):
            return
        model = self._model(node.value)
        if model and node.attr in model.columns and self._target(node.value) == model.id:
            self._model_access(model.id, "read", node, "orm")
        owner = self._value(node.value, variables)
        relation = self._relation(owner.model, node.attr) if owner and not owner.many else None
        if relation:
            self._model_access(relation[0], "read", node, "relationship")

    def _text(self, node: ast.Constant | ast.JoinedStr) -> None:
        if isinstance(node, ast.Constant):
            text = node.value if isinstance(node.value, str) else ""
        else:
            text = "".join(
                str(p.value) if isinstance(p, ast.Constant) else " migrator_hole "
                for p in node.values
            )
        if not looks_like_sql(text):
            return
        try:
            tables = tables_of(text)
        except UnparsableSQL as error:
            self._unknown(node, "SQL text", str(error)[:80])
            return
        known = {table.id for table in self.schema.tables}
        for name, mode in sorted(tables):
            if name in known:
                self._access(name, mode, node, "sql")
            elif "migrator_hole" in name:
                self._unknown(node, "SQL text", "the table's name is computed")
            else:
                self._unknown(
                    node, f"table {name} in SQL text", "no model or migration declares it"
                )

    def _model_access(
        self, model: str, mode: AccessMode, node: ast.AST, how: AccessHow,
        confidence: Confidence = "certain",
    ) -> None:  # fmt: skip
        self._access(self.schema.models[model].table_id, mode, node, how, confidence)

    def _access(
        self, table: str, mode: AccessMode, node: ast.AST, how: AccessHow,
        confidence: Confidence = "certain",
    ) -> None:  # fmt: skip
        line = getattr(node, "lineno", 1)
        self.found.add(
            Access(self.code.id, table, mode, self.code.module.path, line, how, confidence)
        )

    def _unknown(self, node: ast.AST, what: str, why: str) -> None:
        line = getattr(node, "lineno", 1)
        self.unresolved.append(Unresolved(self.code.module.path, line, what, why))


def _assigned(node: ast.AST) -> Iterator[ast.Attribute]:
    targets = node.targets if isinstance(node, ast.Assign) else []
    if isinstance(node, ast.AugAssign):
        targets = [node.target]
    for target in targets:
        for part in target.elts if isinstance(target, ast.Tuple) else [target]:
            if isinstance(part, ast.Attribute):
                yield part


def _returns_its_class(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """``get_or_404(Model, id)``: the first parameter is a class, and goes to the session."""
    if not function.args.args:
        return False
    first = function.args.args[0].arg
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("get", "get_one", "query", "scalars", "execute")
        and node.args
        and isinstance(node.args[0], ast.Name)
        and node.args[0].id == first
        for node in ast.walk(function)
    )
