"""The application's own settings: it expects its folder on the path."""

import importlib.util
import sys
from pathlib import Path

_found = importlib.util.find_spec("label_studio")
assert _found is not None and _found.origin is not None
sys.path.insert(0, str(Path(_found.origin).parent))

from core.settings.label_studio import *  # noqa: E402, F403
