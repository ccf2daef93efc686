"""What a metaclass of the monolith makes of the models that it is the metaclass of."""

from __future__ import annotations

from migrator.analyze.facts.shape import CLASS, CONST, SET, Block
from migrator.analyze.project.classes import Class
from migrator.analyze.project.project import Project
from migrator.analyze.project.walk import nested


def makes_proxies(project: Project, class_: Class) -> bool:
    """Whether the ``__new__`` of its metaclass gives the class a ``Meta`` with ``proxy = True``."""
    for own in project.classes.ancestors(class_.id):
        written = next((v for k, v in own.keywords if k == "metaclass"), None)
        if type(written) is not str:
            continue
        for above in project.classes.ancestors(project.resolve(own.module.name, written) or ""):
            statement = above.method("__new__")
            if statement is not None:
                return _has_proxy(project.block(project.method(above, statement)))
    return False


def _has_proxy(block: Block) -> bool:
    for statement in nested(block):
        if statement[0] == CLASS and statement[3] == "Meta":
            return any(
                s[0] == SET and "proxy" in s[2] and s[3] == (CONST, True) for s in statement[7]
            )
    return False
