"""Repeating what PostgreSQL has undone."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from django.conf import settings
from psycopg.errors import DeadlockDetected, FeatureNotSupported, InvalidSqlStatementName

from .problems import Unavailable

ATTEMPTS = 3

T = TypeVar("T")


async def settled(work: Callable[[], Awaitable[T]]) -> T:
    """The result of ``work``, a transaction of its own, which is repeated when it was undone for no fault of its own.

    That is to end a deadlock, or because a migration has made one of its prepared statements stale.

    Calls of the API lock in one order and never run into one another; an edit by SQL has another order: first the row
    that it changes and then, by a trigger, the row's account.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            return await _prepared(work)
        except Unavailable as error:
            if not isinstance(error.__cause__, DeadlockDetected):
                raise
    return await _prepared(work)


async def _prepared(work: Callable[[], Awaitable[T]]) -> T:
    """The result of ``work``; each connection of the pool may have a stale statement of its own."""
    for _ in range(settings.DATABASE_POOL_MAX):
        with suppress(FeatureNotSupported, InvalidSqlStatementName):
            return await work()
    return await work()
