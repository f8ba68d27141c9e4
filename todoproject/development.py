"""Writes a `.env` for development, with secrets of its own, where there is none and nobody has configured a server."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

PRODUCTION = {"false", "f", "0", "no", "n", "off"}
# Whoever sets one of these runs a server of their own making, and may have forgotten another variable. A `.env` made up
# on top of it would put it into debug mode, where the missing one should have stopped the start. What a developer gives
# `make run` on the way, as the address of a Better Auth server, is none of them.
CONFIGURING = ("DJANGO_SECRET_KEY", "TRUSTED_PROXIES")
TEMPLATE = """\
# Made by `make run` for development. .env.example explains every variable.
DJANGO_DEBUG=true
DJANGO_SECRET_KEY={django}
BETTER_AUTH_SECRET={better_auth}
CORS_ALLOWED_ORIGINS=http://localhost:3000,http://localhost:5173
"""


def write_environment(path: Path, environment: Mapping[str, str]) -> bool:
    """Write the file unless it exists, cannot be made or the environment is somebody's work; say whether it was."""
    if environment.get("DJANGO_DEBUG", "").strip().lower() in PRODUCTION:
        return False
    if any(environment.get(name) for name in CONFIGURING):
        return False
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError:  # it exists, or this is a read-only installation: what is missing is told by name later
        return False
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(TEMPLATE.format(django=secrets.token_hex(32), better_auth=secrets.token_hex(32)))
    return True
