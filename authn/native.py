"""The asynchronous half of an owned queryset: Django compiles, the pool runs, no thread is used."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, NoReturn, TypeVar, cast

from django.core.exceptions import EmptyResultSet
from django.db import models
from django.db.models import sql

from .caller import Caller
from .scope import execute

M_co = TypeVar("M_co", bound=models.Model, covariant=True)
DATABASE = "default"


def _refused(name: str, instead: str) -> Any:
    async def method(self: Any, *args: Any, **kwargs: Any) -> NoReturn:
        raise NotImplementedError(f"{name}() does not run natively: {instead}")

    method.__name__ = name
    return method


def _is_filled_in(field: Any, objs: Sequence[Any]) -> bool:
    """Whether the database makes the value: a generated column, or a serial key that none of ``objs`` brings along."""
    is_serial = isinstance(field, models.AutoField)
    return bool(field.generated) or (is_serial and all(getattr(obj, field.attname) is None for obj in objs))


class NativeQuerySet(models.QuerySet[M_co, M_co]):
    """Asynchronous terminal methods on the pool; the subclass says who the owner is."""

    @property
    def owner(self) -> Any:
        raise NotImplementedError

    @property
    def _model(self) -> Any:
        return self.model

    def _caller(self) -> Caller:
        return Caller(cast("str", self.owner))

    async def _aselect(self) -> list[Any]:
        """Run the query and build what iterating over it yields: instances, dictionaries, tuples or single values."""
        self.owner  # noqa: B018  (refuses without one)
        if self._prefetch_related_lookups:  # type: ignore[attr-defined]
            raise NotImplementedError("prefetch_related() does not run natively: fetch the related rows as their owner")
        fetched = self._chain()  # type: ignore[attr-defined]
        compiler = fetched.query.get_compiler(DATABASE)
        try:
            text, params = compiler.as_sql()
        except EmptyResultSet:
            return []
        rows = (await execute(self._caller(), (text, params))).rows
        # What Django's own iterables ask of the compiler, answered from the rows that are here already.
        compiler.execute_sql = lambda *_, **__: [rows]
        fetched.query.get_compiler = lambda *_, **__: compiler
        return list(fetched._iterable_class(fetched))

    def __aiter__(self) -> AsyncIterator[M_co]:
        async def generator() -> AsyncIterator[M_co]:
            for item in await self._aselect():
                yield item

        return generator()

    def aiterator(self, chunk_size: int = 2000) -> AsyncIterator[M_co]:
        """See iterator(). The rows arrive in one answer, whatever ``chunk_size`` says."""
        return self.__aiter__()

    async def aget(self, *args: Any, **kwargs: Any) -> M_co:
        """See get()."""
        found = await self.filter(*args, **kwargs)[:2]._aselect()
        if not found:
            raise self._model.DoesNotExist(f"{self.model._meta.object_name} matching query does not exist.")
        if len(found) > 1:
            raise self._model.MultipleObjectsReturned(f"get() returned more than one {self.model._meta.object_name}.")
        return cast("M_co", found[0])

    async def afirst(self) -> M_co | None:
        """See first()."""
        ordered = self if self.ordered else self.order_by("pk")
        return next(iter(await ordered[:1]._aselect()), None)

    async def alast(self) -> M_co | None:
        """See last()."""
        ordered = self.reverse() if self.ordered else self.order_by("-pk")
        return next(iter(await ordered[:1]._aselect()), None)

    async def aearliest(self, *fields: Any, **_: Any) -> M_co:
        """See earliest()."""
        return await self.order_by(*self._latest_by(fields))[:1].aget_only()

    async def alatest(self, *fields: Any, **_: Any) -> M_co:
        """See latest()."""
        return await self.order_by(*self._latest_by(fields)).reverse()[:1].aget_only()

    async def aget_only(self) -> M_co:
        """The first row. Raises DoesNotExist when there is none."""
        found = await self._aselect()
        if not found:
            raise self._model.DoesNotExist(f"{self.model._meta.object_name} matching query does not exist.")
        return cast("M_co", found[0])

    def _latest_by(self, fields: Sequence[str]) -> Sequence[str]:
        named = fields or self.model._meta.get_latest_by
        if not named:
            raise ValueError("name the fields, or set get_latest_by on the model")
        return (named,) if isinstance(named, str) else named

    async def acount(self) -> int:
        """See count()."""
        query = self.query.chain()
        query.clear_ordering(force=False)
        try:
            text, params = query.get_compiler(DATABASE).as_sql()
        except EmptyResultSet:
            return 0
        answer = await execute(self._caller(), (f"SELECT count(*) FROM ({text}) t", params))  # noqa: S608  (Django's SQL)
        return cast("int", answer.rows[0][0])

    async def aexists(self) -> bool:
        """See exists()."""
        try:
            text, params = self.query.exists().get_compiler(DATABASE).as_sql()
        except EmptyResultSet:
            return False
        return bool((await execute(self._caller(), (text, params))).rows)

    async def acontains(self, obj: models.Model) -> bool:
        """See contains()."""
        if obj._meta.concrete_model != self.model._meta.concrete_model:
            return False
        return await self.filter(pk=obj.pk).aexists()

    async def ain_bulk(self, id_list: Any = None, *, field_name: str = "pk") -> dict[Any, M_co]:
        """See in_bulk()."""
        chosen = self if id_list is None else self.filter(**{f"{field_name}__in": list(id_list)})
        return {getattr(obj, field_name): obj for obj in await chosen._aselect()}

    async def _ainsert(self, objs: Sequence[Any]) -> list[Any]:
        """One INSERT for all ``objs``; what the database set comes back onto them."""
        meta = self.model._meta
        query: Any = sql.InsertQuery(self.model)
        query.insert_values([field for field in meta.concrete_fields if not _is_filled_in(field, objs)], objs)
        compiler = query.get_compiler(DATABASE)
        compiler.returning_fields = list(meta.concrete_fields)
        ((text, params),) = compiler.as_sql()
        answer = await execute(self._caller(), (text, params), write=True)
        columns = [field.get_col(meta.db_table) for field in meta.concrete_fields]
        rows = compiler.apply_converters(answer.rows, compiler.get_converters(columns))
        for obj, row in zip(objs, rows, strict=True):
            for field, value in zip(meta.concrete_fields, row, strict=True):
                setattr(obj, field.attname, value)
            obj._state.adding, obj._state.db = False, DATABASE
        return list(objs)

    async def _aupdate(self, values: dict[str, Any]) -> int:
        if self.query.is_sliced:
            raise TypeError("Cannot update a query once a slice has been taken.")
        query: Any = self.query.chain(sql.UpdateQuery)
        query.add_update_values(values)
        return await self._affected(query)

    async def adelete(self) -> tuple[int, dict[str, int]]:
        """See delete(). Rows that depend on these are not deleted: the database refuses while they exist."""
        if self.query.is_sliced or self.query.distinct:
            raise TypeError("Cannot use 'limit', 'offset' or distinct() with adelete().")
        query = self.query.chain(sql.DeleteQuery)
        deleted = await self._affected(query)
        return deleted, {self.model._meta.label: deleted} if deleted else {}

    async def _affected(self, query: sql.Query) -> int:
        """Run a writing ``query``; the number of rows it wrote."""
        try:
            text, params = query.get_compiler(DATABASE).as_sql()
        except EmptyResultSet:
            return 0
        if not text:  # an update of nothing
            return 0
        counted = f"WITH t AS ({text} RETURNING 1) SELECT count(*) FROM t"  # noqa: S608  (Django's SQL)
        return cast("int", (await execute(self._caller(), (counted, params), write=True)).rows[0][0])

    aaggregate = _refused("aaggregate", "use acount(), or values().annotate() and iterate")
    aget_or_create = _refused("aget_or_create", "use aget(), and acreate() when it raises DoesNotExist")
    aupdate_or_create = _refused("aupdate_or_create", "use aupdate(), and acreate() when it returns 0")
    abulk_update = _refused("abulk_update", "use aupdate()")
    aexplain = _refused("aexplain", "use explain()")
