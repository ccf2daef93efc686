"""``importlib.import_module(...)`` and ``__import__(...)``: which modules they can name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.analyze.facts.shape import CALL, FSTRING, LIST, SET, SET_, STR, TUPLE, Expr

if TYPE_CHECKING:
    from migrator.analyze.project.modules import Module, Names


def literal_strings(expr: Expr) -> tuple[str, ...] | None:
    """The strings of a literal: one, or those of a list, tuple or set of strings."""
    if type(expr) is not tuple:
        return None
    if expr[0] == STR:
        return (expr[1],)
    if expr[0] not in (LIST, TUPLE, SET_) or not expr[1]:
        return None
    found = tuple(e[1] for e in expr[1] if type(e) is tuple and e[0] == STR)
    return found if len(found) == len(expr[1]) else None


def imported_by_call(names: Names, module: Module, call: Expr) -> tuple[str, ...] | None:
    """The modules that the call may name: a constant, or the elements of a literal list that a
    loop around it runs over; None where the name is computed otherwise."""
    args = call[3]
    if not args:
        return None
    texts = literal_strings(args[0]) or _by_loop(names, module, args[0], call[1])
    if texts is None:
        return None
    absolute = [_relative(module, text.partition(":")[0], args) for text in texts]
    found = tuple([name for name in absolute if name is not None])
    return found if len(found) == len(absolute) else None


def _by_loop(names: Names, module: Module, expr: Expr, line: int) -> tuple[str, ...] | None:
    """The strings of a name, or of an f-string with one name in it."""
    if type(expr) is tuple and expr[0] == FSTRING:
        holes = [p for p in expr[1] if type(p) is not str]
        inner = _by_loop(names, module, holes[0][1][0], line) if len(holes) == 1 else None
        return inner and tuple(
            ["".join(p if type(p) is str else one for p in expr[1]) for one in inner]
        )
    if type(expr) is not str:
        return None
    # The nearest loop above, or around a comprehension's element.
    loops = [x for x in module.facts.interface.loops if x[1] == expr and x[0] <= line]
    for _, _, iterated in sorted(loops, key=lambda x: x[0])[-1:]:
        texts = strings_of(names, module, iterated)
        if texts is not None:
            return texts
    return strings_of(names, module, expr)


def strings_of(names: Names, module: Module, expr: Expr) -> tuple[str, ...] | None:
    """The strings of a literal, or of the module-level name that holds one."""
    texts = literal_strings(expr)
    if texts is not None or type(expr) is not str:
        return texts
    target = names.resolve(module.name, expr) or ""
    fact = names.definition(target) if ":" in target else None
    for statement in fact.statements if fact else ():
        if statement[0] == SET and statement[3] is not None:
            texts = literal_strings(statement[3])
    return texts


def _relative(module: Module, text: str, args: tuple[Expr, ...]) -> str | None:
    """The absolute name: a relative one begins at the package that is the second argument."""
    if not text.startswith("."):
        return text
    level = len(text) - len(text.lstrip("."))
    package = args[1] if len(args) > 1 else None
    if package == "__package__":
        base, is_package = module.name, module.is_package
    elif package == "__name__":
        base, is_package = module.name, True
    else:
        named = literal_strings(package)
        if named is None:
            return None
        base, is_package = named[0], True
    from migrator.analyze.project.modules import absolute_module

    return absolute_module(base, is_package, text.lstrip(".") or None, level)


def is_dynamic(expr: Expr) -> bool:
    return (
        type(expr) is tuple
        and expr[0] == CALL
        and type(expr[2]) is str
        and expr[2].rpartition(".")[2] in ("import_module", "__import__")
    )
