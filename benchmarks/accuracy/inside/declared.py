"""Print the tables that the application declares when it is imported, as JSON.

``python declared.py ROOT django`` (settings from DJANGO_SETTINGS_MODULE) or
``python declared.py ROOT sqlalchemy MODULE…``, which imports the modules (``package.*``: every
module below, those that cannot be imported are named on standard error; ``module:function``: calls
it) and reads every MetaData.
One object a table: name, schema, columns[], foreign_keys[[columns, table, columns]], path (of the
class or call that declares it, relative to ROOT; null where it is another package's), via, note.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import json
import pkgutil
import sys
from pathlib import Path
from typing import Any

from recorder import LEFT_OUT, Recorder


def django_tables(recorder: Recorder) -> list[dict[str, Any]]:
    import django
    from django.apps import apps
    from django.conf import settings

    django.setup()
    with contextlib.suppress(Exception):  # what runs has its views, and the models that they import
        importlib.import_module(settings.ROOT_URLCONF)
    found: dict[str, dict[str, Any]] = {}
    for model in apps.get_models(include_auto_created=True):
        meta = model._meta
        if meta.proxy or meta.swapped:
            continue
        owner = meta.auto_created or model
        keys = [
            [[f.column], f.remote_field.model._meta.db_table, [f.target_field.column]]
            for f in meta.local_fields
            if f.remote_field and f.db_constraint and not f.remote_field.model._meta.swapped
        ]
        columns = {f.column for f in meta.local_fields if f.column}
        entry = found.setdefault(
            meta.db_table,
            {
                "name": meta.db_table, "schema": None, "columns": [], "foreign_keys": [],
                "path": own_path(recorder, owner), "via": "model", "note": note(recorder, model),
            },
        )  # fmt: skip
        entry["via"] = "automatic many-to-many" if meta.auto_created else entry["via"]
        entry["columns"] = sorted({*entry["columns"], *columns})
        entry["foreign_keys"] += [k for k in keys if k not in entry["foreign_keys"]]
    return list(found.values())


def sqlalchemy_tables(recorder: Recorder, modules: list[str]) -> list[dict[str, Any]]:
    import sqlalchemy
    from sqlalchemy.orm import configure_mappers

    made: dict[int, tuple[Any, str | None]] = {}

    def remember(table: Any, metadata: Any) -> None:
        if isinstance(table, sqlalchemy.Table):
            made.setdefault(id(table), (table, recorder.declaring(2)))

    sqlalchemy.event.listen(sqlalchemy.Table, "after_parent_attach", remember)
    for name in modules:
        imported(name)
    configure_mappers()
    classes = {
        m.local_table: m.class_
        for m in mappers()
        if (m.local_table is not None and not m.inherits) or m.local_table is not m.inherits.local_table  # noqa: E501
    }  # fmt: skip
    found: dict[str, dict[str, Any]] = {}
    with_path = {
        t.fullname
        for t, path in made.values()
        if (own_path(recorder, classes[t]) if t in classes else path)
    }
    for table, path in made.values():
        if table.metadata.tables.get(table.key) is not table:
            continue
        class_ = classes.get(table)
        declared = own_path(recorder, class_) if class_ is not None else path
        if declared is None and table.fullname in with_path:
            continue  # an older one, kept for a migration
        keys = [
            [
                [c.name for c in key.columns],
                target_of(key),
                [e.target_fullname.rpartition(".")[2] for e in key.elements],
            ]
            for key in table.foreign_key_constraints
        ]
        entry = found.setdefault(
            table.fullname,
            {
                "name": table.name, "schema": table.schema, "columns": [], "foreign_keys": [],
                "path": declared, "via": "model" if class_ is not None else "table",
                "note": note(recorder, class_) if class_ is not None else "",
            },
        )  # fmt: skip
        # Two declarations of one table are one table.
        entry["path"] = entry["path"] or declared
        entry["columns"] = sorted({*entry["columns"], *(c.name for c in table.columns)})
        entry["foreign_keys"] += [k for k in keys if k not in entry["foreign_keys"]]
    return list(found.values())


def mappers() -> list[Any]:
    """All mappers; SQLAlchemy 1.3 keeps them in one place."""
    home = importlib.import_module("sqlalchemy.orm.mapper")
    if hasattr(home, "_all_registries"):
        return [m for r in home._all_registries() for m in r.mappers]
    return list(home._mapper_registry)


def target_of(key: Any) -> str:
    return str(key.elements[0].target_fullname.rpartition(".")[0])


def imported(name: str) -> None:
    if not name.endswith(".*"):
        module, _, function = name.partition(":")
        made = importlib.import_module(module)
        if function:
            getattr(made, function)()
        return
    package = importlib.import_module(name[:-2])
    for found in pkgutil.walk_packages(package.__path__, f"{name[:-2]}.", onerror=lambda _: None):
        parts = found.name.split(".")
        if set(parts) & set(LEFT_OUT) or parts[-1].startswith("test") or "__main__" in parts:
            continue
        if parts[-1].endswith("_test"):
            continue
        try:
            importlib.import_module(found.name)
        except BaseException as error:
            print(f"not imported: {found.name}: {type(error).__name__} {error}", file=sys.stderr)


def own_path(recorder: Recorder, class_: type) -> str | None:
    file = getattr(sys.modules.get(class_.__module__), "__file__", None)
    return (recorder.path(file) or None) if file else None


def note(recorder: Recorder, class_: type) -> str:
    """What makes a class hard to see: where its bases are, where it is made."""
    if "<locals>" in class_.__qualname__:
        return "class made in a function"
    bases = [b for b in inspect.getmro(class_)[1:] if b is not object]
    roots = ("django.db", "sqlalchemy", "builtins", "typing", "flask_sqlalchemy", "sqlmodel")
    away = [b for b in bases if not b.__module__.startswith(roots) and not own_path(recorder, b)]
    return f"base class in other package ({away[0].__module__})" if away else ""


if __name__ == "__main__":
    sys.path.insert(0, str(Path.cwd()))
    recorder = Recorder(Path(sys.argv[1]))
    if sys.argv[2] == "django":
        tables = django_tables(recorder)
    else:
        tables = sqlalchemy_tables(recorder, sys.argv[3:])
    json.dump(sorted(tables, key=lambda t: (t["schema"] or "", t["name"])), sys.stdout)
