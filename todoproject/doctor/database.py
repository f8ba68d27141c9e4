"""The database: version, rights, migrations, clock, connections and what stands in between."""

from collections.abc import Iterator
from datetime import UTC, datetime

from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from authn.rls import MAY_BECOME, ROLE

from . import pooler
from .findings import Finding, error, ok, warning
from .queries import one

OLDEST, NEWEST = 15, 18
SKEW_NOTICED, SKEW_MAX = 2.0, 10.0  # seconds; tokens have a leeway of ten
SPARE_CONNECTIONS = 5  # for the admin, commands and whoever comes to look


def version() -> Iterator[Finding]:
    (number,) = one("SELECT current_setting('server_version_num')::int")
    major, text = number // 10_000, f"PostgreSQL {number // 10_000}.{number % 10_000}"
    if major < OLDEST:
        yield error("database version", f"{text} is too old.", f"Upgrade to PostgreSQL {OLDEST} to {NEWEST}.")
    elif major > NEWEST:
        yield warning("database version", f"{text} is newer than what is tested.", f"Prefer {OLDEST} to {NEWEST}.")
    else:
        yield ok("database version", text)


def rights() -> Iterator[Finding]:
    user, is_super, found = one(
        "SELECT current_user, rolsuper, (SELECT true FROM pg_roles WHERE rolname = %s) FROM pg_roles"
        " WHERE rolname = current_user",
        ROLE,
    )
    if not found:
        yield error("database rights", f"The role {ROLE} does not exist.", "Run: python manage.py migrate")
        return
    bypasses, logs_in, may_become = one(
        f"SELECT rolsuper OR rolbypassrls, rolcanlogin, {MAY_BECOME} FROM pg_roles WHERE rolname = %s",  # noqa: S608
        ROLE,
    )
    if bypasses:
        yield error(
            "database rights",
            f"{ROLE} bypasses row-level security.",
            f"Run as a superuser: ALTER ROLE {ROLE} NOSUPERUSER NOBYPASSRLS",
        )
    elif not may_become:
        yield error("database rights", f"{user} may not become {ROLE}.", f'Run: GRANT {ROLE} TO "{user}"')
    elif logs_in:
        yield warning("database rights", f"{ROLE} may log in.", f"Run: ALTER ROLE {ROLE} NOLOGIN")
    elif is_super and settings.DATABASES["default"].get("EMBEDDED") is None:
        yield warning("database rights", f"{user} is a superuser.", "Name an ordinary role in DATABASE_URL.")
    else:
        yield ok("database rights", f"{user} works as {ROLE}, which is held to row-level security")


def migrations() -> Iterator[Finding]:
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        names = ", ".join(f"{migration.app_label}.{migration.name}" for migration, _ in missing[:3])
        yield error("migrations", f"{len(missing)} are not applied ({names} …).", "Run: python manage.py migrate")
    else:
        yield ok("migrations", "all applied")


def clock() -> Iterator[Finding]:
    before = datetime.now(UTC)
    (theirs,) = one("SELECT clock_timestamp()")
    after = datetime.now(UTC)
    skew = (theirs - (before + (after - before) / 2)).total_seconds()
    yield judged_skew("clock of the database", skew)


def judged_skew(check: str, skew: float) -> Finding:
    """``skew`` in seconds; positive when the other clock is ahead."""
    message = f"{abs(skew):.1f} s {'ahead of' if skew > 0 else 'behind'} this machine"
    if abs(skew) > SKEW_MAX:
        return error(check, message, "Set both clocks by NTP: tokens are refused, and days are counted wrongly.")
    if abs(skew) > SKEW_NOTICED:
        return warning(check, message, "Set both clocks by NTP.")
    return ok(check, message)


def connections() -> Iterator[Finding]:
    """How many the API may open, against how many the server allows; a pooler allows what it is told to."""
    if pooler.stands_between():
        yield from pooler.findings()
        return
    yield ok("pooler", "none: connections go straight to the server")
    wanted = settings.WORKERS * settings.DATABASE_POOL_MAX
    (allowed,) = one(
        "SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int"
    )
    message = f"WORKERS × DATABASE_POOL_MAX = {wanted}, the server allows {allowed}"
    if wanted + SPARE_CONNECTIONS > allowed:
        yield error("connections", f"{message}.", "Lower DATABASE_POOL_MAX, raise max_connections, or use a pooler.")
    else:
        yield ok("connections", message)
