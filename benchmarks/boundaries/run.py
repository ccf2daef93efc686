"""How well `plan` finds the contexts of real modular applications again, names hidden.

    python benchmarks/boundaries/run.py                 every application in applications/
    python benchmarks/boundaries/run.py indico superset --cache DIR --json out.json

Each application is fetched from PyPI without what it needs (nothing of it is run), analysed, and
its graph stripped of every name (see `hide`). MoJoFM and the adjusted Rand index of the proposal
stand beside those of three baselines on the same graph, at the number of services that each finds
by itself and at the true number. Every definition below the contexts counts; what a proposal leaves
to the shared library or the glue is a part of its own. Exit 1 where the proposal, at its own
number, does not beat every baseline in both. An application whose file says `held_out` was never
looked at while the planner was made.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from baselines import chance, louvain, packaged
from hide import Hidden
from measures import adjusted_rand, mojofm
from peer import cargo, present

from migrator.analyze.pipeline import analyze
from migrator.analyze.settings import settings_for
from migrator.model.graph import Graph
from migrator.plan.propose import drawn
from migrator.plan.resolve import assign
from migrator.plan.settings import Settings

HERE = Path(__file__).resolve().parent
SMALLEST = 5  # A package of fewer definitions is no context.


@dataclass(frozen=True, slots=True)
class Score:
    application: str
    contexts: int
    definitions: int
    who: str
    services: int
    mojofm: float
    adjusted_rand: float


def installed(name: str, told: Mapping[str, Any], cache: Path) -> Path:
    """The folder of the package, fetched once."""
    folder = cache / name / str(told["requirement"])
    if not folder.exists():
        partial = folder.with_name(folder.name + ".part")
        pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-compile"]
        subprocess.run([*pip, "--target", str(partial), told["requirement"]], check=True)
        partial.rename(folder)
    return folder / str(told["package"])


def analysed(root: Path, told: Mapping[str, Any], cache: Path) -> Graph:
    """The graph without what the application's file says to leave out: others' code beside it."""
    settings = settings_for(root)
    left_out = (*settings.exclude, *told.get("exclude", ()))
    return analyze(root, cache=cache, settings=replace(settings, exclude=left_out))


def contexts(graph: Graph, told: Mapping[str, Any]) -> dict[str, str]:
    """The context of each definition that lies in one: of nested ones the innermost package.

    ``a.b.*`` says that the packages below ``a.b`` are contexts; ``*`` that those at the top are,
    where the application's folder is a source root itself.
    """
    bases = sorted((c.removesuffix("*") for c in told["contexts"]), key=len, reverse=True)
    packages = {d.module.rpartition(".")[0] for d in graph.definitions}
    packages |= {m.name.rpartition(".")[0] for m in graph.modules}
    found = {}
    for definition in graph.definitions:
        for base in bases:
            if definition.module.startswith(base):
                name = definition.module.removeprefix(base).partition(".")[0]
                inner = f"{base}{name}"
                if any(p == inner or p.startswith(f"{inner}.") for p in packages):
                    if _counts(name, told):
                        found[definition.id] = inner
                    break
    sizes = Counter(found.values())
    return {d: c for d, c in found.items() if sizes[c] >= SMALLEST}


def _counts(name: str, told: Mapping[str, Any]) -> bool:
    return name not in told.get("without", ()) and name in told.get("only", (name,))


def scores(name: str, graph: Graph, told: Mapping[str, Any]) -> Iterator[Score]:
    truth = contexts(graph, told)
    hidden = Hidden(graph)
    wanted = {known: truth[true] for known, true in hidden.names.items() if true in truth}
    count = len(set(wanted.values()))

    def score(who: str, found: Mapping[str, str]) -> Score:
        kept = {d: found.get(d, "(none)") for d in wanted}
        figures = round(mojofm(kept, wanted), 1), round(adjusted_rand(kept, wanted), 3)
        return Score(name, count, len(wanted), who, len(set(found.values())), *figures)

    yield score("as packaged, one flat folder", packaged(hidden.graph))
    yield score("Louvain on imports, as it is", louvain(hidden.graph))
    for services, number in ((None, "its own"), (count, "the true")):
        plan, _ = drawn(hidden.graph, services, (), Settings())
        mine = assign(plan, hidden.graph).owner_of
        parts = len(set(mine.values())) if services is None else services
        yield score(f"proposal at {number} number", mine)
        yield score(f"Louvain on imports at {number} number", louvain(hidden.graph, parts))
        yield score(f"random, same sizes as at {number} number", chance(mine))
        if present():
            yield score(f"CARGO from {number} number", cargo(hidden.graph, parts))


def beaten(found: list[Score]) -> bool:
    """Whether the proposal at its own number beats every one that was not told the true number."""
    mine = next(s for s in found if s.who.startswith("proposal"))
    others = [s for s in found if s is not mine and "the true" not in s.who]
    return all(mine.mojofm > s.mojofm and mine.adjusted_rand > s.adjusted_rand for s in others)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache/migrator-boundaries")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    known = sorted(p.stem for p in (HERE / "applications").glob("*.toml"))
    every: list[Score] = []
    lost = []
    for name in given.names or known:
        told = tomllib.loads((HERE / "applications" / f"{name}.toml").read_text("utf-8"))
        root = installed(name, told, given.cache)
        graph = analysed(root, told, given.cache / name / "facts")
        found = list(scores(name, graph, told))
        every += found
        role = "held out" if told.get("held_out") else "used for tuning"
        print(f"{name} ({role}): {found[0].contexts} contexts, {found[0].definitions} definitions")
        for one in found:
            print(f"  {one.who:44} {one.services:4}  {one.mojofm:5.1f}  {one.adjusted_rand:6.3f}")
        sys.stdout.flush()
        if not beaten(found):
            lost.append(name)
    if given.json:
        given.json.write_text(json.dumps([asdict(s) for s in every], indent=1) + "\n")
    print(f"not beaten everywhere: {', '.join(lost)}" if lost else "beats every baseline on each")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
