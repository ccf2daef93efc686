"""Where a module lies in a service: where its name says, whatever folder it was read from.

A service starts in a folder of its own with nothing else on its path, so ``src/shop/models.py``
becomes ``shop/models.py``, as does ``models.py`` of a monolith that was analysed from inside its
package ``shop``.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

from migrator.model.graph import Module

_INIT = "__init__.py"


def carved_path(module: Module) -> str:
    stem = module.name.replace(".", "/")
    return f"{stem}/{_INIT}" if is_package(module) else f"{stem}.py"


def is_package(module: Module) -> bool:
    return PurePosixPath(module.path).name == _INIT


def carved_folders(modules: Iterable[Module]) -> dict[PurePosixPath, PurePosixPath]:
    """The folder of each module as the monolith has it -> as a service has it."""
    return {
        PurePosixPath(module.path).parent: PurePosixPath(carved_path(module)).parent
        for module in modules
    }
