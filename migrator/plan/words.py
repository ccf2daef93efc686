"""Words that say how code is built, not what it is about: no names for services."""

from __future__ import annotations

import builtins
import keyword
import re
import sys

# Never a name: every monolith has them in every corner.
HOLLOW = {
    "api", "app", "apps", "admin", "base", "common", "core", "db", "form", "forms", "handlers",
    "helpers", "lib", "main", "me", "mixins", "model", "models", "module", "modules", "plugins",
    "queries", "routes", "schemas", "serializers", "server", "service", "services", "src", "tasks",
    "tests", "types", "util", "utils", "v1", "v2", "v3", "views", "web",
}  # fmt: skip

_LAYERS = {
    "adapter", "backend", "blueprint", "cli", "client", "command", "component", "conf", "config",
    "configuration", "constant", "context", "controller", "dao", "data",
    "database", "decorator", "domain", "dto", "endpoint", "entity", "enum", "error",
    "demo", "downloader", "example", "exporter", "importer", "sample", "uploader",
    "exception", "ext", "extension", "field", "filter", "fixture", "frontend", "function",
    "generic", "global", "hook", "html", "index", "infra", "infrastructure", "init", "interface",
    "internal", "layout", "legacy", "listener", "loader", "management", "manager", "middleware",
    "migration", "misc", "mutation", "operation", "option", "panel", "presenter",
    "provider", "public", "receiver", "registry", "repository", "resolver",
    "resource", "rest", "router", "rpc", "schema", "script", "selector", "serializer", "setting",
    "shared", "signal", "static", "storage", "template", "templatetag", "tool", "ui", "url",
    "usecase", "validator", "view", "viewset", "widget", "worker", "http-api", "rest-api",
}  # fmt: skip
# Layers of most monoliths that are the subject of some.
SUBJECTS = {
    "data", "database", "example", "field", "filter", "panel", "resource", "storage", "template",
    "widget",
}  # fmt: skip
_FRAMEWORKS = {
    "aiohttp", "alembic", "asgi", "bottle", "celery", "cherrypy", "click", "django", "dramatiq",
    "drf", "fastapi", "flask", "graphene", "graphql", "grpc", "jinja", "jinja2", "kafka", "mako",
    "marshmallow", "oauthlib", "peewee", "pydantic", "pyramid", "pytest", "quart", "redis",
    "requests", "rq", "sanic", "sqlalchemy", "sqlmodel", "starlette", "strawberry", "tornado",
    "typer", "webargs", "werkzeug", "wsgi", "wtforms",
}  # fmt: skip
# What a request does, not what it is about.
_DEEDS = {
    "add", "all", "apply", "bulk", "call", "check", "clear", "clone", "close", "connect", "convert",
    "copy", "count", "create", "custom", "default", "delete", "detail", "disable", "download",
    "edit", "enable", "exit", "export", "fetch", "find", "format", "generate", "get", "handle",
    "handler", "has", "home", "import", "is", "item", "list", "load", "login", "logout", "make",
    "manage", "move", "name", "new", "object", "open", "parse", "preview", "process", "read",
    "remove", "render", "result", "run", "save", "send", "set", "show", "start", "status", "stop",
    "submit", "sync", "test", "toggle", "update", "upload", "validate", "value", "write",
}  # fmt: skip
_BUILT = {
    *(word.lower() for word in (*keyword.kwlist, *keyword.softkwlist, *dir(builtins))),
    *(name.strip("_").replace("_", "-") for name in sys.stdlib_module_names),
}


def poor(word: str) -> bool:
    """A word of the language, its library, a framework, a layer or a deed: no name for a service
    where the code offers another."""
    short = len(word) < 2
    return short or word in _BUILT | _FRAMEWORKS | HOLLOW or bool(stems(word) & (_LAYERS | _DEEDS))


def stems(word: str) -> set[str]:
    """`word` and what it may be the plural of."""
    found = {word, word.removesuffix("s"), word.removesuffix("es")}
    return found | ({word.removesuffix("ies") + "y"} if word.endswith("ies") else set())


def split(name: str) -> list[str]:
    """The words of a name in any case: ``HTTPError_page`` are http, error and page."""
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)
    return [part.lower() for part in parts if len(part) > 2]
