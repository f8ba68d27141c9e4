"""DATABASE_URL, or the embedded server, as Django's database settings."""

import time
from pathlib import Path
from typing import Any

from django.db import DEFAULT_DB_ALIAS, NotSupportedError, OperationalError, connections
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from todoproject.cluster import DATABASE, SUPERUSER
from todoproject.env import ConfigurationError

ENGINE = "todoproject.postgresql"
CONNECT_TIMEOUT = 10  # seconds
EXAMPLE = "postgresql://user:password@host:5432/name"
RETRY_INTERVAL = 0.25  # seconds
# What a server says that is starting, stopping or full: worth another attempt.
PASSING = ("starting up", "shutting down", "recovery", "too many", "connection slots", "not yet accepting")
DJANGO_NAMES = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}


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
    except (ProgrammingError, ValueError) as error:
        raise ConfigurationError(f"DATABASE_URL is malformed ({reason(error)}): write it like {EXAMPLE}.") from None
    if not parameters.get("dbname") and not parameters.get("service"):
        raise ConfigurationError(f"DATABASE_URL names no database: write it like {EXAMPLE}.")
    return dict(parameters)


def reason(error: Exception) -> str:
    """libpq's message up to what it quotes of the address, which may be the password."""
    return str(error).partition('"')[0].partition(":")[0].strip() or "libpq cannot read it"


def wait_until_usable(seconds: float) -> None:
    """Return once the database answers and is new enough.

    Raises DatabaseUnusable, in one sentence, when it does not within the seconds, or when waiting cannot help.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            connections[DEFAULT_DB_ALIAS].ensure_connection()
        except NotSupportedError as error:
            raise DatabaseUnusable(one_line(error)) from None
        except OperationalError as error:
            if is_final(error) or time.monotonic() >= deadline:
                raise DatabaseUnusable(unusable(error)) from None
            time.sleep(RETRY_INTERVAL)
        else:
            return


def is_final(error: Exception) -> bool:
    """Whether a server answered and will answer the same again: a wrong password or name, not a start in progress."""
    text = str(error)
    return "FATAL" in text and not any(passing in text for passing in PASSING)


def unusable(error: Exception) -> str:
    return f"The database cannot be used: check DATABASE_URL and that its server runs ({one_line(error)})."


def one_line(error: BaseException) -> str:
    return " ".join(str(error).split())
