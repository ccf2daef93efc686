"""The same requests to two deployments of one product, and where their answers differ."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from migrator.run.scenario import fill, lookup

# What is made anew each time and says nothing about the product's behaviour.
_MADE_ANEW = frozenset({"token", "secret"})
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?([+-]\d\d:?\d\d|Z)?")
_POLL_SECONDS = 0.25


@dataclass(frozen=True)
class Request:
    """One line of a scenario: a request, or a command that cron runs."""

    method: str = ""
    path: str = ""
    who: str | None = None
    json: Any = None
    save: Mapping[str, str] = field(default_factory=dict)
    unordered: str | None = None
    ignore: frozenset[str] = frozenset()
    task: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return " ".join(self.task) if self.task else f"{self.method} {self.path} as {self.who}"


def requests(document: Iterable[Mapping[str, Any]]) -> list[Request]:
    """The requests of a scenario file; an unknown key raises TypeError."""
    found = []
    for entry in document:
        line = dict(entry)
        method, _, path = line.pop("do", "").partition(" ")
        found.append(
            Request(
                method,
                path,
                line.pop("as", None),
                ignore=frozenset(line.pop("ignore", ())),
                task=tuple(line.pop("task", ())),
                **line,
            )
        )
    return found


@dataclass
class Side:
    """One deployment: where it answers, how its commands run, and what was saved so far."""

    url: str
    run_task: Callable[[tuple[str, ...]], str]
    variables: dict[str, Any]

    def ask(self, client: httpx.Client, request: Request) -> tuple[int, Any]:
        """Status and body; of a command, 0 and what it printed."""
        if request.task:
            return 0, self.run_task(fill(list(request.task), self.variables))
        headers = {}
        if request.who is not None:
            headers["Authorization"] = f"Bearer {self.variables.get(request.who, 'unknown')}"
        answer = client.request(
            request.method,
            self.url + fill(request.path, self.variables),
            headers=headers,
            json=fill(request.json, self.variables),
        )
        try:
            return answer.status_code, answer.json()
        except ValueError:
            return answer.status_code, answer.text

    def keep(self, request: Request, body: Any) -> None:
        self.variables.update({name: lookup(body, path) for name, path in request.save.items()})


def normal(body: Any, request: Request) -> Any:
    """`body` without moments, secrets and what the request ignores; unordered lists are sorted.

    Elements of an unordered list lose their ids: what arrives by messages is numbered as it comes.
    """
    if isinstance(body, dict):
        found = {
            key: f"<{key}>"
            if (key in _MADE_ANEW or key in request.ignore) and value is not None
            else normal(value, request)
            for key, value in body.items()
        }
        loose = found.get(request.unordered or "")
        if isinstance(loose, list):
            bare = [{k: v for k, v in item.items() if k != "id"} for item in loose]
            found[request.unordered or ""] = sorted(bare, key=repr)
        return found
    if isinstance(body, list):
        return [normal(item, request) for item in body]
    return _MOMENT.sub("<moment>", body) if isinstance(body, str) else body


def replay(
    scenario: Iterable[Request], before: Side, after: Side, patience: float
) -> tuple[int, dict[str, str]]:
    """Ask both; how many answers were alike, and of each other one what differs.

    What reads, or is refused, is asked again for `patience` seconds: data may be on its way. A
    write that came through is judged at once.
    """
    alike, different = 0, {}
    with httpx.Client(timeout=30, trust_env=False) as client:
        for number, request in enumerate(scenario, 1):
            status, body = before.ask(client, request)
            before.keep(request, body)
            wanted = status, normal(body, request)
            deadline = time.monotonic() + patience
            while True:
                status, body = after.ask(client, request)
                found = status, normal(body, request)
                again = request.method == "GET" or status >= 400 or bool(request.task)
                if found == wanted or not again or time.monotonic() > deadline:
                    break
                time.sleep(_POLL_SECONDS)
            after.keep(request, body)
            if found == wanted:
                alike += 1
            else:
                different[f"{number}: {request.name}"] = f"{wanted}\n  but {found}"
    return alike, different
