"""The bytes of one file to its facts, and facts to bytes and back."""

from __future__ import annotations

import ast
import marshal
import sys
import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from migrator.analyze.facts.generated import is_generated
from migrator.analyze.facts.lower import lower
from migrator.analyze.facts.shape import Body, DefinitionFact, Detail, Interface, Use
from migrator.analyze.facts.source import key_of

_RECURSION = 6_000
_EMPTY = Interface(0, (), (), (), (), None, ())


@dataclass(frozen=True)
class Facts:
    """Facts of one file, as bytes until they are asked for.

    `key` names the bytes that they were read from, and by what. `trouble` is ``(line, why)``
    where the file could not be read as Python: then the facts are empty.
    """

    key: bytes
    interface_bytes: bytes
    detail_bytes: bytes

    @cached_property
    def _plain(self) -> tuple[Any, ...]:
        return marshal.loads(self.interface_bytes)  # type: ignore[no-any-return]

    @property
    def trouble(self) -> tuple[int, str] | None:
        return self._plain[0]  # type: ignore[no-any-return]

    @cached_property
    def interface(self) -> Interface:
        plain = Interface._make(self._plain[1])
        return plain._replace(
            definitions=tuple([DefinitionFact._make(d) for d in plain.definitions])
        )

    @cached_property
    def detail(self) -> Detail:
        if not self.detail_bytes:
            return Detail((), (), ())
        uses, local, bodies = marshal.loads(self.detail_bytes)
        return Detail(
            tuple([tuple([Use._make(u) for u in of]) for of in uses]),
            local,
            tuple([Body._make(b) for b in bodies]),
        )


def facts_of(source: bytes) -> Facts:
    """Never raises for what a file holds: `Facts.trouble` tells why there are none."""
    lines = source.count(b"\n") + (not source.endswith(b"\n"))
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _RECURSION))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
        interface, detail = lower(tree, lines)
        if is_generated(source):
            interface = interface._replace(generated=True)
        return _packed(source, None, interface, detail)
    except SyntaxError as error:
        trouble = (error.lineno or 1, f"not valid Python: {error.msg}")
    except (RecursionError, MemoryError):
        trouble = (1, "nested too deeply to parse")
    except ValueError as error:
        why = "nested too deeply" if "nested" in str(error) else str(error)
        trouble = (1, f"not valid Python: {why}")
    finally:
        sys.setrecursionlimit(before)
    return _packed(source, trouble, _EMPTY._replace(lines=lines), None)


def trouble_of(why: str) -> Facts:
    """The facts of a file that could not be read at all."""
    return _packed(b"", (1, why), _EMPTY, None)


def _packed(
    source: bytes, trouble: tuple[int, str] | None, interface: Interface, detail: Detail | None
) -> Facts:
    definitions = tuple([tuple(d) for d in interface.definitions])
    plain = (trouble, tuple(interface._replace(definitions=definitions)))  # type: ignore[arg-type]
    packed = b""
    if detail is not None:
        uses = tuple([tuple([tuple(u) for u in of]) for of in detail.uses])
        plain_detail: Any = (uses, detail.local, tuple([tuple(b) for b in detail.bodies]))
        packed = marshal.dumps(plain_detail)
    return Facts(key_of(source), marshal.dumps(plain), packed)
