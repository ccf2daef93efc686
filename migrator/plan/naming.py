"""Names and purposes from the code's own words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from migrator.model.graph import Definition, Graph
from migrator.plan.ties import TABLE

_MOSTLY = 0.5
_OUTER = 0.3  # Of what a folder says, each folder further out.
_HOLLOW = {
    "api", "app", "apps", "admin", "base", "common", "core", "db", "form", "forms", "handlers",
    "helpers", "lib", "main", "me", "mixins", "model", "models", "module", "modules", "plugins",
    "queries", "routes", "schemas", "serializers", "server", "service", "services", "src", "tasks",
    "tests", "types", "util", "utils", "v1", "v2", "v3", "views", "web",
}  # fmt: skip


def named(
    parts: Sequence[set[str]],
    graph: Graph,
    fixed: Mapping[int, str],
    part_of: Mapping[str, int],
) -> list[str]:
    """A name for each part: what its pins say (`fixed`, by the number that `part_of` gives), else
    the word that is most its own among packages, tables and routes."""
    words = [_words(part, graph) for part in parts]
    everywhere = sum(words, Counter[str]())
    taken = set(fixed.values())
    found = []
    for part, counts in zip(parts, words, strict=True):
        pinned = next((fixed[n] for n in {part_of[node] for node in part} if n in fixed), None)
        if pinned:
            found.append(pinned)
            continue
        # How much it says of the part, times how much of what it says anywhere is here.
        own = sorted(counts, key=lambda w: (-(counts[w] ** 2) / everywhere[w], w))
        name = next((w for w in own if w not in taken), f"service-{len(taken) + 1}")
        taken.add(name)
        found.append(name)
    return found


def _words(part: set[str], graph: Graph) -> Counter[str]:
    """Words by weight. A package says most where most of the part lies in it, a table that many
    others of the part begin with or point to more than one at the edge."""
    found: Counter[str] = Counter()
    code = [n.partition(":")[0].split(".") for n in part if not n.startswith(TABLE)]
    model = {TABLE + t.id: t.definition for t in graph.tables if t.definition}
    code += [model[n].partition(":")[0].split(".") for n in part if n in model]
    folders: dict[str, float] = {}
    for names in code:
        # The innermost says most: in events/papers/ it is papers, not events.
        said = [w for w in dict.fromkeys(reversed(names[:-1] or names)) if w not in _HOLLOW]
        for depth, word in enumerate(said):
            folders[word] = folders.get(word, 0.0) + _OUTER**depth
    for word, count in folders.items():
        if count < len(graph.definitions) * _MOSTLY or len(folders) == 1:
            found[_clean(word)] += round(100 * count / max(1, len(code)))
    tables = sorted(n.removeprefix(TABLE).rpartition(".")[2] for n in part if n.startswith(TABLE))
    inside = {t for t in part if t.startswith(TABLE)}
    pointed = Counter(
        k.target.rpartition(".")[2]
        for k in graph.foreign_keys
        if TABLE + k.source in inside and TABLE + k.target in inside
    )
    for table in tables:
        begins = sum(other.startswith(table.rstrip("s")) for other in tables)
        found[_clean(table)] += round(20 * (begins + pointed[table]) / len(tables)) + 5
    for word, count in _subjects(part, graph).items():
        found[_clean(word)] += min(20, 3 * count)
    return Counter({w: n for w, n in found.items() if n and re.fullmatch(r"[a-z][a-z0-9-]*", w)})


def _clean(word: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", word.lower()).strip("-")


def _subjects(own: set[str], graph: Graph) -> Counter[str]:
    """What the routes of `own` are about: the fixed words of their paths."""
    found: Counter[str] = Counter()
    for point in graph.entry_points:
        if point.kind == "route" and point.definition in own:
            words = re.split(r"[/\s]+", point.path or "")
            found.update(w for w in words if re.fullmatch(r"[a-z][\w-]*", w) and w not in _HOLLOW)
    return found


def purpose(name: str, tables: Sequence[str], own: list[Definition], graph: Graph) -> str:
    """One line: what its main class says of itself, what it keeps, what it answers."""
    ids = {d.id for d in own}
    models = {t.definition for t in graph.tables if t.id in set(tables)}
    stem = name.rstrip("s").replace("-", "")
    told = [d for d in own if d.id in models and d.doc]
    told.sort(key=lambda d: (not d.name.lower().startswith(stem), d.id))
    said = _sentence(told[0].doc or "") if told else ""
    keeps = f"Keeps {_listed([t.rpartition('.')[2] for t in tables])}." if tables else ""
    routes = sum(p.kind == "route" and p.definition in ids for p in graph.entry_points)
    tasks = sum(p.kind == "task" and p.definition in ids for p in graph.entry_points)
    about = [word for word, _ in _subjects(ids, graph).most_common(3)]
    counts = [
        f"{n} {what}{'s' * (n != 1)}" for n, what in ((routes, "route"), (tasks, "task")) if n
    ]
    answers = f"Answers {' and '.join(counts)}" if counts else "No routes"
    answers += f" about {_listed(about)}." if about else "."
    return " ".join(part for part in (said, keeps, answers) if part)


def _sentence(doc: str) -> str:
    first = re.split(r"(?<=[.!?])\s|\n\s*\n", doc.strip(), maxsplit=1)[0]
    text = " ".join(first.split())
    if not text or len(text) > 100:
        return ""
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _listed(words: Sequence[str]) -> str:
    shown = list(words[:4]) + ([f"{len(words) - 4} more"] if len(words) > 4 else [])
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
