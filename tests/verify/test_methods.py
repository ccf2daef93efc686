"""Which methods of a class a service may come to call."""

from __future__ import annotations

import ast
from textwrap import dedent

import pytest

from migrator.model.graph import Dependency
from migrator.verify.methods import Methods, methods_of

MODELS = """
    class Saved:
        def save(self):
            self.stored = True

        def drop(self):
            self.gone = True


    class Person(Saved, Base):
        def rename(self, name):
            self.name = name

        def greet(self):
            self.touch()

        def touch(self):
            self.seen = 1

        @validates("name")
        def check(self, key, value):
            self.checked = True

        def __init__(self):
            self.made = True


    class Pet(Base):
        def feed(self):
            self.fed = True
    """
LINES = {name: number for number, name in enumerate(dedent(MODELS).splitlines(), start=1)}


RENAMING = "def show(person):\n    person.rename('x')\n"


def methods(code: str, *calls: tuple[str, str], models: str = MODELS) -> Methods:
    sources = {"shop/models.py": ast.parse(dedent(models)), "shop/views.py": ast.parse(code)}
    edges = [
        Dependency(f"shop.{source}", f"shop.models:{target}", "calls", 1, 1)
        for source, target in calls
    ]
    return methods_of(sources, edges, {"shop.models:Person", "shop.models:Pet"})


def may_run(found: Methods, name: str, owner: str = "Person") -> bool:
    line = next(number for text, number in LINES.items() if f"def {name}(" in text)
    return found.may_run(f"shop.models:{owner}", line + 1)


def test_what_nobody_calls_does_not_run() -> None:
    found = methods(RENAMING)
    assert not may_run(found, "rename")
    assert not may_run(found, "__init__")


def test_of_a_class_that_is_called_only_what_is_asked_for_runs() -> None:
    found = methods(RENAMING, ("views:show", "Person"))
    assert may_run(found, "rename")
    assert not may_run(found, "touch")
    assert not may_run(found, "feed", "Pet")


@pytest.mark.parametrize("name", ["__init__", "check"])
def test_what_python_or_a_decorator_runs_needs_no_name(name: str) -> None:
    assert may_run(methods("def show(p):\n    pass\n", ("views:show", "Person")), name)


def test_methods_call_each_other() -> None:
    found = methods("def show(p):\n    p.greet()\n", ("views:show", "Person"))
    assert may_run(found, "touch")


def test_methods_call_those_of_other_classes() -> None:
    feeding = MODELS.replace("self.name = name", "Pet().feed()")
    calls = ("views:show", "Person"), ("models:Person", "Pet")
    assert may_run(methods(RENAMING, *calls, models=feeding), "feed", "Pet")
    assert not may_run(methods(RENAMING, *calls), "feed", "Pet")


def test_a_name_may_be_a_text() -> None:
    found = methods("def show(p):\n    getattr(p, 'rename')()\n", ("views:show", "Person"))
    assert may_run(found, "rename")


@pytest.mark.parametrize(("call", "runs"), [("save", True), ("greet", False)])
def test_what_is_inherited_is_told_at_the_class(call: str, runs: bool) -> None:
    found = methods(f"def show(p):\n    p.{call}()\n", ("views:show", "Person"))
    line = next(number for text, number in LINES.items() if text.startswith("class Person"))
    assert found.may_run("shop.models:Person", line) is runs


def test_a_function_may_always_run() -> None:
    assert methods("").may_run("shop.views:show", 1)


def test_who_calls_from_a_module_is_all_of_it() -> None:
    found = methods("PEOPLE = [p.rename('x') for p in ()]\n", ("views:<module>", "Person"))
    assert may_run(found, "rename")
