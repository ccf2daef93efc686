"""Tests that lie beside the code: they are no part of the program."""

from __future__ import annotations

from migrator.analyze.facts.shape import CLASS, DEF, Interface

_LIBRARIES = frozenset({"pytest", "unittest", "nose", "hypothesis"})
_OF_FRAMEWORKS = ("django.test", "rest_framework.test", "flask_testing", "fastapi.testclient")


def is_test(path: str, interface: Interface) -> bool:
    """Whether a file that is called like a test is one: it imports a library for tests, builds on
    another's ``TestCase``, or all its functions are tests. A command ``test_db.py`` is none."""
    name = path.rpartition("/")[2].removesuffix(".py")
    if not (name.startswith("test_") or name.endswith(("_test", "_tests")) or name == "tests"):
        return False
    for _, _, _, level, module, names in interface.imports:
        imported = [name for name, _ in names] if level == -1 else [module or ""]
        if level <= 0 and any(
            i.partition(".")[0] in _LIBRARIES or i.startswith(_OF_FRAMEWORKS) for i in imported
        ):
            return True
    bases = [base for s in interface.body if s[0] == CLASS for base in s[4]]
    if any(type(base) is str and base.endswith("TestCase") for base in bases):
        return True
    functions = [s[3] for s in interface.body if s[0] == DEF]
    return bool(functions) and all(f.startswith("test_") for f in functions)
