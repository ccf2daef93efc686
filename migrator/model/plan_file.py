"""`migration.yaml`: the Plan on disk, made for people. Their comments survive a re-plan."""

from __future__ import annotations

import difflib
import io
import typing
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from migrator.model import slo_file
from migrator.model.errors import MigratorError
from migrator.model.plan import (
    PLAN_VERSION,
    Cut,
    CutKind,
    Decision,
    Pin,
    Plan,
    Saga,
    SagaStep,
    Service,
    Step,
)
from migrator.model.plan_cuts import chosen, expanded, grouped, upgraded
from migrator.model.plan_merge import merged, with_lost_comments

# What each kind of entry may hold, as the JSON Schema says: a misspelt key would be lost unseen.
_PLAN = ("version", "services", "shared", "glue", "order", "pins", "cuts", "sagas")
_SERVICE = ("purpose", "tables", "definitions", "slos")
_CUT = ("from", "to", "what", "kind", "decision", "reason", "cost", "alternatives", "places")
_STEP, _PIN = ("service", "reason", "after", "leaves"), ("what", "service")
_SAGA = ("transaction", "service", "entry_points", "advice", "reason", "steps")
_PART = ("service", "by", "writes", "compensation")

READABLE = (1, PLAN_VERSION)  # A re-plan writes what it has read of version 1 as version 2.
_HEAD = """yaml-language-server: $schema=.migrator/plan.schema.json
The plan: which service owns what. Written by `migrator plan`, made to be edited.
A service's definitions are ids (package.module:Name) or globs (package.module.*); the most
specific one wins. Each cut says what crosses two services, and what becomes of it: replicate, call,
event, share, keep or manual. To decide otherwise for one thing of a list, give it an entry of its
own. Places and alternatives: `migrator plan --explain NAME`. A pin is never changed by a re-plan.
Costs and sagas are written anew by each re-plan; the rest is yours."""


def read_plan(path: Path) -> Plan:
    """Raises MigratorError with the line and what was expected there."""
    return _Reader(str(path)).plan(_load(path))


def pin_lines(text: str) -> tuple[int, ...]:
    """The line of each pin of a plan's text, in its order."""
    pins: Any = (_yaml().load(text) or {}).get("pins") or []
    return tuple(pins.lc.data[index][0] + 1 for index in range(len(pins)))


def dump_plan(plan: Plan, previous: str | None = None) -> str:
    """YAML text; with the text of the `previous` plan, its comments stay where they were."""
    yaml = _yaml()
    document = yaml.load(previous) if previous else None
    fresh = _document(plan)
    if isinstance(document, CommentedMap):
        if document.get("version") == 1:
            upgraded(document)
        merged(document, fresh)
    else:
        document = fresh
        document.yaml_set_start_comment(_HEAD)
        _headings(document)
    stream = io.StringIO()
    yaml.dump(document, stream)
    return with_lost_comments(stream.getvalue(), previous or "")


def _headings(document: CommentedMap) -> None:
    """A line before each group of cuts: who needs whom."""
    before = None
    cuts = document["cuts"]
    for index, cut in enumerate(cuts):
        group = (cut["from"], cut["to"])
        if group != before:
            cuts.yaml_set_comment_before_after_key(index, f"{group[0]} needs {group[1]}", indent=2)
        before = group


def _yaml() -> YAML:
    yaml = YAML()
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.width = 100
    return yaml


def _load(path: Path) -> Any:
    text = ""
    try:
        text = path.read_text("utf-8")
        return _yaml().load(text)
    except FileNotFoundError as error:
        raise MigratorError("no plan", where=str(path), hint="run `migrator plan` first") from error
    except MarkedYAMLError as error:
        mark = error.problem_mark
        # A text that ends too early is wrong in its last line, not below it.
        line = min(mark.line, text.rstrip().count("\n")) + 1 if mark else 1
        where = f"{path}:{line}:{mark.column + 1 if mark else 1}"
        raise MigratorError(f"broken YAML: {error.problem}", where=where) from error
    except (YAMLError, UnicodeDecodeError, OSError) as error:
        raise MigratorError(f"cannot be read: {error}", where=str(path)) from error


def _document(plan: Plan) -> CommentedMap:
    services = CommentedMap()
    for service in plan.services:
        services[service.name] = CommentedMap(
            purpose=service.purpose,
            tables=list(service.tables),
            definitions=list(service.definitions),
        )
        if service.slos:
            services[service.name]["slos"] = slo_file.document(service.slos)
    return CommentedMap(
        version=plan.version,
        services=services,
        shared=list(plan.shared),
        glue=list(plan.glue),
        order=[_step(step) for step in plan.order],
        pins=[CommentedMap(what=p.what, service=p.service) for p in plan.pins],
        cuts=CommentedSeq(grouped(plan.cuts)),
        sagas=[_saga(saga) for saga in plan.sagas],
    )


def _step(step: Step) -> CommentedMap:
    found = CommentedMap(service=step.service, reason=step.reason)
    if step.after:
        found["after"] = list(step.after)
    if step.leaves:
        found["leaves"] = step.leaves
    return found


def _saga(saga: Saga) -> CommentedMap:
    return CommentedMap(
        transaction=saga.transaction,
        service=saga.service,
        entry_points=list(saga.entry_points),
        advice=saga.advice,
        reason=saga.reason,
        steps=[
            CommentedMap(
                service=s.service, by=list(s.by), writes=list(s.writes), compensation=s.compensation
            )
            for s in saga.steps
        ],
    )


class _Reader:
    def __init__(self, path: str) -> None:
        self.path = path

    def plan(self, data: Any) -> Plan:
        self._expect(data, dict, "a mapping with version, services, cuts …", None, None)
        self._only(data, _PLAN)
        if data.get("version") not in READABLE:
            told = f"version {PLAN_VERSION} expected, {data.get('version')!r} found"
            self._fail(told, data, "version")
        services = data.get("services")
        self._expect(services, dict, "services: a mapping from name to service", data, "services")
        read = tuple(self._service(name, services) for name in services)
        known = {service.name for service in read}
        self._owned_once(data)
        return Plan(
            services=read,
            shared=self._texts(data, "shared"),
            glue=self._texts(data, "glue"),
            cuts=self._chosen(data, known),
            order=tuple(
                Step(
                    self._name(i, "service", known),
                    str(i.get("reason", "")),
                    self._texts(i, "after"),
                    str(i.get("leaves", "")),
                )
                for i in self._items(data, "order", _STEP)
            ),
            pins=tuple(
                Pin(self._text(i, "what"), self._name(i, "service", known))
                for i in self._items(data, "pins", _PIN)
            ),
            sagas=tuple(self._saga(item, known) for item in self._items(data, "sagas", _SAGA)),
        )

    def _saga(self, data: Any, known: set[str]) -> Saga:
        return Saga(
            self._text(data, "transaction"),
            self._name(data, "service", known),
            self._texts(data, "entry_points"),
            typing.cast(Any, self._choice(data, "advice", ("saga", "keep"))),
            str(data.get("reason", "")),
            tuple(
                SagaStep(
                    self._name(i, "service", known),
                    self._texts(i, "by"),
                    self._texts(i, "writes"),
                    str(i.get("compensation", "")),
                )
                for i in self._items(data, "steps", _PART)
            ),
        )

    def _service(self, name: Any, services: Any) -> Service:
        if (
            not isinstance(name, str)
            or not name.replace("-", "_").isidentifier()
            or name != name.lower()
        ):
            what = f"service name {name!r}: lower-case letters, digits, - and _ expected"
            self._fail(what, services, name)
        data = services[name]
        self._expect(data, dict, f"service {name}: purpose, tables, definitions", services, name)
        self._only(data, _SERVICE)
        purpose = str(data.get("purpose", ""))
        tables, definitions = self._texts(data, "tables"), self._texts(data, "definitions")
        return Service(name, purpose, tables, definitions, slo_file.parse(data, self._fail))

    def _owned_once(self, data: Any) -> None:
        """Each table, and each definition or glob, stands in one place."""
        services = data["services"]
        tables: dict[str, tuple[str, int]] = {}
        code: dict[str, tuple[str, int]] = {}
        for name in services:
            self._owned(name, services[name], "tables", tables)
            self._owned(name, services[name], "definitions", code)
        for key in ("shared", "glue"):
            self._owned(key, data, key, code)

    def _owned(
        self, owner: str, section: Any, key: str, places: dict[str, tuple[str, int]]
    ) -> None:
        for index, name in enumerate(self._texts(section, key)):
            listed = section[key]
            other, line = places.setdefault(name, (owner, self._at(listed, index)[0]))
            if other != owner:
                told = f"{name} is given to {owner}, and to {other} in line {line}"
                self._fail(f"{told}: one owner expected", listed, index)

    def _chosen(self, data: Any, known: set[str]) -> tuple[Cut, ...]:
        """The decision for each thing; two entries that name nothing else contradict each other."""
        items = self._items(data, "cuts", _CUT)
        entries = [self._cuts(item, known) for item in items]
        single: dict[tuple[str, str, str], int] = {}
        for index, entry in enumerate(entries):
            if len(entry) != 1:
                continue
            [cut] = entry
            key = (cut.source, cut.what, cut.kind)
            if key in single:
                line = self._at(data["cuts"], single[key])[0]
                told = f"{cut.source} needs {cut.what} ({cut.kind}) is decided twice"
                self._fail(f"{told}, first in line {line}: keep one entry", data["cuts"], index)
            single[key] = index
        return chosen(entries)

    def _cuts(self, data: Any, known: set[str]) -> list[Cut]:
        """One for each thing that an entry names."""
        source, target = self._name(data, "from", known), self._name(data, "to", known)
        kind = self._choice(data, "kind", typing.get_args(CutKind))
        decision = self._choice(data, "decision", typing.get_args(Decision))
        listed = isinstance(data.get("what"), list)
        whats = self._texts(data, "what") if listed else (self._text(data, "what"),)
        entry = Cut(
            source,
            target,
            "",
            typing.cast(CutKind, kind),
            typing.cast(Decision, decision),
            str(data.get("reason", "")),
            self._texts(data, "places"),
            str(data.get("cost", "")),
            self._texts(data, "alternatives"),
        )
        return expanded(entry, whats)

    def _items(self, data: Any, key: str, allowed: tuple[str, ...]) -> list[Any]:
        items = data.get(key) or []
        self._expect(items, list, f"{key}: a list", data, key)
        for index, item in enumerate(items):
            self._expect(item, dict, f"{key}: each a mapping", items, index)
            self._only(item, allowed)
        return list(items)

    def _only(self, data: Any, allowed: tuple[str, ...]) -> None:
        for key in data:
            if key not in allowed:
                close = difflib.get_close_matches(str(key), allowed, n=1)
                told = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(allowed)}"
                self._fail(f"unknown key {key!r}; {told}", data, key)

    def _texts(self, data: Any, key: str) -> tuple[str, ...]:
        items = data.get(key) or []
        self._expect(items, list, f"{key}: a list of names", data, key)
        for index, item in enumerate(items):
            self._expect(item, str, f"{key}: each a name", items, index)
        return tuple(str(item) for item in items)

    def _text(self, data: Any, key: str) -> str:
        self._expect(data.get(key), str, f"{key}: text", data, key)
        return str(data[key])

    def _name(self, data: Any, key: str, known: set[str]) -> str:
        name = self._text(data, key)
        if name not in known:
            self._fail(
                f"{key}: no service {name!r}; there are {', '.join(sorted(known))}", data, key
            )
        return name

    def _choice(self, data: Any, key: str, allowed: tuple[str, ...]) -> str:
        value = self._text(data, key)
        if value not in allowed:
            self._fail(f"{key}: one of {', '.join(allowed)} expected, {value!r} found", data, key)
        return value

    def _expect(self, value: Any, kind: type, what: str, parent: Any, key: Any) -> None:
        if not isinstance(value, kind):
            self._fail(f"{what} expected", parent, key)

    def _fail(self, what: str, parent: Any, key: Any) -> typing.NoReturn:
        line, column = self._at(parent, key)
        raise MigratorError(what, where=f"{self.path}:{line}:{column}")

    @staticmethod
    def _at(parent: Any, key: Any) -> tuple[int, int]:
        """Line and column of what `parent` has under `key`."""
        place = getattr(parent, "lc", None)
        if place is None:
            return 1, 1
        known = (place.data or {}).get(key)
        at = known[:2] if known else (place.line, place.col)
        return at[0] + 1, at[1] + 1
