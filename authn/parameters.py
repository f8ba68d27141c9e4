"""A statement and its values as libpq takes them: numbered places and values in text format, or one text."""

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import count
from typing import Any

import psycopg
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import Escaping

UNKNOWN_OID, BOOL_OID, INT8_OID = 0, 16, 20
_PLACEHOLDER = re.compile("%([s%])")
Connection = psycopg.AsyncConnection[Any]


@lru_cache(maxsize=2048)
def numbered(text: str) -> bytes:
    """``%s`` → ``$1``, ``$2``, … and ``%%`` → ``%``."""
    number = count(1)
    return _PLACEHOLDER.sub(lambda match: f"${next(number)}" if match[1] == "s" else "%", text).encode()


@lru_cache(maxsize=2048)
def _pieces(text: str) -> tuple[bytes, ...]:
    """The text around its ``%s``."""
    marked = _PLACEHOLDER.sub(lambda match: "\0" if match[1] == "s" else "%", text)
    return tuple(piece.encode() for piece in marked.split("\0"))


def with_literals(connection: Connection, text: str, params: Sequence[Any]) -> bytes:
    first, *rest = _pieces(text)
    merged = [first]
    for value, piece in zip(params, rest, strict=True):
        merged += (_literal(connection, value), piece)
    return b"".join(merged)


def dumped(connection: Connection, value: Any) -> tuple[bytes | None, int]:
    """A value in text format, and its type where the server could not tell it from the context."""
    kind = type(value)
    if kind is str:
        return _text(value), UNKNOWN_OID
    if value is None:
        return None, UNKNOWN_OID
    if kind is bool:
        return (b"t" if value else b"f"), BOOL_OID
    if kind is int:
        return b"%d" % value, INT8_OID
    dumper = Transformer(connection)
    (dumped,) = dumper.dump_sequence([value], [PyFormat.TEXT])
    return (None if dumped is None else bytes(dumped)), (dumper.types or (UNKNOWN_OID,))[0]


def _literal(connection: Connection, value: Any) -> bytes:
    kind = type(value)
    if kind is str:
        return Escaping(connection.pgconn).escape_literal(_text(value))
    if value is None:
        return b"NULL"
    if kind is bool:
        return b"true" if value else b"false"
    return bytes(Transformer(connection).as_literal(value))


def _text(value: str) -> bytes:
    """UTF-8. libpq would cut it off at a NUL."""
    encoded = value.encode()
    if b"\0" in encoded:
        raise psycopg.DataError("text cannot contain NUL (0x00) bytes")
    return encoded
