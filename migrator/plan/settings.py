"""What people set for `migrator plan`: `[plan]` of migrator.toml."""

from __future__ import annotations

from dataclasses import dataclass, field

from migrator.model.config import Config
from migrator.plan.constraints import Rules, rules_of
from migrator.plan.search import SEED
from migrator.plan.weights import DEFAULT, Weights, weights_of


@dataclass(frozen=True, slots=True)
class Settings:
    """The weights of ties, the rules, and the seed of the search."""

    weights: Weights = field(default_factory=lambda: DEFAULT)
    rules: Rules = field(default_factory=Rules)
    seed: int = SEED


def settings_of(config: Config) -> Settings:
    """Raises MigratorError with the line of an unknown or wrong setting."""
    seed = int(config.section("plan").number("seed", SEED))
    return Settings(weights_of(config), rules_of(config), seed)
