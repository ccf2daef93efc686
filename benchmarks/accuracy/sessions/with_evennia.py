"""Tests of evennia in a game folder of its own, as its launcher makes it: arguments are labels."""

import os
import subprocess
import sys
from pathlib import Path

game = Path.cwd() / "game"
if not game.exists():
    launcher = Path(sys.executable).parent / "evennia"
    subprocess.run([str(launcher), "--init", "game"], check=True)
os.chdir(game)
sys.path.insert(0, str(game))
os.environ["DJANGO_SETTINGS_MODULE"] = "server.conf.settings"

from django.core.management import execute_from_command_line  # noqa: E402

execute_from_command_line(["django", "test", "--noinput", *sys.argv[1:]])
