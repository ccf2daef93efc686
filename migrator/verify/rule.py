"""What a rule is, and how all rules are found: each is one file below ``rules/``."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from migrator.model.finding import Finding, Severity
from migrator.verify.subject import Subject


@dataclass(frozen=True, slots=True)
class Rule:
    """`why` is the reason that people read in the documentation; `good` and `bad` are examples."""

    name: str
    severity: Severity
    why: str
    good: str
    bad: str
    check: Callable[[Subject], Iterable[Finding]]


def all_rules() -> tuple[Rule, ...]:
    """Every module of `migrator.verify.rules` that holds a ``RULE``, by name."""
    from migrator.verify import rules

    modules = (
        importlib.import_module(f"{rules.__name__}.{info.name}")
        for info in pkgutil.iter_modules(rules.__path__)
    )
    found = [module.RULE for module in modules if isinstance(getattr(module, "RULE", None), Rule)]
    return tuple(sorted(found, key=lambda rule: rule.name))


def verify(subject: Subject) -> tuple[Finding, ...]:
    """Run every rule; findings sorted by place."""
    findings = {finding for rule in all_rules() for finding in rule.check(subject)}
    return tuple(sorted(findings, key=lambda f: (f.path, f.line, f.rule, f.source, f.target)))
