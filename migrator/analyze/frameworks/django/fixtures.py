"""Files of rows beside the code, and ``call_command``, which loads them or runs a command."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from migrator.analyze.frameworks.django.objects import Objects
from migrator.analyze.frameworks.protocol import At
from migrator.analyze.infer.values import Call, Instance, Method, Text
from migrator.analyze.project.project import Project

_MODEL = re.compile(r"""\bmodel["']?\s*[:=]\s*["']?(\w+\.\w+)""")
# ``app.model`` with the names of its fields that hold lists.
Rows = tuple[tuple[str, tuple[str, ...]], ...]


def rows_in(content: bytes) -> Rows:
    """The models whose rows a fixture holds; of one that is no whole JSON only by their names."""
    text = content.decode("utf-8-sig", "replace")
    try:
        found = _of_json(json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        found = {model.lower(): set() for model in _MODEL.findall(text)}
    return tuple(sorted((model, tuple(sorted(many))) for model, many in found.items()))


def _of_json(rows: list[dict[str, object]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for row in rows:
        many = found.setdefault(str(row["model"]).lower(), set())
        fields = row.get("fields")
        if isinstance(fields, dict):
            many |= {name for name, value in fields.items() if isinstance(value, list) and value}
    return found


class Commands:
    """The monolith's own commands by name, and its files of rows by path."""

    def __init__(self, project: Project, objects: Objects, files: Mapping[str, Rows]) -> None:
        self.project, self.objects, self.files = project, objects, files
        self.own: dict[str, str] = {}
        for module in project.code:
            if ".management.commands." in f".{module.name}":
                self.own[module.name.rpartition(".")[2]] = f"{module.name}:Command"

    def called(self, at: At, call: Call) -> None:
        """``call_command("loaddata", "countries.json")``."""
        name = call.argument(0, "command_name")
        if type(name) is not Text or not name.whole:
            return
        if name.text == "loaddata":
            self._load(at, call)
            return
        cls = self.own.get(name.text, "")
        found = self.project.classes.find(cls, "handle") if cls else None
        if found is not None and found[1][0] == "def":
            method = Method(Instance(cls), "handle", found[0].id)
            at.call(method, Call(call.line, None, (), (), {}, {}))

    def _load(self, at: At, call: Call) -> None:
        for value in call.values[1:]:
            if type(value) is not Text or not value.whole:
                at.unresolved(call.line, "loaddata", "which fixture it is is computed")
                continue
            for model, many in self._named(value.text):
                self._loaded(at, model, many, call.line)

    def _named(self, name: str) -> Iterator[tuple[str, tuple[str, ...]]]:
        """What Django finds for a label: with any suffix, in any folder of fixtures."""
        for path, rows in self.files.items():
            plain = path[: -len(PurePosixPath(path).suffix)]
            if any(f"/{p}".endswith((f"/fixtures/{name}", f"/{name}")) for p in (path, plain)):
                yield from rows

    def _loaded(self, at: At, reference: str, many: tuple[str, ...], line: int) -> None:
        model = next((m for m in self.objects.models.values() if m.reference == reference), None)
        if model is None:
            return
        self.objects.may(at, model.id, line, ("insert", "update"))
        for name in many:
            field = model.fields.get(name)
            if field is not None and field.table is not None and field.table in at.schema.tables:
                at.access(field.table, "read", line, "relationship", "likely")
                at.access(field.table, "insert", line, "relationship", "likely")
