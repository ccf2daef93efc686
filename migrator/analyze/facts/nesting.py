"""How deeply what recursion follows may be nested.

Python counts the frames of its own code. Compiled code has none, and would overflow the stack of
the process: what recurses counts its levels, and raises RecursionError as Python would.
"""

from __future__ import annotations

import sys

# That each level has in Python's own count, at least: there nothing ends sooner for being counted.
_FRAMES = 2


def deepest() -> int:
    """The most levels under the recursion limit of now."""
    return sys.getrecursionlimit() // _FRAMES
