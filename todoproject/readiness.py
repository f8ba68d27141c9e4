"""What this process needs before it can serve."""

from functools import cache

import psycopg
from django.db.migrations.loader import MigrationLoader

from authn.pool import connection
from authn.problems import Unavailable
from authn.scope import run


@cache
def _known_migrations() -> frozenset[tuple[str, str]]:
    return frozenset(MigrationLoader(None, ignore_no_migrations=True).graph.nodes)


async def failures() -> list[str]:
    """What is missing, in words; empty when the process can serve."""
    try:
        async with connection() as conn:
            (applied,) = await run(conn, [("SELECT app, name FROM django_migrations", ())])
    except psycopg.errors.UndefinedTable:
        return ["the database has no migrations yet, run migrate"]
    except (psycopg.Error, Unavailable):
        return ["the database does not answer"]
    pending = _known_migrations() - {(app, name) for app, name in applied.rows}
    return [f"{len(pending)} migrations are not applied, run migrate"] if pending else []
