"""Repeating what PostgreSQL has undone."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from psycopg.errors import DeadlockDetected

from .problems import Unavailable

ATTEMPTS = 3

T = TypeVar("T")


async def settled(work: Callable[[], Awaitable[T]]) -> T:
    """The result of ``work``, a transaction of its own, which is repeated when it was undone to end a deadlock.

    Calls of the API lock in one order and never run into one another; an edit by SQL has another order: first the row
    that it changes and then, by a trigger, the row's account.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            return await work()
        except Unavailable as error:
            if not isinstance(error.__cause__, DeadlockDetected):
                raise
    return await work()
