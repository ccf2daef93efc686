"""Classes of one application that are called alike: which of them its migrations mean."""

from __future__ import annotations

from migrator.analyze.frameworks.django.library import ROOTS, canonical
from migrator.analyze.frameworks.django.settings import Apps
from migrator.analyze.project.classes import Class
from migrator.analyze.project.project import Project


class Rivals:
    """`has(class_)` tells whether another class of its name and label is surely a model."""

    def __init__(self, project: Project, apps: Apps) -> None:
        self._project, self._apps = project, apps
        self._named: dict[str, list[Class]] = {}
        for class_ in project.classes.by_id.values():
            self._named.setdefault(class_.name, []).append(class_)

    def has(self, class_: Class) -> bool:
        label = self._apps.label(class_.module.name)
        return any(
            other.id != class_.id
            and self._apps.label(other.module.name) == label
            and any(canonical(b) in ROOTS for b in self._project.classes.foreign(other.id))
            for other in self._named.get(class_.name, ())
        )
