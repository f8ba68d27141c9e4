"""Switches for one of the two layers, for tests that show that the other one holds."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

SECURED = """
SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = current_schema() AND c.oid IN (SELECT polrelid FROM pg_policy)
"""


def forget_compiled() -> None:
    """Compile every statement anew when it is next used."""
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in ("authn", "tasks"):
            for value in list(vars(module).values()):
                if callable(getattr(value, "cache_clear", None)):
                    value.cache_clear()


@contextmanager
def row_security(enabled: bool) -> Iterator[None]:
    """Row-level security of every table of the test database, for the length of the block."""
    with connection.cursor() as cursor:
        cursor.execute(SECURED)
        tables = [name for (name,) in cursor.fetchall()]
        assert tables
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} {'ENABLE' if enabled else 'DISABLE'} ROW LEVEL SECURITY")
        try:
            yield
        finally:
            for table in tables:
                cursor.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
