"""A pooler between the API and the server, and whether prepared statements survive it.

Tried against PgBouncer 1.18 in transaction and in session mode.
"""

import secrets
from collections.abc import Iterator

import psycopg
from django.conf import settings
from django.db import connection
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn

from .findings import Finding, error, ok
from .queries import one

ROUNDS = 5  # others use the pooler meanwhile, and may take the connection that would have told


def stands_between() -> bool:
    """A pooler makes up the process id of the server that it tells its clients."""
    (theirs,) = one("SELECT pg_backend_pid()")
    told: int = connection.connection.info.backend_pid
    return bool(theirs != told)


def findings() -> Iterator[Finding]:
    if not settings.DATABASE_PREPARE:
        yield ok("pooler", "one stands in between; DATABASE_PREPARE=false suits any")
    elif _prepared_statements_survive():
        yield ok("pooler", "one stands in between, and prepared statements pass it")
    else:
        yield error("pooler", "One stands in between, and loses prepared statements.", "Set DATABASE_PREPARE=false.")


def _prepared_statements_survive() -> bool:
    """Whether two clients may give the same name to different statements, as two connections of the API do.

    A pooler that keeps no account of names sends both to one server connection, which refuses the second, or a name to
    a connection that does not know it. No client holds a connection while it waits for another: a pool may have one.
    """
    parameters = {**connection.get_connection_params(), "autocommit": True}
    for django_only in ("cursor_factory", "context"):
        parameters.pop(django_only, None)
    with psycopg.connect(**parameters) as first, psycopg.connect(**parameters) as second:
        return all(_two_have_their_own(first.pgconn, second.pgconn) for _ in range(ROUNDS))


def _two_have_their_own(first: PGconn, second: PGconn) -> bool:
    name = b"doctor_" + secrets.token_hex(8).encode()  # new, since a pooler may leave an old one behind
    if not (_prepared(first, name, b"1") and _prepared(second, name, b"2")):
        return False
    # The first asks twice, so that a pooler that deals its connections out in turn does not get it right by chance.
    return [_answer(client, name) for client in (first, first, second)] == [b"1", b"1", b"2"]


def _prepared(pgconn: PGconn, name: bytes, number: bytes) -> bool:
    return pgconn.prepare(name, b"SELECT " + number).status == ExecStatus.COMMAND_OK


def _answer(pgconn: PGconn, name: bytes) -> bytes | None:
    result = pgconn.exec_prepared(name, [])
    return result.get_value(0, 0) if result.status == ExecStatus.TUPLES_OK else None
