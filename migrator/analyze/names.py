"""What a dotted name means where it is used: imports, aliases, re-exports, stars."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from migrator.analyze.discover import ParsedModule
from migrator.model.graph import ImportKind

_BLOCKS = (ast.If, ast.Try, ast.With, ast.For, ast.While)


@dataclass(frozen=True, slots=True)
class ImportSite:
    """One imported name: `target` is dotted, `bound` the local name it gets (None: a star)."""

    target: str
    bound: str | None
    kind: ImportKind
    line: int
    module: str


def imports_of(module: ParsedModule, node: ast.AST, kind: ImportKind) -> Iterator[ImportSite]:
    """The names that one import statement binds."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            top = alias.name.partition(".")[0]
            target = alias.name if alias.asname else top
            yield ImportSite(target, alias.asname or top, kind, node.lineno, alias.name)
    elif isinstance(node, ast.ImportFrom):
        base = absolute(module, node.module, node.level)
        for alias in node.names:
            if alias.name == "*":
                yield ImportSite(base, None, kind, node.lineno, base)
            else:
                name = f"{base}.{alias.name}"
                yield ImportSite(name, alias.asname or alias.name, kind, node.lineno, base)


def absolute(module: ParsedModule, name: str | None, level: int) -> str:
    """The dotted module that ``from ..name import`` means."""
    if not level:
        return name or ""
    parts = module.name.split(".")
    drop = level - 1 if module.is_package else level
    kept = parts[: len(parts) - drop]
    return ".".join([*kept, name] if name else kept)


def top_level(
    body: Sequence[ast.stmt], kind: ImportKind = "static"
) -> Iterator[tuple[ast.stmt, ImportKind]]:
    """Module-level statements, also those inside ``if``/``try``, and how imports there count."""
    for node in body:
        yield node, kind
        if isinstance(node, _BLOCKS):
            inner: ImportKind = "conditional"
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
                inner = "type_checking"
            blocks = [getattr(node, name, []) for name in ("body", "orelse", "finalbody")]
            blocks += [handler.body for handler in getattr(node, "handlers", [])]
            for block in blocks:
                yield from top_level(block, inner if kind == "static" else kind)


class Names:
    """Resolves names; the monolith's own become ``module:Name``, others stay dotted."""

    def __init__(self, modules: Sequence[ParsedModule]) -> None:
        self.modules = {module.name: module for module in modules}
        self._bound: dict[str, dict[str, str]] = {}
        self._own: dict[str, set[str]] = {}
        self._stars: dict[str, list[str]] = {}
        for module in modules:
            self._read(module)

    def _read(self, module: ParsedModule) -> None:
        bound: dict[str, str] = {}
        own: set[str] = set()
        stars: list[str] = []
        for node, kind in top_level(module.tree.body):
            if isinstance(node, ast.Import | ast.ImportFrom):
                for site in imports_of(module, node, kind):
                    if site.bound is None:
                        stars.append(site.target)
                    else:
                        bound[site.bound] = site.target
            else:
                own.update(bound_names(node))
        self._bound[module.name] = {n: t for n, t in bound.items() if n not in own}
        self._own[module.name] = own
        self._stars[module.name] = stars

    def own(self, module: str) -> set[str]:
        """Names that the module itself defines."""
        return self._own.get(module, set())

    def resolve(
        self, module: str, dotted: str, local: Mapping[str, str] | None = None
    ) -> str | None:
        """What `dotted` means at module scope; `local` adds what a function imports itself."""
        head, _, rest = dotted.partition(".")
        if local and head in local:
            return self.absolute(local[head] + (f".{rest}" if rest else ""))
        if head in self._own.get(module, ()):
            return f"{module}:{dotted}"
        target = self._bound.get(module, {}).get(head)
        if target is None:
            target = self._through_star(module, head, frozenset())
        if target is None:
            return None
        return self.absolute(target + (f".{rest}" if rest else ""))

    def absolute(self, dotted: str, seen: frozenset[str] = frozenset()) -> str:
        """A dotted path from the top as ``module:Name.attr``, following re-exports."""
        if ":" in dotted or dotted in self.modules or dotted in seen:
            return dotted
        parts = dotted.split(".")
        for cut in range(len(parts) - 1, 0, -1):
            module = ".".join(parts[:cut])
            if module not in self.modules:
                continue
            name, rest = parts[cut], parts[cut + 1 :]
            tail = f".{'.'.join(rest)}" if rest else ""
            if name in self._own[module]:
                return f"{module}:{name}{tail}"
            target = self._bound[module].get(name) or self._through_star(module, name, seen)
            if target is None or target == dotted:
                return dotted
            return self.absolute(target + tail, seen | {dotted})
        return dotted

    def _through_star(self, module: str, name: str, seen: frozenset[str]) -> str | None:
        for target in self._stars.get(module, ()):
            if target not in self.modules or target in seen:
                continue
            if name in self._own[target] and not name.startswith("_"):
                return f"{target}:{name}"
            bound = self._bound[target].get(name)
            if bound:
                return bound
            deeper = self._through_star(target, name, seen | {module})
            if deeper:
                return deeper
        return None


def bound_names(node: ast.stmt) -> Iterator[str]:
    """The names that a module-level statement defines."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            yield from (
                n.id
                for n in ast.walk(target)
                if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
            )
    elif isinstance(node, ast.AnnAssign | ast.AugAssign) and isinstance(node.target, ast.Name):
        yield node.target.id


def dotted_name(node: ast.AST) -> str | None:
    """``a.b.c`` of an expression made of names and attributes only."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.insert(0, node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    return ".".join([node.id, *parts])


def literal_strings(node: ast.AST) -> tuple[str, ...] | None:
    """The strings of a literal: one, or those of a list, tuple or set of strings."""
    if isinstance(node, ast.Constant):
        return (node.value,) if isinstance(node.value, str) else None
    if not isinstance(node, ast.List | ast.Tuple | ast.Set) or not node.elts:
        return None
    found = [e.value for e in node.elts if isinstance(e, ast.Constant)]
    texts = tuple(value for value in found if isinstance(value, str))
    return texts if len(texts) == len(node.elts) else None


def imported_by_call(
    call: ast.Call, module: str, scope: Sequence[ast.stmt], names: Names
) -> tuple[str, ...] | None:
    """The modules that ``import_module(...)`` may name: a constant, or the elements of a literal
    list that a ``for`` around it runs over; None where it is computed otherwise."""
    argument = call.args[0] if call.args else None
    if argument is None:
        return None
    texts = literal_strings(argument)
    if texts is None and isinstance(argument, ast.Name):
        for statement in scope:
            for node in ast.walk(statement):
                if isinstance(node, ast.For | ast.comprehension) and _binds(node, argument.id):
                    texts = _list_of(node.iter, module, names)
    return tuple(text.partition(":")[0] for text in texts) if texts else None


def _binds(node: ast.For | ast.comprehension, name: str) -> bool:
    return isinstance(node.target, ast.Name) and node.target.id == name


def _list_of(node: ast.expr, module: str, names: Names) -> tuple[str, ...] | None:
    texts = literal_strings(node)
    dotted = dotted_name(node)
    if texts is not None or dotted is None:
        return texts
    target = names.resolve(module, dotted) or ""
    owner = names.modules.get(target.partition(":")[0])
    values = (
        statement.value
        for statement in (owner.tree.body if owner else ())
        if isinstance(statement, ast.Assign | ast.AnnAssign)
        and statement.value is not None
        and target.partition(":")[2] in bound_names(statement)
    )
    value = next(values, None)
    return literal_strings(value) if value is not None else None
