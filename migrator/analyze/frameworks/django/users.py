"""Which model the users are, where no settings of the tree say so."""

from __future__ import annotations

from migrator.analyze.facts.shape import CONST
from migrator.analyze.frameworks.django.library import canonical
from migrator.analyze.frameworks.django.meta import Meta
from migrator.analyze.frameworks.django.models import DjangoModel
from migrator.analyze.frameworks.django.settings import Apps
from migrator.analyze.project.project import Project

_BASES = frozenset(
    {"django.contrib.auth.base_user.AbstractBaseUser", "django.contrib.auth.models.AbstractUser"}
)


_OF_ROWS = {"save", "delete", "pk", "id", "refresh_from_db", "full_clean", "_meta"}
_OF_USERS = {
    "is_authenticated", "is_anonymous", "has_perm", "has_perms", "has_module_perms",
    "get_all_permissions", "get_username", "get_full_name", "get_short_name", "set_password",
    "check_password", "email_user", "natural_key", "backend",
}  # fmt: skip


def has(model: DjangoModel | None, name: str) -> bool:
    """Whether a row has attribute `name` by Django, not by the monolith's own class."""
    if name in _OF_ROWS or model is None:
        return name in _OF_ROWS
    user = "password" in model.fields and "last_login" in model.fields
    return name in model.fields or name in model.reverse or (user and name in _OF_USERS)


def only_users(project: Project, apps: Apps) -> str | None:
    """``app.Model`` of the one model that can be ``AUTH_USER_MODEL``: settings often lie outside
    of an application. None where there are several, or none."""
    found: dict[str, str] = {}
    for class_ in project.classes.by_id.values():
        foreign = {canonical(base) for base in project.classes.foreign(class_.id)}
        if not foreign & _BASES:
            continue
        meta = Meta(project, class_)
        if (CONST, True) not in (meta.own("abstract"), meta.own("proxy")):
            label = meta.text("app_label") or apps.label(class_.module.name)
            found[class_.id] = f"{label}.{class_.name}"
    first = [
        name for id_, name in found.items()
        if not any(above in found for above in project.classes.by_id[id_].mro[1:])
    ]  # fmt: skip
    return first[0] if len(first) == 1 else None
