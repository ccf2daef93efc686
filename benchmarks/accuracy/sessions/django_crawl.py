"""Use a Django application without knowing it: rows for every model, every URL, every form.

``python django_crawl.py PACKAGE`` (settings from DJANGO_SETTINGS_MODULE) makes an empty database,
fills each model of PACKAGE (recursively what it needs), then asks for every URL as a superuser and
as nobody, posts each form that a page shows with plausible values, saves, reads and deletes rows,
and runs commands that need no argument. What fails, fails: the next step goes on.
"""

from __future__ import annotations

import contextlib
import datetime
import itertools
import re
import sys
import uuid
from collections.abc import Iterator
from decimal import Decimal
from io import StringIO
from typing import Any

import django

django.setup()

from django.apps import apps  # noqa: E402
from django.contrib.auth import get_user_model  # noqa: E402
from django.core.management import call_command, get_commands  # noqa: E402
from django.db import models, transaction  # noqa: E402
from django.test import Client  # noqa: E402
from django.urls import URLPattern, URLResolver, get_resolver  # noqa: E402
from django.utils import timezone  # noqa: E402

PACKAGE = sys.argv[1]
LONGEST = 40
numbers = itertools.count(1)
failures: list[str] = []


@contextlib.contextmanager
def attempt(what: str) -> Iterator[None]:
    try:
        with transaction.atomic():
            yield
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        failures.append(f"{what}: {type(error).__name__} {str(error)[:120]}")


def own_models() -> list[type[models.Model]]:
    return [m for m in apps.get_models() if m.__module__.partition(".")[0] == PACKAGE]


def value_for(field: models.Field[Any, Any]) -> Any:
    """Something that the field takes, new each time where it must be."""
    n = next(numbers)
    if field.choices:
        return next(iter(c for c, _ in field.flatchoices if c not in ("", None)), None)
    kinds: list[tuple[type[Any], Any]] = [
        (models.EmailField, f"a{n}@example.org"), (models.URLField, "https://example.org/"),
        (models.SlugField, f"slug-{n}"), (models.UUIDField, uuid.uuid4()),
        (models.BooleanField, True), (models.DecimalField, Decimal("1")), (models.FloatField, 1.0),
        (models.DateTimeField, timezone.now()), (models.DateField, datetime.date.today()),
        (models.TimeField, datetime.time(1)), (models.DurationField, datetime.timedelta(1)),
        (models.JSONField, {}), (models.GenericIPAddressField, "127.0.0.1"),
        (models.IntegerField, n), (models.FileField, "x.txt"), (models.BinaryField, b"x"),
    ]  # fmt: skip
    for kind, value in kinds:
        if isinstance(field, kind):
            return value
    return f"text{n}"[: field.max_length or LONGEST]


def row(model: type[models.Model], depth: int = 0) -> models.Model:
    """A saved row of the model; related rows are there already or made first."""
    given: dict[str, Any] = {}
    for field in model._meta.concrete_fields:
        if field.auto_created or (
            field.primary_key and field.get_internal_type().endswith("AutoField")
        ):
            continue
        if field.is_relation:
            related = field.related_model
            if depth < 4 and related is not model and not (field.null and depth > 1):
                found = related._default_manager.first() if not field.unique else None
                given[field.name] = found or row(related, depth + 1)
        elif not field.has_default() and not (field.null and field.unique):
            given[field.name] = value_for(field)
    if hasattr(model, "add_root"):
        for name in ("path", "depth", "numchild"):
            given.pop(name, None)
        return model.add_root(**given)  # type: ignore[no-any-return]
    made = model(**given)
    made.save()
    return made


def patterns(resolver: URLResolver, before: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for entry in resolver.url_patterns:
        here = before + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from patterns(entry, here)
        elif isinstance(entry, URLPattern):
            yield here, {}


def urls(pattern: str) -> Iterator[str]:
    """The pattern with its holes filled: with 1 and 2, and with the slugs that rows have."""
    plain = re.sub(r"\\Z|[\^$]|\(\?:", "", pattern)
    holes = re.compile(r"<(?:(\w+):)?(\w+)>|\(\?P<(\w+)>([^()]*)\)")
    slugs = [SLUGS.get("slug", "slug")]
    for number in ("1", "2"):

        def fill(match: re.Match[str], number: str = number) -> str:
            kind, name = match.group(1) or "", match.group(2) or match.group(3)
            inner = match.group(4) or ""
            if name in SLUGS:
                return SLUGS[name]
            if kind == "int" or "\\d" in inner or name.endswith(("pk", "id")):
                return number
            return slugs[0] if "slug" in (kind + name) else SLUGS.get(name, number)

        yield "/" + holes.sub(fill, plain).replace("\\", "").replace("?", "").lstrip("/")


SLUGS: dict[str, str] = {}


def posted(form: Any) -> dict[str, Any]:
    """Values for the fields of a form as a browser would send them."""
    found: dict[str, Any] = {}
    for bound in form:
        field, name = bound.field, bound.html_name
        initial = bound.value()
        choices = [c for c in getattr(field, "choices", ()) or () if c and c[0] not in ("", None)]
        if initial not in (None, "", []):
            found[name] = initial
        elif choices:
            found[name] = getattr(choices[0][0], "value", choices[0][0])
        else:
            kind = type(field).__name__
            found[name] = (
                "a@example.org" if "Email" in kind
                else "2026-01-01" if "Date" in kind
                else "1" if kind.startswith(("Int", "Dec", "Float"))
                else "on" if "Bool" in kind
                else f"text{next(numbers)}"
            )  # fmt: skip
    return {k: v for k, v in found.items() if v is not None}


def forms_in(response: Any) -> Iterator[Any]:
    for context in response.context or ():
        for inner in context if isinstance(context, list) else [context]:
            for value in getattr(inner, "flatten", dict)().values():
                if hasattr(value, "fields") and hasattr(value, "is_valid"):
                    yield value


def visit(client: Client, url: str) -> None:
    with attempt(f"GET {url}"):
        response = client.get(url)
        data: dict[str, Any] = {}
        for form in forms_in(response):
            with contextlib.suppress(Exception):
                data |= posted(form)
        if response.status_code < 400:
            with attempt(f"POST {url}"):
                client.post(url, data)


def crawl(user: Any) -> None:
    skip = ("logout", "admin/", "i18n", "static", "__debug__", "jsi18n")
    every = [p for p, _ in patterns(get_resolver()) if not any(s in p for s in skip)]
    last = [p for p in every if "delete" in p or "remove" in p]
    for pattern in [*(p for p in every if p not in last), *last]:
        for url in dict.fromkeys(urls(pattern)):
            client = Client(raise_request_exception=True)
            client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
            visit(client, url)
            if "<" not in pattern:
                visit(Client(), url)
                break


def handle_rows() -> None:
    for model in own_models():
        with attempt(f"full_clean {model.__name__}"):
            made = row(model)
            str(made)
            with contextlib.suppress(Exception):
                made.full_clean()
            for name in dir(model):
                if name.startswith(("get_", "is_", "has_", "can_")) and "_display" not in name:
                    with contextlib.suppress(Exception), transaction.atomic():
                        value = getattr(made, name)
                        if callable(value):
                            value()


def commands() -> None:
    for name, home in get_commands().items():
        if isinstance(home, str) and home.partition(".")[0] == PACKAGE and "test" not in name:
            with attempt(f"command {name}"):
                call_command(name, stdout=StringIO(), stderr=StringIO())


def main() -> int:
    call_command("migrate", run_syncdb=True, verbosity=0)
    user = get_user_model()(**{get_user_model().USERNAME_FIELD: "root@example.org"})
    for name in ("is_staff", "is_superuser", "is_active"):
        if hasattr(user, name):
            with contextlib.suppress(AttributeError):
                setattr(user, name, True)
    user.set_password("secret")
    user.save()
    for model in own_models():
        for _ in range(2):
            with attempt(f"row of {model.__name__}"):
                made = row(model)
                for field in model._meta.concrete_fields:
                    if isinstance(field, models.SlugField):
                        SLUGS.setdefault("slug", str(getattr(made, field.name)))
                        SLUGS.setdefault(model.__name__.lower(), str(getattr(made, field.name)))
    crawl(user)
    handle_rows()
    commands()
    for model in own_models():
        with attempt(f"delete {model.__name__}"):
            made = row(model)
            made.save()
            made.delete()
    print("\n".join(failures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
