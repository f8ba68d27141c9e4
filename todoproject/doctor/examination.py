"""All checks, in the order in which their problems are best solved."""

from collections.abc import Callable, Iterator

from django.db import DatabaseError, InterfaceError, connection

from . import database, isolation, services
from .findings import Finding, error

Check = Callable[[], Iterator[Finding]]

ON_THE_DATABASE: tuple[Check, ...] = (
    database.version,
    database.rights,
    database.migrations,
    isolation.policies,
    isolation.probe,
    database.clock,
    database.connections,
    services.purge,
)


def examine() -> Iterator[Finding]:
    """Every finding as soon as it is made. A check that cannot run is an error like what it looks for."""
    yield from services.environment()
    try:
        connection.ensure_connection()
    except DatabaseError as reason:
        yield error("database", _sentence(reason), "Check DATABASE_URL and that its server runs.")
    else:
        for check in ON_THE_DATABASE:
            yield from _run(check)
    yield from services.key_set()
    yield from services.limits()


def _run(check: Check) -> Iterator[Finding]:
    try:
        yield from check()
    except (DatabaseError, InterfaceError) as reason:
        yield error(check.__name__, f"This cannot be checked: {_sentence(reason)}", "Solve the errors above first.")


def _sentence(reason: Exception) -> str:
    return " ".join(str(reason).split())
