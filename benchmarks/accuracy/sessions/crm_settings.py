"""django-crm-admin's own settings, with its fixtures found from any folder."""

from pathlib import Path

import webcrm
from webcrm.settings import *  # noqa: F403

FIXTURE_DIRS = [Path(webcrm.__file__).parent.parent / "tests/fixtures"]
