"""The head of `.migrator/graph.json`: its version and the analysed root, without what follows."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

SCHEMA_VERSION = 1


def read_root(path: Path) -> str:
    """The analysed root alone, without reading what `dump_graph` writes below it. Raises
    MigratorError as `read_graph` does where the file is missing or no Graph."""
    try:
        with path.open(encoding="utf-8") as file:
            head = "".join(islice(file, 3)).rstrip().removesuffix(",")
        data = json.loads(head + "}")
        if data["schema_version"] == SCHEMA_VERSION and isinstance(data["root"], str):
            return data["root"]
    except (OSError, ValueError, TypeError, KeyError):
        pass
    from migrator.model.graph_file import read_graph

    return read_graph(path).root
