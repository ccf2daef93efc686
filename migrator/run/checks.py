"""`up --check`: asks a running workspace the questions that a person would ask it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from migrator.model.errors import MigratorError
from migrator.model.manifest import ServiceManifest
from migrator.run import scenario
from migrator.run.processes import Process

_POLL_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Result:
    """One check: empty `problems` mean that it passed."""

    name: str
    problems: tuple[str, ...]
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether nothing was wrong."""
        return not self.problems


def read_scenario(path: Path) -> tuple[scenario.Step, ...]:
    """The steps of the file at `path`."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        document = YAML(typ="safe").load(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise MigratorError("the file does not exist", where=str(path)) from error
    except (YAMLError, UnicodeDecodeError) as error:
        raise MigratorError(f"no YAML: {error}", where=str(path)) from error
    return scenario.parse(document, str(path))


def parameterless_reads(manifests: Iterable[ServiceManifest]) -> list[str]:
    """GET routes that can be asked without knowing anything."""
    return sorted(
        {
            rule
            for manifest in manifests
            for method, rule in manifest.routes
            if method.upper() == "GET" and "<" not in rule
        }
    )


def run_checks(
    processes: Sequence[Process],
    manifests: Sequence[ServiceManifest],
    steps: Sequence[scenario.Step],
) -> list[Result]:
    """Health of every service, each plain read through the gateway, then the scenario."""
    gateway = next((p.url for p in processes if p.role == "gateway"), None)
    results: list[Result] = []
    with httpx.Client(timeout=15.0, trust_env=False) as client:
        for process in processes:
            if process.url and process.ready:
                results.append(_plain(client, f"{process.name} is ready", process.ready, 200))
        if gateway is None:
            return results
        for rule in parameterless_reads(manifests):
            results.append(_plain(client, f"GET {rule} answers", gateway + rule, None))
        results += _scenario(client, gateway, steps)
    return results


def _plain(client: httpx.Client, name: str, url: str, status: int | None) -> Result:
    started = time.monotonic()
    answer = _ask(client, "GET", url, {}, None)
    found: tuple[str, ...] = ()
    if isinstance(answer, str):
        found = (answer,)
    elif (status is not None and answer.status != status) or answer.status >= 500:
        found = (f"status {answer.status}",)
    return Result(name, found, time.monotonic() - started)


def _scenario(client: httpx.Client, gateway: str, steps: Sequence[scenario.Step]) -> list[Result]:
    variables: dict[str, Any] = {"unique": uuid.uuid4().hex[:10]}
    results: list[Result] = []
    for step in steps:
        started = time.monotonic()
        try:
            found = _step(client, gateway, step, variables)
        except MigratorError as error:
            # An earlier step failed and saved nothing: this one is a consequence, not bad input.
            found = [error.what]
        results.append(Result(step.name, tuple(found), time.monotonic() - started))
    return results


def _step(
    client: httpx.Client, gateway: str, step: scenario.Step, variables: dict[str, Any]
) -> list[str]:
    deadline = time.monotonic() + step.within
    url = gateway + scenario.fill(step.path, variables)
    headers = {k: str(v) for k, v in scenario.fill(step.headers, variables).items()}
    body = scenario.fill(step.json, variables)
    while True:
        answer = _ask(client, step.method, url, headers, body)
        if isinstance(answer, str):
            found = [answer]
        else:
            found = scenario.problems(step, answer, variables)
            if not found:
                variables.update(scenario.saved(step, answer))
                return []
        if time.monotonic() >= deadline:
            return found
        time.sleep(_POLL_SECONDS)


def _ask(
    client: httpx.Client, method: str, url: str, headers: dict[str, str], body: Any
) -> scenario.Answer | str:
    try:
        response = client.request(method, url, headers=headers, json=body)
    except httpx.HTTPError as error:
        return f"no answer: {error!r}"
    try:
        parsed = response.json()
    except ValueError:
        parsed = None
    return scenario.Answer(response.status_code, parsed)
