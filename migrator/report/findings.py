"""Findings for a terminal and for scripts: renderers over one list."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from migrator.model.finding import Finding


def as_text(findings: Sequence[Finding]) -> str:
    """One block a finding: place, rule, message, how to fix; a count at the end."""
    blocks = [
        f"{f.path}:{f.line}: {f.severity}: {f.rule}\n  {f.message}\n  fix: {f.fix}\n"
        for f in findings
    ]
    if not blocks:
        return "no findings\n"
    errors = sum(f.severity == "error" for f in findings)
    count = f"{errors} error{'' if errors == 1 else 's'}"
    warnings = len(findings) - errors
    count += f", {warnings} warning{'' if warnings == 1 else 's'}\n"
    return "".join([*blocks, count])


def as_json(findings: Sequence[Finding]) -> str:
    """``{"version": 1, "findings": [...]}``."""
    document = {"version": 1, "findings": [asdict(finding) for finding in findings]}
    return json.dumps(document, indent=2) + "\n"
