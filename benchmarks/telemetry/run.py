"""Latency and CPU of an instrumented service against the same one without telemetry, in one run.

    python benchmarks/telemetry/run.py [--requests 2000] [--rounds 3] [--json FILE]

The sample's service `jobs` is scaffolded and runs twice, as its image starts it (gunicorn with
threads), over one PostgreSQL: as generated, exporting traces, metrics and logs by OTLP to an
endpoint that takes all of it, with an access line a request; and without any of these (plain.py).
One client asks one and the other in turn, so that whatever else the machine does meets both alike.
A percentile is that of the requests of all rounds; beside it stands the range of the rounds'
ratios. CPU is that of the service's processes, exporting included, a request. Each kind: a list of
20 jobs; a job, whose view is written and sent through the outbox; the list of skills.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import psycopg

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT))

from migrator.run.ports import HOST, free_port  # noqa: E402
from migrator.run.servers import EmbeddedPostgres  # noqa: E402

KINDS = {"list of jobs": "/api/jobs", "a job": "/api/jobs/{id}", "skills": "/api/skills"}
JOBS = 200
# What DESIGN.md asks for.
MOST = {"p50": 1.15, "p99": 1.25}
SEED = f"""
INSERT INTO companies (id, name, slug, description, city, is_verified)
SELECT i, 'Company ' || i, 'company-' || i, 'Builds things.', 'Hamburg', true
FROM generate_series(1, 20) AS i;
INSERT INTO jobs (company_id, title, slug, description, location, employment_type, is_remote,
                  salary_min_cents, currency, status, published_at)
SELECT 1 + i % 20, 'Engineer ' || i, 'engineer-' || i, repeat('Builds things. ', 20), 'Hamburg',
       'full_time', true, 5000000, 'EUR', 'open', now() FROM generate_series(1, {JOBS}) AS i;
INSERT INTO skills (name, slug)
SELECT 'Skill ' || i, 'skill-' || i FROM generate_series(1, 30) AS i;
INSERT INTO job_skills (job_id, skill_id)
SELECT j, 1 + (j + s) % 30 FROM generate_series(1, {JOBS}) AS j, generate_series(0, 2) AS s;
"""


@dataclass(frozen=True)
class Service:
    """One of the two: where it answers, and its processes."""

    port: int
    process: subprocess.Popen[bytes]

    def cpu(self) -> float:
        """Seconds of CPU that its processes have used."""
        ticks = os.sysconf("SC_CLK_TCK")
        return sum(_ticks(pid) for pid in _family(self.process.pid)) / ticks


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(found for child in children for found in _family(int(child)))]


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def scaffold(folder: Path) -> Path:
    """The sample's workspace."""
    for command in (["analyze", str(ROOT / "sample_monolith")], ["plan"], ["scaffold"]):
        argv = [sys.executable, "-m", "migrator", *command]
        subprocess.run(argv, cwd=folder, check=True, capture_output=True)
    return folder / "workspace"


@contextmanager
def running(
    workspace: Path, application: str, environment: dict[str, str], log: Path
) -> Iterator[Service]:
    """The service `jobs` with the WSGI module `application`."""
    home = workspace / "services" / "jobs"
    port = free_port()
    # fmt: off
    argv = [
        sys.executable, "-m", "gunicorn", f"{application}:app", "--bind", f"{HOST}:{port}",
        "--worker-class", "gthread", "--threads", "8",
    ]
    # fmt: on
    with log.open("wb") as stream:
        process = subprocess.Popen(argv, cwd=home, env=environment, stdout=stream, stderr=stream)
    try:
        found = Service(port, process)
        _wait_until_ready(found, log)
        yield found
    finally:
        process.terminate()
        process.wait(20)


def _wait_until_ready(service: Service, log: Path) -> None:
    for _ in range(200):
        if service.process.poll() is not None:
            break
        try:
            if ask(HTTPConnection(HOST, service.port, timeout=5), "/readyz")[0] == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"the service does not start:\n{log.read_text()[-2000:]}")


def ask(connection: HTTPConnection, path: str) -> tuple[int, float]:
    """The answer's status, and the seconds until it was read."""
    begun = time.perf_counter()
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    return answer.status, time.perf_counter() - begun


def measure(services: Sequence[Service], path: str, requests: int) -> tuple[list[float], ...]:
    """The seconds of `requests` requests to each service, asked in turn."""
    connections = [HTTPConnection(HOST, service.port, timeout=30) for service in services]
    found: tuple[list[float], ...] = tuple([] for _ in services)
    order = list(range(len(services)))
    for _ in range(requests):
        # Which comes first is a toss: nobody always finds what the other warmed.
        random.shuffle(order)
        target = path.format(id=random.randint(1, JOBS))
        for index in order:
            status, seconds = ask(connections[index], target)
            if status != 200:
                raise SystemExit(f"{target}: {status}")
            found[index].append(seconds)
    return found


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of `values` do not exceed."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


@dataclass(frozen=True)
class Figures:
    """Of one request kind: milliseconds without and with telemetry, and the ratio; the least and
    the greatest ratio of a round."""

    kind: str
    what: str
    without: float
    instrumented: float
    ratio: float
    least: float
    greatest: float
    samples: int


def rounds(kind: str, services: Sequence[Service], requests: int, count: int) -> list[Figures]:
    """The figures of `kind`, of `count` rounds."""
    path = KINDS[kind]
    measure(services, path, max(50, requests // 10))
    plain: list[list[float]] = []
    instrumented: list[list[float]] = []
    used: list[tuple[float, float]] = []
    for _ in range(count):
        before = [service.cpu() for service in services]
        found = measure(services, path, requests)
        # What is still to be exported is a cost of these requests.
        time.sleep(2)
        first, second = (s.cpu() - begun for s, begun in zip(services, before, strict=True))
        plain.append(found[0])
        instrumented.append(found[1])
        used.append((first / requests, second / requests))
    made = []
    for what, share in (("p50", 0.5), ("p99", 0.99)):
        pairs = [
            (percentile(a, share), percentile(b, share))
            for a, b in zip(plain, instrumented, strict=True)
        ]
        whole = [
            percentile([s for one in side for s in one], share) for side in (plain, instrumented)
        ]
        made.append(_figures(kind, what, whole[0], whole[1], pairs, requests * count))
    whole = [statistics.mean(side) for side in zip(*used, strict=True)]
    made.append(_figures(kind, "cpu", whole[0], whole[1], used, requests * count))
    return made


def _figures(
    kind: str,
    what: str,
    without: float,
    instrumented: float,
    pairs: Sequence[tuple[float, float]],
    samples: int,
) -> Figures:
    ratios = [b / a for a, b in pairs]
    return Figures(
        kind,
        what,
        without * 1000,
        instrumented * 1000,
        instrumented / without,
        min(ratios),
        max(ratios),
        samples,
    )


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--requests", type=int, default=2000, help="of a kind, service, round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="also write the figures there")
    given = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="telemetry-")))
        workspace = scaffold(folder)
        (workspace / "services/jobs/plain.py").write_text((HERE / "plain.py").read_text())
        postgres = stack.enter_context(EmbeddedPostgres(folder / "postgres", durable=False))
        sink = subprocess.Popen([sys.executable, str(HERE / "sink.py")], stdout=subprocess.PIPE)
        stack.callback(sink.kill)
        assert sink.stdout is not None
        endpoint = f"http://{HOST}:{int(sink.stdout.readline())}"
        services = []
        for application in ("plain", "wsgi"):
            environment = _environment(workspace, postgres.create_database(application))
            _prepare(workspace, environment)
            if application == "wsgi":
                environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = endpoint
            log = folder / f"{application}.log"
            services.append(stack.enter_context(running(workspace, application, environment, log)))
        figures = [
            found
            for kind in KINDS
            for found in rounds(kind, services, given.requests, given.rounds)
        ]
    _print(figures)
    if given.json:
        given.json.write_text(json.dumps([vars(found) for found in figures], indent=1) + "\n")


def _environment(workspace: Path, database_url: str) -> dict[str, str]:
    libraries = workspace / "libs"
    path = [workspace / "services/jobs", libraries / "chassis", libraries / "shared"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    return kept | {
        "PYTHONPATH": os.pathsep.join(map(str, path)),
        "DATABASE_URL": database_url,
        "BROKER_URL": "nats://127.0.0.1:1",
        "CHASSIS_MANIFEST": "service.toml",
    }


def _prepare(workspace: Path, environment: dict[str, str]) -> None:
    argv = [sys.executable, "-m", "alembic", "upgrade", "head"]
    home = workspace / "services/jobs"
    subprocess.run(argv, cwd=home, env=environment, check=True, capture_output=True)
    url = environment["DATABASE_URL"].replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(SEED.encode())


def _print(figures: Sequence[Figures]) -> None:
    samples = figures[0].samples
    print(
        f"{samples} requests of each kind to each service; p99 is of the slowest {samples // 100}."
    )
    print(f"{'request':<14}{'':<5}{'without':>10}{'with':>10}{'ratio':>8}   of each round")
    for found in figures:
        most = MOST.get(found.what)
        verdict = "" if most is None else f"  (at most {most:g})"
        print(
            f"{found.kind:<14}{found.what:<5}{found.without:>7.2f} ms{found.instrumented:>7.2f} ms"
            f"{found.ratio:>8.2f}   {found.least:.2f} to {found.greatest:.2f}{verdict}"
        )


if __name__ == "__main__":
    main()
