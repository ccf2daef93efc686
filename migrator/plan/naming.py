"""Names and purposes from the code's own words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from migrator.model.graph import Definition, Graph, Table
from migrator.plan.ties import TABLE
from migrator.plan.words import HOLLOW, SUBJECTS, poor, split, stems

_MOSTLY = 0.5
_ALL = 0.9
_OUTER = 0.3  # Of what a folder says, each folder further out.


def named(
    parts: Sequence[set[str]],
    graph: Graph,
    fixed: Mapping[int, str],
    part_of: Mapping[str, int],
) -> list[str]:
    """A name for each part: what its pins say (`fixed`, by the number that `part_of` gives), else
    the word that is most its own among packages, tables and routes."""
    called = {TABLE + t.id: _called(t) for t in graph.tables}
    words = [_words(part, graph, called) for part in parts]
    spoken = [_spoken(part) for part in parts]
    everywhere, anywhere = sum(words, Counter[str]()), sum(spoken, Counter[str]())
    roots = _roots(graph)
    found: dict[int, str] = {}
    claims: dict[int, list[tuple[float, str]]] = {}
    kept_by = {called[n]: index for index, part in enumerate(parts) for n in part & called.keys()}
    for index, part in enumerate(parts):
        pinned = next((fixed[n] for n in {part_of[node] for node in part} if n in fixed), None)
        if pinned:
            found[index] = pinned
            continue
        kept = {stem for node in part & called.keys() for stem in stems(called[node])}
        own = _best(words[index], everywhere)
        said = _best(spoken[index], anywhere)
        fit = [w for w in own if w not in roots and (not poor(w) or stems(w) & kept)]
        fit = _outstanding(words[index], everywhere, own[:1], fit) + fit
        fit += [w for w in said if spoken[index][w] > 1 and w not in roots and not poor(w)]
        fit += sorted(own, key=roots.__contains__)
        # Who is called after a table that another keeps misleads everybody.
        fit = sorted(dict.fromkeys(fit), key=lambda w: kept_by.get(w, index) != index)
        claims[index] = [(_claim(words[index], everywhere, w), w) for w in fit]
    taken = set(fixed.values())
    while claims:
        # Who has most right to a word takes it first: two parts may both be about charts.
        best = {index: _first(claim, taken) for index, claim in claims.items()}
        index = max(best, key=lambda i: (best[i][0], -i))
        found[index] = best[index][1] or f"service-{len(taken) + 1}"
        taken.add(found[index])
        del claims[index]
    return [found[index] for index in range(len(parts))]


def _first(claims: Sequence[tuple[float, str]], taken: set[str]) -> tuple[float, str]:
    """The first word that is free, and no plural of one taken: nobody tells `user` from `users`."""
    free = [claim for claim in claims if claim[1] not in taken]
    known = {stem for word in taken for stem in stems(word)}
    return next((c for c in free if not stems(c[1]) & known), free[0] if free else (-1.0, ""))


def _outstanding(
    counts: Counter[str], everywhere: Counter[str], top: Sequence[str], fit: Sequence[str]
) -> list[str]:
    """A word that mostly tells how code is built, where it is what this part is about: nearly all
    of it is here, and no other word says half as much (databases, to a tool over databases)."""
    rest = _claim(counts, everywhere, fit[0]) if fit else 0.0
    return [
        word
        for word in top
        if stems(word) & SUBJECTS
        and counts[word] >= _ALL * everywhere[word]
        and _claim(counts, everywhere, word) > 2 * rest
    ]


def _claim(counts: Counter[str], everywhere: Counter[str], word: str) -> float:
    return counts[word] ** 2 / everywhere[word] if word in counts else 0.0


def _best(counts: Counter[str], everywhere: Counter[str]) -> list[str]:
    """The words by how much each says of the part, times how much of what it says anywhere is
    here."""
    return sorted(counts, key=lambda w: (-_claim(counts, everywhere, w), w))


def _roots(graph: Graph) -> set[str]:
    """Packages that most of the application lies in: they name all of it."""
    tops = Counter(d.module.partition(".")[0] for d in graph.definitions)
    return {_clean(top) for top, n in tops.items() if n > len(graph.definitions) * _MOSTLY}


def _spoken(part: set[str]) -> Counter[str]:
    """The words that files and definitions are called by: what is left where no folder, table or
    route has a name."""
    names = [n for n in part if not n.startswith(TABLE)]
    found = Counter(w for n in names for w in set(split(n.partition(":")[2])))
    found.update(w for module in {n.partition(":")[0] for n in names} for w in _file(module))
    return found


def _file(module: str) -> set[str]:
    return set(split(module.rpartition(".")[2]))


def _called(table: Table) -> str:
    """The table's name as a word; of a framework's ``app_classname`` what the class is called."""
    kind = (table.definition or "").rpartition(":")[2]
    if kind and table.name.endswith(f"_{kind.lower()}"):
        return "-".join(split(kind)) or _clean(kind)
    return _clean(table.name)


def _words(part: set[str], graph: Graph, called: Mapping[str, str]) -> Counter[str]:
    """Words by weight. A package says most where most of the part lies in it, a table that many
    others of the part begin with or point to more than one at the edge."""
    found: Counter[str] = Counter()
    code = [n.partition(":")[0].split(".") for n in part if not n.startswith(TABLE)]
    model = {TABLE + t.id: t.definition for t in graph.tables if t.definition}
    code += [model[n].partition(":")[0].split(".") for n in part if n in model]
    folders: dict[str, float] = {}
    for names in code:
        # The innermost says most: in events/papers/ it is papers, not events.
        said = [w for w in dict.fromkeys(reversed(names[:-1] or names)) if w not in HOLLOW]
        for depth, word in enumerate(said):
            folders[word] = folders.get(word, 0.0) + _OUTER**depth
    for word, count in folders.items():
        if count < len(graph.definitions) * _MOSTLY or len(folders) == 1:
            found[_clean(word)] += round(100 * count / max(1, len(code)))
    inside = {called[t] if t in called else _clean(t) for t in part if t.startswith(TABLE)}
    pointed = Counter(
        called[TABLE + k.target]
        for k in graph.foreign_keys
        if TABLE + k.source in part and TABLE + k.target in part & called.keys()
    )
    for table in sorted(inside):
        begins = sum(other.startswith(table.rstrip("s")) for other in inside)
        found[table] += round(20 * (begins + pointed[table]) / len(inside)) + 5
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
            found.update(w for w in words if re.fullmatch(r"[a-z][\w-]*", w) and w not in HOLLOW)
    return found


def purpose(name: str, tables: Sequence[str], own: list[Definition], graph: Graph) -> str:
    """One line: what the class it is called by says of itself, what it keeps, what it answers."""
    ids = {d.id for d in own}
    models = {t.definition for t in graph.tables if t.id in set(tables)}
    stem = name.rstrip("s").replace("-", "")
    # What a class at the edge says of itself says nothing of the service.
    told = [
        d
        for d in own
        if d.id in models and d.doc and (len(models) == 1 or d.name.lower().rstrip("s") == stem)
    ]
    said = _sentence(told[0].doc or "") if told else ""
    keeps = f"Keeps {_listed([t.rpartition('.')[2] for t in tables])}." if tables else _code_of(own)
    kinds = Counter[str](p.kind for p in graph.entry_points if p.definition in ids)
    counts = [
        f"{kinds[kind]} {what}{'s' * (kinds[kind] != 1)}"
        for kind, what in (("route", "route"), ("task", "task"), ("cli", "command"))
        if kinds[kind]
    ]
    about = [word for word, _ in _subjects(ids, graph).most_common(3)]
    answers = f"Answers {_listed(counts)}" if counts else "No entry point of its own was found"
    answers += f" about {_listed(about)}." if about else "."
    return " ".join(part for part in (said, keeps, answers) if part)


def _code_of(own: Sequence[Definition]) -> str:
    """What a service without tables is made of: the folders where most of it lies."""
    folders = Counter(d.module.rpartition(".")[0] or d.module for d in own)
    most = [folder for folder, n in folders.most_common(2) if 4 * n >= len(own)]
    return f"The code of {_listed(most or [min(folders)])}." if folders else ""


def _sentence(doc: str) -> str:
    first = re.split(r"(?<=[.!?])\s|\n\s*\n", doc.strip(), maxsplit=1)[0]
    text = " ".join(first.split())
    if not text or len(text) > 100:
        return ""
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _listed(words: Sequence[str]) -> str:
    shown = list(words[:4]) + ([f"{len(words) - 4} more"] if len(words) > 4 else [])
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
