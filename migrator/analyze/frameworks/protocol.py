"""What a framework plug-in is. One file, or one folder, of this package a framework; one from
elsewhere registers its class under the entry-point group ``migrator.frameworks``.

A plug-in never parses: it reads `Project` (names, classes, facts: see `facts.shape` for the
expressions) and is asked while functions are interpreted. Four things it may do, all optional:

`declare`       Once, with the whole project at hand: tell tables, foreign keys, relationships,
                models (`Schema.add_model`), classes whose objects mean something to it
                (`Schema.claim`), session makers and so on as traits.
`entry_points`  Once: tell routes, commands, tasks, signal handlers, and edges (a signal reaches
                its handlers).
`attribute`     What ``owner.name`` is, asked where `owner` is a value of this framework: an
                `Instance` or `ClassRef` of a class that it claims, a `Value` of a class whose
                `framework` attribute is this plug-in's `name`, or an `External` (or `Instance` of
                one) whose dotted name begins with one of `packages`. Return None to let the
                interpreter look in the monolith's own class; what it does not find becomes
                `Method(owner, name)`.
`call`          What calling `function` gives, asked where `function` is an `External` or `Method`
                with an owner as above, or a `ClassRef` that it claims. Report accesses through
                `at.access(table, mode, call.line, how)`, what cannot be known through
                `at.unresolved(line, what, why)`. Return the value, or None where it is not known.
`iterate`       What one element of `value` is (a query gives its model's objects).
`store`         ``owner.name = value`` or ``del owner[...]`` on such an owner.
`text`          A string that `facts.sql_text.may_be_sql` finds likely, anywhere in a function.

What `declare` and `entry_points` told is kept between runs and stands where only functions changed
that nobody asked for (`project.asked`): look at functions there by `project.calls`, `decorated`,
`functions_like`, `defining`, `names.definition` and `block` only.

A value of a plug-in's own is a frozen dataclass deriving from `Value` with a class attribute
``framework = "name"``. Values are hashable and compared: keep them small.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, ClassVar, Protocol

from migrator.analyze.infer.sink import ReachKind
from migrator.analyze.infer.values import Call, Value
from migrator.model.graph import AccessHow, AccessMode, Confidence, Dependency, EntryPoint

if TYPE_CHECKING:
    from migrator.analyze.project.project import Project
    from migrator.analyze.schema import Model, Schema


class At(Protocol):
    """Where interpretation stands: one function of one module."""

    project: Project
    schema: Schema

    @property
    def module(self) -> str: ...

    @property
    def definition(self) -> str: ...

    def access(
        self, table: str, mode: AccessMode, line: int, how: AccessHow,
        confidence: Confidence = "certain",
    ) -> None:  # fmt: skip
        """The definition touches `table`, a table's id."""

    def has_read(self, table: str) -> bool:
        """Whether the function was told to read `table` before."""

    def mention(self, table: str, line: int, how: AccessHow) -> None:
        """A column of `table` is named: a read where the function also runs a query, else only
        part of an expression that another function may run."""

    def executes(self) -> None:
        """The function runs a query."""

    @property
    def function(self) -> str:
        """``module:Class.method`` or ``module:function``."""

    @property
    def own_class(self) -> str | None:
        """The class of ``self``, or of ``cls``, in a method; None elsewhere."""

    def retract(self, table: str, line: int) -> None:
        """Takes back a read that was told at `line` of this function: a query that was made there
        turned out to be no statement of its own."""

    def unresolved(self, line: int, what: str, why: str) -> None: ...

    def reaches(self, definition: str, line: int, kind: ReachKind = "calls") -> None:
        """The definition reaches `definition` by a way that its code does not name."""

    def call(self, function: Value | None, call: Call) -> Value | None:
        """What a call gives, its effects told."""

    def sends(self, handler: str, call: Call) -> None:
        """What is sent here is handed to `handler`, a function of the monolith: no call of it."""

    def value(self, expr: object) -> Value | None:
        """What an expression of the function is; interpreting twice does no harm."""

    def attribute(self, owner: Value | None, name: str, line: int) -> Value | None: ...

    def element(self, value: Value | None, line: int) -> Value | None:
        """What iterating over `value` gives."""

    def annotated(self, expr: object) -> Value | None:
        """What an object annotated so is."""


class Framework:
    """The base of plug-ins: knows nothing."""

    name: ClassVar[str] = ""
    packages: ClassVar[tuple[str, ...]] = ()
    # Whether a parameter called after a model is likely an object of it.
    rows_by_name: ClassVar[bool] = False

    # The last names of decorators, and of calls that do as much, that `decorated` is asked for.
    registrars: ClassVar[tuple[str, ...]] = ()

    def declare(self, project: Project, schema: Schema) -> None:
        """Tell `schema` what the project's declarations mean."""

    def entry_points(self, project: Project, schema: Schema) -> Iterable[EntryPoint | Dependency]:
        """Where work begins; a Dependency of kind ``signals`` for who reaches a handler.
        Trouble goes to ``schema.unresolved``."""
        return ()

    def attribute(self, at: At, owner: Value, name: str, line: int) -> Value | None:
        return None

    def call(self, at: At, function: Value, call: Call) -> Value | None:
        return None

    def iterate(self, at: At, value: Value, line: int) -> Value | None:
        return None

    def loose(self, at: At, owner: str, name: str, call: Call) -> Value | None:
        """A call of method `name` on what is not known; `owner` is how it is written, "" where it
        is no plain name. Asked of every framework until one answers."""
        return None

    def entered(self, at: At, value: Value, line: int) -> Value | None:
        """What ``with value as x`` binds, where that is not `value` itself."""
        return None

    def parameter(self, at: At, default: Value) -> Value | None:
        """What a parameter with this default is: FastAPI's ``Depends(get_session)``."""
        return None

    def argument(self, at: At, name: str, kind: str) -> Value | None:
        """What a parameter called `name` is, where nothing else tells; `kind` is ``**`` for the
        keywords that are left over, else "". Asked of every framework."""
        return None

    def decorated(self, at: At, decorator: object) -> tuple[Value | None, ...]:
        """What the function below a decorator is called with, by position, where it is a call of
        one of `registrars`."""
        return ()

    def has(self, model: str, name: str) -> bool:
        """Whether an object of a model has attribute `name` that no class of the monolith and no
        column tells: asked where `rows_by_name`."""
        return False

    def called(self) -> Mapping[str, Model]:
        """Models by what an object of each is likely called where that is not its class's name."""
        return {}

    def body(self, at: At, cls: str, line: int) -> None:
        """A class that this framework knows was declared at `line`, its body evaluated; `at`
        stands in the body. What its objects do without code of their own is told here."""

    def annotation(self, at: At, outer: Value, items: tuple[object, ...]) -> Value | None:
        """What an object annotated ``outer[items]`` is: ``Select[tuple[User]]``."""
        return None

    def store(self, at: At, owner: Value, name: str, value: Value | None, line: int) -> None:
        return None

    def text(self, at: At, text: str, whole: bool, line: int) -> bool:
        """True where the text was understood, or told as unresolved, by this framework."""
        return False
