"""Which processes a workspace needs and their environments: pure, nothing is started here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from migrator.model.manifest import ServiceManifest
from migrator.run.ports import HOST

GATEWAY = "gateway"

# What a person's shell may carry that would change a service's behaviour; everything else that
# a service needs is said explicitly.
_UNWANTED = ("PYTHONPATH", "PYTHONHOME", "FLASK_APP", "GUNICORN_CMD_ARGS", "WERKZEUG_RUN_MAIN")


@dataclass(frozen=True, slots=True)
class Process:
    """One process to run: `url` answers at `ready` once it can work, where it has one;
    `metrics` is the page that Prometheus reads."""

    service: str
    role: str
    argv: tuple[str, ...]
    cwd: Path
    environment: tuple[tuple[str, str], ...]
    url: str | None = None
    ready: str | None = None
    metrics: str | None = None

    @property
    def name(self) -> str:
        """How people and log files call it: ``accounts-web``."""
        return self.service if self.role == GATEWAY else f"{self.service}-{self.role}"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the processes of one run share."""

    workspace: Path
    python: str
    broker_url: str
    database_urls: Mapping[str, str]
    environ: Mapping[str, str]


def service_variable(service: str) -> str:
    """The variable that holds the base URL of `service`."""
    return f"SERVICE_URL_{service.upper().replace('-', '_')}"


def database_name(service: str) -> str:
    """The database of `service`: a plain SQL identifier."""
    return service.replace("-", "_").lower()


def ports_needed(manifests: Sequence[ServiceManifest]) -> int:
    """A web port, and metrics ports of relay and inbox, for each service."""
    return 3 * len(manifests)


def migration(manifest: ServiceManifest, around: Surroundings) -> Process:
    """The process that brings the service's database to its newest revision."""
    argv = (around.python, "-m", "alembic", "upgrade", "head")
    cwd = around.workspace / "services" / manifest.name
    return Process(manifest.name, "migrate", argv, cwd, _environment(manifest, around, {}))


def table(
    manifests: Sequence[ServiceManifest],
    around: Surroundings,
    ports: Sequence[int],
    gateway_port: int,
) -> tuple[Process, ...]:
    """Every long-running process, in the order of their start: services, then the gateway."""
    triples = [tuple(ports[i : i + 3]) for i in range(0, 3 * len(manifests), 3)]
    urls = {
        service_variable(manifest.name): f"http://{HOST}:{web}"
        for manifest, (web, _, _) in zip(manifests, triples, strict=True)
    }
    found: list[Process] = []
    for manifest, (web, relay, inbox) in zip(manifests, triples, strict=True):
        found.extend(_service(manifest, around, urls, (web, relay, inbox)))
    if (around.workspace / GATEWAY).is_dir():
        found.append(_gateway(around, urls, gateway_port))
    return tuple(found)


def _service(
    manifest: ServiceManifest,
    around: Surroundings,
    urls: Mapping[str, str],
    ports: tuple[int, int, int],
) -> Iterator[Process]:
    cwd = around.workspace / "services" / manifest.name
    web, relay, inbox = ports
    url = f"http://{HOST}:{web}"
    # fmt: off
    gunicorn = (
        around.python, "-m", "gunicorn", "wsgi:app", "--bind", f"{HOST}:{web}",
        "--worker-class", "gthread", "--threads", "8", "--workers", "1", "--graceful-timeout", "5",
    )
    # fmt: on
    environment = _environment(manifest, around, urls)
    ready, metrics = f"{url}/readyz", f"{url}/metrics"
    yield Process(manifest.name, "web", gunicorn, cwd, environment, url, ready, metrics)
    for role, port in (("relay", relay), ("inbox", inbox)):
        own = {**urls, "CHASSIS_METRICS_PORT": str(port)}
        argv = (around.python, "-m", "chassis", role)
        environment = _environment(manifest, around, own)
        metrics = f"http://{HOST}:{port}/metrics"
        yield Process(manifest.name, role, argv, cwd, environment, metrics=metrics)


def _gateway(around: Surroundings, urls: Mapping[str, str], port: int) -> Process:
    cwd = around.workspace / GATEWAY
    own = {**urls, "HOST": HOST, "PORT": str(port), "GATEWAY_ROUTES": str(cwd / "routes.json")}
    path = _python_path(cwd, around)
    environment = _merged(around, {**own, "PYTHONPATH": path})
    url = f"http://{HOST}:{port}"
    argv = (around.python, "-m", "gateway")
    ready, metrics = f"{url}/healthz", f"{url}/metrics"
    return Process(GATEWAY, GATEWAY, argv, cwd, environment, url, ready, metrics)


def _environment(
    manifest: ServiceManifest, around: Surroundings, own: Mapping[str, str]
) -> tuple[tuple[str, str], ...]:
    cwd = around.workspace / "services" / manifest.name
    return _merged(
        around,
        {
            **own,
            "PYTHONPATH": _python_path(cwd, around),
            "DATABASE_URL": around.database_urls[manifest.name],
            "BROKER_URL": around.broker_url,
            "CHASSIS_MANIFEST": "service.toml",
        },
    )


def _merged(around: Surroundings, own: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    kept = {name: value for name, value in around.environ.items() if name not in _UNWANTED}
    return tuple(sorted({**kept, "PYTHONUNBUFFERED": "1", **own}.items()))


def _python_path(own: Path, around: Surroundings) -> str:
    libraries = around.workspace / "libs"
    return ":".join(str(path) for path in (own, libraries / "chassis", libraries / "shared"))
