"""What plug-ins asked of the functions of all modules while they read declarations.

A change that none of these questions can see leaves what they declared as it is (`inert`). They
look at functions by name (`Names.note`), by what is called in them, by a test of their own, or open
the body of one that they know. Whatever else there is in a module, they may look at unnoted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from migrator.analyze.infer.values import FunctionCode
    from migrator.analyze.project.modules import Module

# A function of a module, not made while another runs: it is kept by its name.
Test = Callable[["Module", "FunctionCode"], bool]


@dataclass(slots=True)
class Asked:
    """`calls` are names of called methods and functions, `names` those of definitions looked for
    in all modules, `tests` what functions were sought by, `opened` keys of functions whose bodies
    were read."""

    calls: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    tests: set[Test] = field(default_factory=set)
    opened: set[str] = field(default_factory=set)
