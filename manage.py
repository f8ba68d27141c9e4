#!/usr/bin/env python3
"""Django's command line, run with the project's own virtual environment."""

import importlib.util
import os
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent
VENV_PYTHON = PROJECT / ".venv" / "bin" / "python"


def use_the_virtual_environment() -> None:
    """Start again in `.venv` when this interpreter has no Django."""
    if importlib.util.find_spec("django") is not None:
        return
    if not VENV_PYTHON.exists() or Path(sys.prefix) == VENV_PYTHON.parent.parent:
        sys.exit("Django is not installed: run `make setup` first.")
    os.execv(VENV_PYTHON, [str(VENV_PYTHON), *sys.argv])


def main() -> None:
    use_the_virtual_environment()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "todoproject.settings")
    from django.core.management import execute_from_command_line

    from todoproject.startup import explained

    with explained():
        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
