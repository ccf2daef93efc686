"""What an object does for names that it does not bind itself: ``__getattr__``, ``__setattr__``, the
setter of a property."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.analyze.infer.invoke import invoke, invoke_code
from migrator.analyze.infer.values import Call, Instance, Method, Text, Value

if TYPE_CHECKING:
    from migrator.analyze.infer.interpreter import Interpreter


def asked_for(at: Interpreter, owner: Instance, name: str, line: int) -> Value | None:
    """What ``__getattr__`` of the monolith's own class gives, as that of a wrapper around a row."""
    if name.startswith("__") or at.project.classes.find(owner.cls, "__getattr__") is None:
        return None
    method = at.member(owner, "__getattr__")
    if type(method) is not Method or _binds(at, owner.cls, name):
        return None
    return invoke(at, method, Call(line, None, (), (Text(name),), {}, {}), named=False)


def _binds(at: Interpreter, cls: str, name: str) -> bool:
    """Whether the class or an object of it has the name, though its value may not be known."""
    return any(
        name in class_.members or name in at.world.assigned(class_)
        for class_ in at.project.classes.ancestors(cls)
    )


def set_by(at: Interpreter, owner: Instance, name: str, value: Value | None, line: int) -> None:
    """Run the code that the monolith's own class has for setting the attribute."""
    classes = at.project.classes
    if owner.cls not in classes.by_id:
        return
    if name != "*" and classes.find(owner.cls, "__setattr__") is not None:
        method = at.member(owner, "__setattr__")
        if type(method) is Method:
            given = (Text(name), value)
            invoke(at, method, Call(line, None, (), given, {}, {}), named=False)
    found = classes.find(owner.cls, name)
    setter = found[0].setter(name) if found is not None else None
    if found is not None and setter is not None:
        code = at.project.method(found[0], setter)
        call = Call(line, None, (), (value,), {}, {})
        invoke_code(at, Method(owner, name, found[0].id), code, owner, call)
