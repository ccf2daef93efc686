"""Builds a wheel whose hot modules mypyc has compiled: see docs/compiled.md.

They are compiled in a copy: compiled modules left beside their source would be imported instead
of it, also after it was edited.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# Where the time goes: what reads syntax trees, and what follows calls. What recurses there counts
# its levels (`facts.nesting`). Not the values and sinks: frameworks derive their own.
_COMPILED = (
    "facts/frame.py",
    "facts/lower.py",
    "facts/lower_expressions.py",
    "facts/lower_statements.py",
    "facts/sql_text.py",
    "infer/bodies.py",
    "infer/closures.py",
    "infer/contexts.py",
    "infer/expressions.py",
    "infer/given.py",
    "infer/interpreter.py",
    "infer/invoke.py",
    "infer/known_calls.py",
    "infer/memo.py",
    "infer/named.py",
    "infer/parameters.py",
    "infer/statements.py",
    "infer/types.py",
    "infer/world.py",
    "project/classes.py",
    "project/modules.py",
    "project/project.py",
    "project/scopes.py",
)
# -O3 takes longer to build, and gains nothing that can be measured.
_HOW = {"MYPYC_OPT_LEVEL": "2", "MYPYC_DEBUG_LEVEL": "0", "MYPYC_MULTI_FILE": "1"}


class CompiledModules(BuildHookInterface[Any]):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        self._folder = Path(tempfile.mkdtemp(prefix="migrator-"))
        shutil.copytree(Path(self.root) / "migrator", self._folder / "migrator")
        command = [sys.executable, "-m", "mypyc", "--ignore-missing-imports"]
        command += [f"migrator/analyze/{module}" for module in _COMPILED]
        done = subprocess.run(
            command, cwd=self._folder, env={**os.environ, **_HOW}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
        if done.returncode:
            sys.exit(
                f"{done.stdout[-4000:]}\nmypyc could not compile: it needs a C compiler and the "
                "headers of Python. Without HATCH_BUILD_HOOK_ENABLE_CUSTOM the wheel is built pure."
            )
        build = self._folder / "build"
        made = [p for p in self._folder.rglob("*") if p.suffix in {".so", ".pyd"}]
        for module in made:
            if build not in module.parents:
                place = module.relative_to(self._folder).as_posix()
                build_data["force_include"][str(module)] = place
        build_data["infer_tag"] = True
        build_data["pure_python"] = False

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        del version, build_data, artifact_path
        with contextlib.suppress(AttributeError):  # nothing was compiled
            shutil.rmtree(self._folder, ignore_errors=True)
