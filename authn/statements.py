"""Statements on owned tables that Django compiles once and the pool runs many times."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

from django.db import connections, models
from django.db.models import sql
from django.db.models.expressions import Expression

from .caller import Caller
from .retries import settled
from .scope import Answer, execute

DATABASE = "default"


class Param(Expression):
    """A value bound when the statement runs, wherever the ORM takes one. ``OWNER`` only the executor binds."""

    def __init__(self, name: str, output_field: "models.Field[Any, Any] | None" = None) -> None:
        super().__init__(output_field=output_field)
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        return "%s", [self]

    def __repr__(self) -> str:
        return f"Param({self.name!r})"


OWNER = Param("owner")


class Statement:
    """One compiled statement: SQL text, its parameters with markers in them, and whether it writes."""

    __slots__ = ("holes", "params", "sql", "writes")

    def __init__(self, sql_text: str, params: Sequence[Any], writes: bool) -> None:
        self.sql = sql_text
        self.params = tuple(params)
        self.holes = tuple((at, value.name) for at, value in enumerate(params) if isinstance(value, Param))
        self.writes = writes

    def bind(self, caller: Caller, values: Mapping[str, Any]) -> tuple[str, list[Any]]:
        """SQL and parameters for ``caller``, whom no value can replace. Raises KeyError for a missing value."""
        bound = list(self.params)
        for at, name in self.holes:
            bound[at] = caller.subject if name == OWNER.name else values[name]
        return self.sql, bound

    async def run(self, caller: Caller, /, **values: Any) -> Answer:
        """Run for ``caller``, in one round trip. Raises what `authn.scope.execute` raises."""
        bound = self.bind(caller, values)
        if self.writes:
            return await settled(lambda: execute(caller, bound, write=True))
        return await execute(caller, bound)

    def wrapped(self, before: str, after: str) -> Self:
        """The same statement inside another, as ``before`` + SQL + ``after``."""
        return type(self)(before + self.sql + after, self.params, self.writes)

    def as_json(self, *columns: str) -> Self:
        """Each row as one JSON text of all its columns, followed by ``columns`` as they are.

        PostgreSQL builds the text: one value a row crosses the wire instead of one a column.
        """
        keys = "".join(f", t.{column}" for column in columns)
        return self.wrapped("WITH t AS (", f") SELECT row_to_json(t)::text{keys} FROM t")  # noqa: S608  (columns of models)


def _quoted(model: type[models.Model], names: Sequence[str]) -> str:
    quote = connections[DATABASE].ops.quote_name
    return ", ".join(quote(str(field.column)) for field in _fields(model, names))


def _fields(model: type[models.Model], names: Sequence[str]) -> list[Any]:
    return [model._meta.get_field(name) for name in names]


def select(queryset: models.QuerySet[Any, Any]) -> Statement:
    """Compile a read of an owned queryset."""
    text, params = queryset.query.get_compiler(DATABASE).as_sql()
    return Statement(text, params, writes=False)


def update(queryset: models.QuerySet[Any, Any], returning: Sequence[str], **values: Any) -> Statement:
    """Compile ``UPDATE … RETURNING`` of an owned queryset."""
    query: Any = queryset.query.chain(sql.UpdateQuery)
    query.add_update_values(values)
    text, params = query.get_compiler(DATABASE).as_sql()
    return Statement(f"{text} RETURNING {_quoted(queryset.model, returning)}", params, writes=True)


def delete(queryset: models.QuerySet[Any, Any], returning: Sequence[str]) -> Statement:
    """Compile ``DELETE … RETURNING`` of an owned queryset."""
    query = queryset.query.chain(sql.DeleteQuery)
    text, params = query.get_compiler(DATABASE).as_sql()
    return Statement(f"{text} RETURNING {_quoted(queryset.model, returning)}", params, writes=True)


def insert(model: type[models.Model], rows: Sequence[Mapping[str, Any]], returning: Sequence[str]) -> Statement:
    """Compile ``INSERT … RETURNING`` of ``rows``, each of them owned by the caller that runs it."""
    objects = [model(**row, user_id=OWNER) for row in rows]
    query = sql.InsertQuery(model)
    query.insert_values(_fields(model, ("user", *rows[0])), objects)
    ((text, params),) = query.get_compiler(DATABASE).as_sql()
    return Statement(f"{text} RETURNING {_quoted(model, returning)}", params, writes=True)
