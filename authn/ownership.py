"""Layer 1: models whose rows belong to a caller, and querysets that cannot forget it."""

from collections.abc import Iterable, Mapping
from typing import Any, NoReturn, Self, TypeVar, cast

from django.apps import apps
from django.db import models
from django.db.models import sql

from .caller import Caller
from .native import NativeQuerySet
from .statements import Param

OWNER = "user_id"
OWNER_NAMES = frozenset({"user", OWNER})

M_co = TypeVar("M_co", bound="OwnedModel", covariant=True)
Owner = str | Param


class OwnerRequired(RuntimeError):
    """A statement on an owned table was about to run for nobody in particular."""

    def __init__(self, model: type[models.Model]) -> None:
        name = model.__name__
        super().__init__(
            f"{name}.objects has no owner: start from {name}.objects.owned_by(caller), "
            f"or say that every owner is meant with {name}.unscoped"
        )


class ForeignOwner(ValueError):
    """A write named another owner than the queryset's."""


class OwnedQuery(sql.Query):
    """A query that compiles only once it has an owner; clones and subqueries included."""

    owner: Owner | None = None

    def require_owner(self) -> Owner:
        if self.owner is None:
            raise OwnerRequired(cast("type[models.Model]", self.model))
        return self.owner

    def get_compiler(self, *args: Any, **kwargs: Any) -> Any:
        self.require_owner()
        return super().get_compiler(*args, **kwargs)

    def chain(self, klass: Any = None) -> Any:
        if klass is not None:
            self.require_owner()  # the clone becomes another class of query, without this guard
        return super().chain(klass)


class OwnedQuerySet(NativeQuerySet[M_co]):
    """Reads, updates and deletes are filtered by the owner, inserts carry it, and nothing can change it.

    Terminal methods without an owner raise `OwnerRequired`. The asynchronous ones run natively, in the owner's scope
    of layer 2; those that cannot are refused with `NotImplementedError`.
    """

    def __init__(
        self,
        model: type[M_co] | None = None,
        query: sql.Query | None = None,
        using: str | None = None,
        hints: Any = None,
    ) -> None:
        super().__init__(model, query or OwnedQuery(cast("type[models.Model]", model)), using, hints)

    @property
    def owner(self) -> Owner:
        return cast("OwnedQuery", self.query).require_owner()

    def owned_by(self, owner: Caller | Owner) -> Self:
        """Only the rows of ``owner``: a caller, a subject, or a parameter bound when the statement runs."""
        subject = owner.subject if isinstance(owner, Caller) else owner
        current = cast("OwnedQuery", self.query).owner
        if current is not None and current != subject:
            raise ForeignOwner("this queryset has an owner already")
        owned: Any = self._chain()  # type: ignore[attr-defined]
        owned.query.owner = subject
        return cast("Self", owned.filter(**{OWNER: subject}))

    # Inserts

    def create(self, **kwargs: Any) -> M_co:
        return super().create(**self._with_owner(kwargs))

    def bulk_create(self, objs: Iterable[M_co], *args: Any, **kwargs: Any) -> list[M_co]:
        return super().bulk_create(self._claim(objs, *args, **kwargs), *args, **kwargs)

    async def acreate(self, **kwargs: Any) -> M_co:
        return cast("M_co", (await self._ainsert([self.model(**self._with_owner(kwargs))]))[0])

    async def abulk_create(self, objs: Iterable[M_co], *args: Any, **kwargs: Any) -> list[M_co]:
        claimed = self._claim(objs, *args, **kwargs)
        if args or kwargs:
            raise NotImplementedError("abulk_create() takes no options: it is one statement for all objects")
        return await self._ainsert(claimed) if claimed else []

    def get_or_create(self, defaults: Mapping[str, Any] | None = None, **kwargs: Any) -> tuple[M_co, bool]:
        return super().get_or_create(self._without_owner(defaults), **self._without_owner(kwargs))

    def update_or_create(
        self,
        defaults: Mapping[str, Any] | None = None,
        create_defaults: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> tuple[M_co, bool]:
        create = None if create_defaults is None else self._without_owner(create_defaults)
        return super().update_or_create(self._without_owner(defaults), create, **self._without_owner(kwargs))

    # Updates and deletes

    def update(self, **kwargs: Any) -> int:
        self.owner  # noqa: B018  (refuses without one)
        return super().update(**self._without_owner(kwargs))

    async def aupdate(self, **kwargs: Any) -> int:
        return await self._aupdate(self._without_owner(kwargs))

    def bulk_update(self, objs: Iterable[M_co], fields: Iterable[str], batch_size: int | None = None) -> int:
        names = list(fields)
        self._without_owner(dict.fromkeys(names))
        return super().bulk_update(self._claim(objs), names, batch_size)

    def delete(self) -> tuple[int, dict[str, int]]:
        self.owner  # noqa: B018
        return super().delete()

    def _raw_delete(self, using: str | None) -> int:
        self.owner  # noqa: B018
        return super()._raw_delete(using)

    # Combinations: every side has to have the same owner.

    def __and__(self, other: Any) -> Any:
        return super().__and__(self._same_owner(other)[0])

    def __or__(self, other: Any) -> Any:
        return super().__or__(self._same_owner(other)[0])

    def __xor__(self, other: Any) -> Any:
        return super().__xor__(self._same_owner(other)[0])

    def union(self, *other_qs: Any, all: bool = False) -> Any:  # noqa: A002  (Django's name)
        return super().union(*self._same_owner(*other_qs), all=all)

    def intersection(self, *other_qs: Any) -> Any:
        return super().intersection(*self._same_owner(*other_qs))

    def difference(self, *other_qs: Any) -> Any:
        return super().difference(*self._same_owner(*other_qs))

    # Statements written by hand have no place on an owned queryset.

    def raw(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise NotImplementedError("raw() cannot be held to an owner: use Model.unscoped.raw() and name the owner in it")

    def extra(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise NotImplementedError("extra() cannot be held to an owner: use annotate() and filter()")

    def _same_owner(self, *others: Any) -> tuple[Any, ...]:
        for other in others:
            if not isinstance(other, OwnedQuerySet) or other.owner != self.owner:
                raise ForeignOwner("only querysets of the same owner can be combined")
        return others

    def _with_owner(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return self._without_owner(values) | {OWNER: self.owner}

    def _without_owner(self, values: Mapping[str, Any] | None) -> dict[str, Any]:
        """The values, once they are known to leave the owner alone; naming the same owner is no change."""
        values = dict(values or {})
        for name in list(values):
            if name in OWNER_NAMES or name.partition("__")[0] in OWNER_NAMES:
                value = values.pop(name)
                if name not in OWNER_NAMES or getattr(value, "pk", value) != self.owner:
                    raise ForeignOwner(f"{name} cannot be set: the rows of this queryset stay with their owner")
        self.owner  # noqa: B018
        return values

    def _claim(self, objs: Iterable[M_co], *args: Any, update_conflicts: bool = False, **_: Any) -> list[M_co]:
        """The objects, each with this owner. A conflict on a key could be with another owner's row: never updated."""
        if update_conflicts or len(args) > 2:
            raise NotImplementedError("update_conflicts could write another owner's row: use update()")
        claimed = list(objs)
        for obj in claimed:
            current = getattr(obj, OWNER)
            if current not in (None, "", self.owner):
                raise ForeignOwner("an object belongs to another owner")
            setattr(obj, OWNER, self.owner)
        return claimed


OwnedManager = models.Manager.from_queryset(OwnedQuerySet, class_name="OwnedManager")


class OwnedModel(models.Model):
    """A model whose every row belongs to one account.

    `objects` works for one owner at a time; `unscoped` sees all of them and is for the admin and for commands. The
    migration of a subclass isolates its table with `authn.rls.IsolateByOwner`; a system check insists.
    """

    # No index of its own: the indexes of an owned table lead with the owner.
    user = models.ForeignKey(
        "authn.Account", on_delete=models.PROTECT, related_name="+", db_index=False, editable=False
    )

    # First, so that it is the default manager, which Django's own machinery uses.
    unscoped = models.Manager()
    objects = OwnedManager()

    class Meta:
        abstract = True

    def _held_to_owner(self, rows: Any) -> Any:
        """``rows`` of this instance's owner. One that was loaded without its owner has its key from the database."""
        return rows if OWNER in self.get_deferred_fields() else rows.filter(**{OWNER: self.user_id})

    def _do_update(self, base_qs: Any, *args: Any, **kwargs: Any) -> Any:
        """Saving never reaches the row of another owner, whatever the primary key says."""
        return super()._do_update(self._held_to_owner(base_qs), *args, **kwargs)

    def delete(self, using: Any = None, keep_parents: bool = False) -> tuple[int, dict[str, int]]:
        """Deleting neither."""
        if (
            self.pk is not None
            and not self._held_to_owner(type(self).unscoped.using(using).filter(pk=self.pk)).exists()
        ):
            return 0, {}
        return super().delete(using, keep_parents)

    def refresh_from_db(self, using: Any = None, fields: Any = None, from_queryset: Any = None) -> None:
        own = self._held_to_owner(type(self).unscoped.all()) if from_queryset is None else from_queryset
        super().refresh_from_db(using, fields, own)

    def _get_next_or_previous_by_FIELD(self, field: Any, is_next: bool, **kwargs: Any) -> Any:  # noqa: N802  (Django's)
        """The neighbours of an instance are rows of its owner."""
        return super()._get_next_or_previous_by_FIELD(field, is_next, **kwargs, **{OWNER: self.user_id})  # type: ignore[misc]


def owned_models() -> list[type[OwnedModel]]:
    """Every concrete owned model of the project."""
    return [model for model in apps.get_models() if issubclass(model, OwnedModel)]
