"""DATABASE_URL, or the embedded server, as Django's database settings."""

import logging
import time
from pathlib import Path
from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from psycopg.conninfo import conninfo_to_dict

from todoproject.cluster import DATABASE, SUPERUSER
from todoproject.env import ConfigurationError

logger = logging.getLogger("todoproject.database")

ENGINE = "todoproject.postgresql"
MINIMUM_VERSION = 15
CONNECT_TIMEOUT = 10  # seconds
EXAMPLE = "postgresql://user:password@host:5432/name"
RETRY_INTERVAL = 0.25  # seconds
# What a server says that is starting, stopping or full: worth another attempt.
PASSING = ("starting up", "shutting down", "recovery", "too many", "connection slots", "not yet accepting")
DJANGO_NAMES = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}  # nosec B105


class DatabaseUnusable(Exception):
    """The database does not answer or is too old; the message says what to do, in one sentence."""


def configuration(url: str | None, data: Path) -> dict[str, Any]:
    """The entry of DATABASES: the database of the address, or without one the embedded server of the data directory.

    Raises ConfigurationError when the address is malformed; its message never shows the password.
    """
    entry: dict[str, Any] = {
        "ENGINE": ENGINE,
        "CONN_MAX_AGE": 0,  # threads of an ASGI server come and go, and a kept connection would stay behind
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": True,  # they do not survive a transaction pooler
        "TIME_ZONE": "UTC",
    }
    if url is None:
        return {**entry, "NAME": DATABASE, "USER": SUPERUSER, "OPTIONS": {}, "EMBEDDED": data}
    parameters = parse(url)
    for name, key in DJANGO_NAMES.items():
        entry[key] = str(parameters.pop(name, ""))
    return {**entry, "OPTIONS": {"connect_timeout": CONNECT_TIMEOUT, **parameters}}


def parse(url: str) -> dict[str, Any]:
    """libpq's own reading of the address: several hosts, TLS and every other parameter mean what libpq documents."""
    scheme, separator, _rest = url.partition("://")
    if not separator or scheme not in {"postgres", "postgresql"}:
        raise ConfigurationError(f"DATABASE_URL is not a PostgreSQL address: write it like {EXAMPLE}.")
    try:
        parameters = conninfo_to_dict(url)
    except (psycopg.ProgrammingError, ValueError) as error:
        raise ConfigurationError(f"DATABASE_URL is malformed ({reason(error)}): write it like {EXAMPLE}.") from None
    if not all(map(is_port, str(parameters.get("port", "")).split(","))):
        raise ConfigurationError(f"DATABASE_URL has a port that is no number from 1 to 65535: write it like {EXAMPLE}.")
    if not parameters.get("dbname") and not parameters.get("service"):
        raise ConfigurationError(f"DATABASE_URL names no database: write it like {EXAMPLE}.")
    return dict(parameters)


def is_port(text: str) -> bool:
    """Whether libpq takes it; an empty one means the default."""
    return not text or (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535)


def reason(error: Exception) -> str:
    """libpq's message up to what it quotes of the address, which may be the password."""
    return str(error).partition('"')[0].partition(":")[0].strip() or "libpq cannot read it"


def wait_until_usable(seconds: float) -> None:
    """Return once the database answers and is new enough; the embedded server is started.

    Raises DatabaseUnusable when it does not answer within the seconds, or when waiting cannot help.
    """
    deadline = time.monotonic() + seconds
    told = False
    while True:
        try:
            with psycopg.connect(**connections[DEFAULT_DB_ALIAS].get_connection_params()) as connection:
                version = connection.info.server_version
        except psycopg.OperationalError as error:
            if is_final(error) or time.monotonic() >= deadline:
                raise DatabaseUnusable(unusable(error)) from None
            if not told:
                logger.warning("Waiting up to %g s for the database (%s).", seconds, one_line(error))
            told = True
            time.sleep(RETRY_INTERVAL)
        else:
            return require(version)


def require(version: int) -> None:
    """Raises DatabaseUnusable for a server that is too old; the version is libpq's number, 150002 for 15.2."""
    if version // 10_000 < MINIMUM_VERSION:
        raise DatabaseUnusable(
            f"PostgreSQL {MINIMUM_VERSION} or later is required and the server of DATABASE_URL is "
            f"{version // 10_000}.{version % 10_000}: upgrade it, or name another."
        )


def is_final(error: Exception) -> bool:
    """Whether a server answered and will answer the same again: a wrong password or name, not a start in progress."""
    text = str(error)
    return "FATAL" in text and not any(passing in text for passing in PASSING)


def unusable(error: Exception) -> str:
    return f"The database cannot be used: check DATABASE_URL and that its server runs ({one_line(error)})."


def one_line(error: BaseException) -> str:
    return " ".join(str(error).split())
