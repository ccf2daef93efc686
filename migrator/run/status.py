"""What `status` reads: plan, graph, workspace, and how the traffic goes by Prometheus."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from migrator.model.errors import MigratorError
from migrator.model.graph_file import read_graph
from migrator.model.plan_file import read_plan
from migrator.model.progress import Progress
from migrator.plan.progress import Route, progress
from migrator.plan.resolve import assign
from migrator.run.workspace import read_manifests

_NOBODY = "none"
_SECONDS = 10


def read_progress(graph_path: Path, plan_path: Path, workspace: Path | None) -> Progress:
    """How far the migration is; `workspace` None stands for nothing carved yet.

    Raises MigratorError where a file is missing or broken.
    """
    graph, plan = read_graph(graph_path), read_plan(plan_path)
    routed: dict[Route, str] = {}
    owned: dict[str, tuple[str, ...]] = {}
    if workspace is not None:
        owned = {manifest.name: manifest.owned for manifest in read_manifests(workspace)}
        routed = _routed(workspace / "gateway" / "routes.json")
    return progress(plan, assign(plan, graph), graph, routed, owned)


def read_traffic(prometheus: str, over: str) -> dict[str, float]:
    """Requests of the last `over` (a PromQL duration) that the gateway passed on, by who answered:
    a service's name, or ``monolith``.

    Raises MigratorError where Prometheus does not answer, or knows no such request.
    """
    query = f"sum by (upstream) (increase(gateway_requests_total[{over}]))"
    url = f"{prometheus.rstrip('/')}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
    if not url.startswith(("http://", "https://")):
        raise MigratorError("--prometheus: an http:// or https:// URL expected", where=prometheus)
    try:
        with urllib.request.urlopen(url, timeout=_SECONDS) as answer:
            rows = json.load(answer)["data"]["result"]
        found = {row["metric"]["upstream"]: float(row["value"][1]) for row in rows}
    except urllib.error.HTTPError as error:
        raise MigratorError(f"Prometheus refuses: {_reason(error)}", where=prometheus) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MigratorError(f"no answer of Prometheus: {error}", where=prometheus) from error
    found.pop(_NOBODY, None)
    if not found:
        raise MigratorError(
            f"Prometheus knows no request that the gateway passed on in the last {over}",
            where=prometheus,
            hint="is it the Prometheus of the workspace? a longer --over looks further back",
        )
    return found


def _routed(path: Path) -> dict[Route, str]:
    try:
        entries = json.loads(path.read_text("utf-8"))
        return {(e["method"].upper(), e["path"]): e["service"] for e in entries}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise MigratorError(
            f"not a list of method, path and service: {error!r}", where=str(path)
        ) from error


def _reason(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.load(error)["error"])
    except (ValueError, KeyError, TypeError):
        return str(error)
