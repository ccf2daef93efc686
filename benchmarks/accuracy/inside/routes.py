"""Print the routes that the application answers when it runs, as JSON.

``python routes.py ROOT django`` (settings from DJANGO_SETTINGS_MODULE) or ``python routes.py ROOT
flask MODULE:APPLICATION``, an application or a function that makes one. One object a route of the
application's own code: url (its parameters as ``<>``), methods[] (empty where any is let through),
path (of the file that answers, relative to ROOT), name (of the function or class at its top level).
"""

from __future__ import annotations

import functools
import importlib
import inspect
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from recorder import Recorder

_GROUP = re.compile(r"\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)")
_REPEATED = re.compile(r"(\[[^\]]*\]|\\[wdS]|\.)[+*]\??")
_PARAMETER = re.compile(r"<[^<>]*>")


def django_routes() -> Iterator[tuple[str, list[str], Any]]:
    import django
    from django.urls import get_resolver

    django.setup()

    def below(patterns: list[Any], prefix: str) -> Iterator[tuple[str, list[str], Any]]:
        for one in patterns:
            url = prefix + text(one.pattern)
            if "(?P<format>" in str(one.pattern):
                continue  # the same once more, by REST framework
            if hasattr(one, "url_patterns"):
                yield from below(one.url_patterns, url)
            else:
                yield url, [], one.callback

    yield from below(get_resolver().url_patterns, "/")


def text(pattern: Any) -> str:
    from django.urls.resolvers import LocalePrefixPattern, RoutePattern

    if isinstance(pattern, LocalePrefixPattern):
        return "<>/"
    written = str(pattern)
    if isinstance(pattern, RoutePattern):
        return _PARAMETER.sub("<>", written)
    plain = _REPEATED.sub("<>", _GROUP.sub("<>", written)).replace("/?", "/")
    return re.sub(r"\\(.)", r"\1", re.sub(r"[\^$]|\\Z|\(\?\w\)", "", plain))


def flask_routes(place: str) -> Iterator[tuple[str, list[str], Any]]:
    module, _, name = place.partition(":")
    made = getattr(importlib.import_module(module), name)
    app = made if hasattr(made, "url_map") else made()
    for rule in app.url_map.iter_rules():
        if rule.build_only:
            continue
        methods = sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
        yield _PARAMETER.sub("<>", rule.rule), methods, app.view_functions[rule.endpoint]


def answering(view: Any) -> Any:
    """The class or the function below what frameworks and decorators put around it."""
    while True:
        for name in ("view_class", "cls"):
            if inspect.isclass(getattr(view, name, None)):
                return getattr(view, name)
        if isinstance(view, functools.partial):
            view = view.func
        elif inspect.ismethod(view) and not inspect.isclass(view.__self__):
            owner = view.__self__
            # Django's own admin shows the application's model.
            foreign = type(owner).__module__.startswith("django.")
            return owner.model if foreign and hasattr(owner, "model") else type(owner)
        elif hasattr(view, "__wrapped__"):
            view = view.__wrapped__
        elif not hasattr(view, "__qualname__"):
            return type(view)
        elif (inner := closed_over(view)) is not None:
            view = inner
        else:
            return view


def closed_over(view: Any) -> Any:
    """The one class that a function made by another remembers."""
    if "<locals>" not in view.__qualname__ or inspect.isclass(view):
        return None
    kept = [cell.cell_contents for cell in getattr(view, "__closure__", None) or ()]
    classes = [one for one in kept if inspect.isclass(one)]
    return classes[0] if len(classes) == 1 else None


def main(recorder: Recorder, framework: str, arguments: list[str]) -> list[dict[str, Any]]:
    read: Callable[[], Iterator[tuple[str, list[str], Any]]] = (
        django_routes if framework == "django" else lambda: flask_routes(*arguments)
    )
    found = []
    for url, methods, view in read():
        own = answering(view)
        file = getattr(sys.modules.get(own.__module__), "__file__", None)
        path = recorder.path(file) if file else None
        if path:
            name = own.__qualname__.partition(".")[0]
            found.append({"url": url, "methods": methods, "path": path, "name": name})
    return found


if __name__ == "__main__":
    sys.path.insert(0, str(Path.cwd()))
    result = main(Recorder(Path(sys.argv[1])), sys.argv[2], sys.argv[3:])
    print()
    json.dump(sorted(result, key=lambda r: (r["url"], r["methods"])), sys.stdout)
