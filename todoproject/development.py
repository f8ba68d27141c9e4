"""Writes a `.env` for development, with secrets of its own, where there is none and nobody asked for production."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

PRODUCTION = {"false", "f", "0", "no", "n", "off"}
TEMPLATE = """\
# Made by `make run` for development. .env.example explains every variable.
DJANGO_DEBUG=true
DJANGO_SECRET_KEY={django}
BETTER_AUTH_SECRET={better_auth}
CORS_ALLOWED_ORIGINS=http://localhost:3000,http://localhost:5173
"""


def write_environment(path: Path, environment: Mapping[str, str]) -> bool:
    """Write the file unless it exists or the environment asks for production; say whether it was written."""
    if environment.get("DJANGO_DEBUG", "").strip().lower() in PRODUCTION:
        return False
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(TEMPLATE.format(django=secrets.token_hex(32), better_auth=secrets.token_hex(32)))
    return True
