"""Tests that lie beside the code, and what makes rows for them: they are no part of the program."""

from __future__ import annotations

from collections.abc import Iterator

from migrator.analyze.facts.shape import CLASS, DEF, Interface

_LIBRARIES = frozenset({"pytest", "unittest", "nose", "hypothesis"})
_OF_FRAMEWORKS = ("django.test", "rest_framework.test", "flask_testing", "fastapi.testclient")
_FACTORIES = frozenset({"factory", "model_bakery", "polyfactory"})


def is_test(path: str, interface: Interface) -> bool:
    """Whether a file that is called like a test is one: it imports a library for tests, builds on
    another's ``TestCase``, or all its functions are tests. A command ``test_db.py`` is none."""
    name = path.rpartition("/")[2].removesuffix(".py")
    imported = list(_imported(interface))
    if name == "factories":
        return any(i.partition(".")[0] in _FACTORIES for i in imported)
    if not (name.startswith("test_") or name.endswith(("_test", "_tests")) or name == "tests"):
        return False
    if any(i.partition(".")[0] in _LIBRARIES or i.startswith(_OF_FRAMEWORKS) for i in imported):
        return True
    bases = [base for s in interface.body if s[0] == CLASS for base in s[4]]
    if any(type(base) is str and base.endswith("TestCase") for base in bases):
        return True
    functions = [s[3] for s in interface.body if s[0] == DEF]
    return bool(functions) and all(f.startswith("test_") for f in functions)


def _imported(interface: Interface) -> Iterator[str]:
    """The modules that are imported by their full name."""
    for _, _, _, level, module, names in interface.imports:
        if level == -1:
            yield from (name for name, _ in names)
        elif level == 0:
            yield module or ""
