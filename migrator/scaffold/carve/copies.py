"""The class of a table that is another service's: its methods, as far as they can work here."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import NamedTuple

import libcst as cst
from libcst import matchers

from migrator.scaffold.carve.stubs import refused
from migrator.scaffold.carve.used import asked_of_module

_SHOWN = 3
_RAISED = "ManualDecisionRequired"


class Refusal(NamedTuple):
    """A method of a copy that raises ``ManualDecisionRequired(reason)``; `needs` are the names that
    it lacks."""

    module: str
    cls: str
    method: str
    reason: str
    needs: frozenset[str] = frozenset()


def read_only(
    node: cst.ClassDef, module: str, owner: str, missing: set[str], columns: Collection[str]
) -> tuple[cst.ClassDef, list[Refusal]]:
    """The class whose methods raise where they need names that are `missing` here or set one of
    `columns`, which only `owner` may."""
    body: list[cst.BaseStatement | cst.BaseSmallStatement] = []
    refusals: list[Refusal] = []
    for part in node.body.body:
        if isinstance(part, cst.FunctionDef):
            lost = asked_of_module(part) & missing
            reason = _reason(part, owner, lost, columns)
            if reason is not None:
                message = f"{node.name.value}.{part.name.value} {reason}"
                about = (module, node.name.value, part.name.value, message)
                refusals.append(Refusal(*about, frozenset(lost)))
                part = refused(part, message, lost)
        body.append(part)
    return node.with_changes(body=node.body.with_changes(body=body)), refusals


def _reason(
    method: cst.FunctionDef, owner: str, lost: set[str], columns: Collection[str]
) -> str | None:
    if lost:
        return f"needs {', '.join(sorted(lost))}, which {owner} has"
    # A row is made by its `__init__`: that is no change of one that is there.
    changed = sorted(_set_on_self(method) & set(columns)) if method.name.value != "__init__" else []
    few = ", ".join(changed[:_SHOWN]) + (", …" if len(changed) > _SHOWN else "")
    return f"sets {few}, which only {owner} may" if changed else None


def _set_on_self(method: cst.FunctionDef) -> set[str]:
    first = next(iter((*method.params.posonly_params, *method.params.params)), None)
    if first is None:
        return set()
    own = matchers.Attribute(
        matchers.Name(first.name.value), matchers.SaveMatchedNode(matchers.Name(), "attribute")
    )
    kinds = (matchers.AssignTarget, matchers.AugAssign, matchers.AnnAssign)
    found = [m["attribute"] for kind in kinds for m in matchers.extractall(method.body, kind(own))]
    return {node.value for node in found if isinstance(node, cst.Name)}


def called(refusals: Collection[Refusal], texts: Iterable[str]) -> list[Refusal]:
    """Those whose methods `texts` name, or whose class they call for an `__init__`, anywhere but
    where these are defined."""
    word = re.compile(r"((?:def|class)\s+)?\b(\w+)\b(\()?")
    named: set[str] = set()
    made: set[str] = set()
    for text in texts:
        for refusal in refusals:
            text = text.replace(repr(refusal.reason), "")
        found = [m for m in word.finditer(text) if not m[1]]
        named |= {m[2] for m in found}
        made |= {m[2] for m in found if m[3]}
    return [r for r in refusals if (r.cls in made if r.method == "__init__" else r.method in named)]


def told(refusals: Iterable[Refusal]) -> list[str]:
    """What a person reads: a line for each that lacks something, one a class for the others."""
    found: list[str] = []
    setters: dict[tuple[str, str], list[Refusal]] = {}
    for refusal in refusals:
        if refusal.needs:
            found.append(f"{refusal.module}: {refusal.reason}; it raises {_RAISED}")
        else:
            setters.setdefault((refusal.module, refusal.cls), []).append(refusal)
    for (module, cls), several in setters.items():
        first = f"{module}: {several[0].reason}"
        if len(several) == 1:
            found.append(f"{first}; it raises {_RAISED}")
        else:
            names = ", ".join(refusal.method for refusal in several[1:])
            found.append(f"{first}; it and {names} of {cls} raise {_RAISED}")
    return found
