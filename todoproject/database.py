"""DATABASE_URL, or the embedded server, as Django's database settings."""

from pathlib import Path
from typing import Any

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from todoproject.cluster import DATABASE, SUPERUSER
from todoproject.env import ConfigurationError

ENGINE = "todoproject.postgresql"
CONNECT_TIMEOUT = 10  # seconds
EXAMPLE = "postgresql://user:password@host:5432/name"
DJANGO_NAMES = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}


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
