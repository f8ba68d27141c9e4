"""What the checks ask the database."""

from typing import Any

from django.db import connection


def one(sql: str, *params: Any) -> tuple[Any, ...]:
    """The only row of a query on Django's connection."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        row: tuple[Any, ...] = cursor.fetchone()
    return row
