"""What interpretation finds."""

from __future__ import annotations

from typing import Literal, NamedTuple

from migrator.analyze.infer.values import Value
from migrator.model.graph import AccessHow, AccessMode, Confidence

SUPER = ">"
# Why a call is unresolved that a caller may resolve by what it hands over.
UNKNOWN_OBJECT = "what it is called on is not known"
ReachKind = Literal["calls", "signals"]


class Touch(NamedTuple):
    """`function` (``module:Class.method``) touches a table at a line of its own file."""

    function: str
    definition: str
    table: str
    mode: AccessMode
    line: int
    how: AccessHow
    confidence: Confidence


class Through(NamedTuple):
    """A `touch` in a function that happens only as `caller` calls it so, at `line` of its file;
    or, where `inherited`, only as a method of the class `caller_definition`, which is there. `made`
    is the class of the object whose method was called, where the rows that it was made with tell it
    apart."""

    caller: str
    caller_definition: str
    line: int
    touch: Touch
    inherited: bool = False
    made: str = ""


class Making(NamedTuple):
    """An object of `cls` is made somewhere, with an object of class `given` for `parameter`; empty
    where it is not known of which."""

    cls: str
    parameter: str
    given: str


class Reach(NamedTuple):
    """`function` calls code of `target` (function key) at `line`; `definition` is the caller's."""

    function: str
    definition: str
    target: str
    line: int
    kind: ReachKind = "calls"


class Sink:
    """The findings of one run of one function.

    `needs` are the names of ``self`` (or ``cls``) that it looked up, ``>`` where through
    ``super()``, `stores` those that it set on ``self``; `handed_on` tells that other code got the
    object itself. `whole` is False until the run has ended. `mentions` count where the function
    `executes` a query. `makings` are the objects made, `placed` the values stored under names of
    libraries, `probed` what a decorator hands to the function that it is put on.
    """

    __slots__ = (
        "executes", "handed_on", "makings", "mentions", "needs", "placed", "probed", "reaches",
        "stores", "through", "touches", "unresolved", "whole",
    )  # fmt: skip

    def __init__(self) -> None:
        self.touches: dict[Touch, None] = {}
        self.mentions: dict[Touch, None] = {}
        self.executes = False
        self.makings: dict[Making, None] = {}
        self.through: dict[Through, None] = {}
        self.reaches: dict[Reach, None] = {}
        self.unresolved: dict[tuple[int, str, str], None] = {}
        self.needs: set[str] = set()
        self.stores: set[str] = set()
        self.handed_on = False
        self.placed: dict[str, Value | None] = {}
        self.probed: list[tuple[tuple[Value | None, ...], dict[str, Value | None]]] = []
        self.whole = False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sink) and all(
            getattr(self, name) == getattr(other, name) for name in Sink.__slots__
        )

    __hash__ = None  # type: ignore[assignment]
