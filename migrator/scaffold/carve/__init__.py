"""The carve: the monolith's own source, pruned and rewritten for one service. Pure functions."""

from migrator.scaffold.carve.service import carve_services
from migrator.scaffold.carve.shared import carve_shared

__all__ = ["carve_services", "carve_shared"]
