"""Rows that are nodes of a tree: what the methods of mptt and treebeard do."""

from __future__ import annotations

from migrator.analyze.frameworks.django.objects import Objects
from migrator.analyze.frameworks.django.values import Query
from migrator.analyze.frameworks.protocol import At
from migrator.analyze.infer.values import Call, ClassRef, Instance, Value
from migrator.model.graph import AccessMode

_PACKAGES = ("mptt.", "treebeard.", "polymorphic_tree.", "wagtail.models")
_MANY = {
    "get_ancestors", "get_children", "get_descendants", "get_siblings", "get_family",
    "get_leafnodes", "get_tree", "get_root_nodes",
}  # fmt: skip
_ONE = {
    "get_root", "get_parent", "get_first_child", "get_last_child", "get_next_sibling",
    "get_prev_sibling", "get_previous_sibling", "get_first_sibling", "get_last_sibling",
    "get_first_root_node", "get_last_root_node",
}  # fmt: skip
_MODES: dict[str, tuple[AccessMode, ...]] = {
    "add_root": ("read", "insert"), "add_child": ("read", "insert", "update"),
    "add_sibling": ("read", "insert", "update"), "move": ("read", "update"),
    "move_to": ("read", "update"), "insert_at": ("read", "update"),
    "get_children_count": ("read",), "get_descendant_count": ("read",),
}  # fmt: skip


def called(
    objects: Objects, at: At, owner: Instance | ClassRef, name: str, call: Call
) -> Value | None:  # fmt: skip
    """What ``node.name(…)`` gives; None where it is no method of a tree."""
    if name not in _MANY and name not in _ONE and name not in _MODES:
        return None
    model = objects.model_of(owner.cls)
    if model is None or not any(
        f.startswith(_PACKAGES) for f in objects.project.classes.foreign(owner.cls)
    ):
        return None
    modes = _MODES.get(name, ("read",))
    objects.may(at, model.id, call.line, modes)
    if name in _MANY:
        return Query(model.id, custom=objects.managers.default(model.id).custom)
    return Instance(model.id) if name in _ONE or name.startswith("add_") else None
