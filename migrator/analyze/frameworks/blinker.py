"""Signals of blinker: who sends reaches who is connected, with no name in between."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from migrator.analyze.definitions import Code, definition_of, resolve
from migrator.analyze.names import Names, dotted_name
from migrator.model.graph import Dependency, EntryPoint

_CONNECT = {"connect", "connect_via"}
_SEND = {"send", "send_async"}


def signals(
    codes: Mapping[str, Code], names: Names, objects: set[str]
) -> tuple[list[Dependency], list[EntryPoint]]:
    """Edges from senders to handlers, and the handlers; `objects` are the ids of signals."""
    handlers: dict[str, set[str]] = {}
    points: list[EntryPoint] = []
    for code in codes.values():
        for signal, handler, line in _connections(code, codes, names, objects):
            handlers.setdefault(signal, set()).add(handler)
            name = signal.rpartition(":")[2]
            points.append(EntryPoint("signal", name, None, None, handler, line))
    counts: dict[tuple[str, str], list[int]] = {}
    for code in codes.values():
        for signal, line in _uses(code, names, objects, _SEND):
            for handler in handlers.get(signal, ()):
                counts.setdefault((code.id, handler), []).append(line)
    edges = [
        Dependency(source, target, "signals", len(lines), min(lines))
        for (source, target), lines in counts.items()
    ]
    return edges, points


def _connections(
    code: Code, codes: Mapping[str, Code], names: Names, objects: set[str]
) -> Iterator[tuple[str, str, int]]:
    for decorator in getattr(code.node, "decorator_list", []):
        func = decorator.func if isinstance(decorator, ast.Call) else decorator
        if isinstance(func, ast.Attribute) and func.attr in _CONNECT:
            signal = _signal(code, func.value, names, objects)
            if signal:
                yield signal, code.id, decorator.lineno
    for statement in code.nodes:
        for node in ast.walk(statement):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            dotted = dotted_name(node.args[0]) if node.args else None
            if node.func.attr != "connect" or dotted is None:
                continue
            signal = _signal(code, node.func.value, names, objects)
            handler = definition_of(resolve(code, dotted, names), dict(codes))
            if signal and handler:
                yield signal, handler, node.lineno


def _uses(
    code: Code, names: Names, objects: set[str], methods: set[str]
) -> Iterator[tuple[str, int]]:
    for statement in code.nodes:
        for node in ast.walk(statement):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            signal = _signal(code, node.func.value, names, objects)
            if signal and node.func.attr in methods:
                yield signal, node.lineno


def _signal(code: Code, node: ast.AST, names: Names, objects: set[str]) -> str | None:
    dotted = dotted_name(node)
    target = resolve(code, dotted, names) if dotted else None
    return target if target in objects else None
