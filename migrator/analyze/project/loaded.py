"""Names that the monolith imports by text: ``Form = get_class("shop.forms", "Form")``.

Where the module of such a function imports by computed names, and the text is the tail of exactly
one module that defines the name, the variable is that definition, as if it were imported.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from migrator.analyze.facts.shape import CALL, SET, STR, TUPLE, Expr, Stmt
from migrator.analyze.project.dynamic import literal_strings

if TYPE_CHECKING:
    from migrator.analyze.project.modules import Module, Names

_MODEL = ("get_model", "get_registered_model")
_LABEL = re.compile(r"\w+(\.\w+)+\Z")


class Loaded:
    """`bound` maps ``module:Name`` to the dotted path that it means."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._by_last: dict[str, list[Module]] = defaultdict(list)
        for module in names.modules.values():
            self._by_last[module.name.rpartition(".")[2]].append(module)
        self.bound = {
            f"{module.name}:{name}": target
            for module in names.modules.values()
            for name, target in self._variables(module)
        }
        for id_, target in self.bound.items():
            home, _, name = id_.partition(":")
            module = names.modules[home]
            del module.own[name]
            module.bound[name] = target

    def loads(self, target: str) -> bool:
        """Whether a function may import by text: its module does so by names that it computes."""
        home, _, name = target.partition(":")
        module = self._names.modules.get(home)
        if module is None or not module.facts.interface.dynamic:
            return False
        fact = module.own.get(name)
        return fact is not None and fact.kind == "function"

    def find(self, label: str, name: str) -> str | None:
        """The one definition `name` of a module whose path ends with `label`."""
        if not _LABEL.match(label) or not name.isidentifier():
            return None
        near = self._by_last.get(label.rpartition(".")[2], ())
        there = [
            m for m in near
            if (m.name == label or m.name.endswith(f".{label}")) and name in m.own
        ]  # fmt: skip
        found = [m.name for m in there if m.own[name].kind != "variable"]
        found = found or [m.name for m in there]
        found.sort(key=lambda n: n.count("."))
        if not found or (len(found) > 1 and found[0].count(".") == found[1].count(".")):
            return None
        self._names.seen |= self._names.note(self._names.modules[found[0]], name)
        return f"{found[0]}.{name}"

    def _variables(self, module: Module) -> Iterator[tuple[str, str]]:
        for name, fact in module.own.items():
            statement = fact.statements[-1] if fact.kind == "variable" else None
            if statement is None or statement[0] != SET:
                continue
            call = statement[3]
            if type(call) is not tuple or call[0] != CALL or type(call[2]) is not str:
                continue
            wanted = _wanted(name, statement, call)
            target = (self._names.unkept(module, call[2]) or "") if wanted is not None else ""
            if wanted is None or not (self.loads(target) or target.endswith(_MODEL)):
                continue
            label = call[3][0][1]
            if target.endswith(_MODEL) and "." not in label:
                label = f"{label}.models"  # of Django: the application's label and the model
            found = self.find(label, wanted)
            if found is not None and found != f"{module.name}.{name}":
                yield name, found


def _wanted(name: str, statement: Stmt, call: Expr) -> str | None:
    """The definition that the call is asked for and that `name` gets."""
    args = call[3]
    if len(args) < 2 or type(args[0]) is not tuple or args[0][0] != STR:
        return None
    texts = literal_strings(args[1])
    target = statement[2][0]
    if texts is None:
        return None
    if target == name:
        return texts[0] if args[1][0] == STR else None
    if type(target) is tuple and target[0] == TUPLE and name in target[1]:
        place = target[1].index(name)
        return texts[place] if place < len(texts) else None
    return None
