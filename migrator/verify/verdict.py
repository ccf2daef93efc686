"""What `verify` found, kept: the same tree under the same plan is not judged twice."""

from __future__ import annotations

import dataclasses
import marshal
from hashlib import blake2b
from pathlib import Path

import migrator
from migrator.analyze.code_version import code_version
from migrator.analyze.kept_file import KEY_BYTES, KeptFile
from migrator.analyze.settings import settings_for
from migrator.analyze.tree import Tree, tree_below
from migrator.model.finding import Finding
from migrator.model.graph_root import read_root

# What decides which findings a Graph and a plan give, beside what makes the Graph.
_CODE = ("verify", "plan", "contracts")


def verdict(
    graph_path: Path, plan_path: Path, workspace: Path | None, since: str | None = None
) -> tuple[Finding, ...]:
    """All findings, as `load` and the rules give them. Raises MigratorError as `load` does."""
    if workspace is not None:
        return _judged(graph_path, plan_path, workspace, since, None)
    cache = graph_path.parent / "cache"
    root = Path(read_root(graph_path))
    tree = tree_below(root, cache, settings_for(root))
    kept = KeptFile(cache / "verdict.bin")
    key = _key(tree, plan_path)
    content = kept.get(key) if key is not None else None
    if content is not None:
        return tuple([Finding(*one) for one in marshal.loads(content)])
    found = _judged(graph_path, plan_path, None, since, tree)
    if key is not None and key == _key(tree, plan_path) and tree.is_settled():
        kept.put(key, marshal.dumps([dataclasses.astuple(f) for f in found]))
    return found


def _judged(
    graph_path: Path, plan_path: Path, workspace: Path | None, since: str | None, tree: Tree | None
) -> tuple[Finding, ...]:
    # Where nothing has changed, importing this would be most of the work.
    from migrator.verify.load import load
    from migrator.verify.rule import verify

    return verify(load(graph_path, plan_path, workspace, since, tree))


def _key(tree: Tree, plan_path: Path) -> bytes | None:
    """Names all that findings about a monolith depend on; None where there is no plan."""
    try:
        plan = plan_path.read_bytes()
    except OSError:
        return None
    home = Path(migrator.__file__).parent
    code = code_version(*(home / folder for folder in _CODE))
    digest = blake2b(plan, digest_size=KEY_BYTES, key=tree.name)
    digest.update(f"{code}\0{plan_path.as_posix()}".encode("utf-8", "surrogateescape"))
    return digest.digest()
