"""What this process needs before it can serve."""

from functools import cache

import psycopg
from django.conf import settings
from django.db.migrations.loader import MigrationLoader

from authn.pool import connection
from authn.problems import Unavailable
from authn.scope import run
from authn.verifier import key_set_status

from .draining import is_draining


@cache
def _known_migrations() -> frozenset[tuple[str, str]]:
    return frozenset(MigrationLoader(None, ignore_no_migrations=True).graph.nodes)


async def failures() -> list[str]:
    """What is missing, in words; empty when the process can serve."""
    if is_draining():
        return ["the process is shutting down"]
    try:
        async with connection() as conn:
            (applied,) = await run(conn, [("SELECT app, name FROM django_migrations", ())])
    except psycopg.errors.UndefinedTable:
        return ["the database has no migrations yet, run migrate"]
    except (psycopg.Error, Unavailable):
        return ["the database does not answer"]
    missing = _key_failures()
    pending = _known_migrations() - {(app, name) for app, name in applied.rows}
    if pending:
        missing.append(f"{len(pending)} migrations are not applied, run migrate")
    return missing


def _key_failures() -> list[str]:
    """A process that can verify no token at all is not ready; one with a secret or with keys of any age is."""
    keys = key_set_status()
    if not keys.configured or keys.age is not None or settings.BETTER_AUTH_SECRET:
        return []
    return [f"no key to verify tokens with has been fetched yet ({keys.last_error or 'the first fetch is under way'})"]
