"""Two owners with the same kind of rows, as the ownership tests use them."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from authn.caller import Caller
from authn.models import Account
from tasks.models import Task
from tests.support.clients import fresh_subject

Run = Callable[[Coroutine[Any, Any, Any]], Any]


@dataclass
class World:
    """Alice owns "mine 1" and "mine 2", Bob "yours 1" and "yours 2"; ``run`` runs a coroutine where the pool is."""

    run: Run
    alice: Caller = field(default_factory=lambda: Caller(fresh_subject("alice")))
    bob: Caller = field(default_factory=lambda: Caller(fresh_subject("bob")))

    def __post_init__(self) -> None:
        for caller, title in ((self.alice, "mine"), (self.bob, "yours")):
            Account.objects.create(pk=caller.subject)
            for number in (1, 2):
                Task.unscoped.create(user_id=caller.subject, title=f"{title} {number}")
        self._bobs = self._rows(self.bob)

    @property
    def mine(self) -> Any:
        return Task.objects.owned_by(self.alice)

    @property
    def ids(self) -> set[UUID]:
        return set(Task.unscoped.filter(user_id=self.alice.subject).values_list("pk", flat=True))

    @property
    def foreign(self) -> Task:
        return Task.unscoped.filter(user_id=self.bob.subject).earliest("title")

    def _rows(self, caller: Caller) -> list[dict[str, Any]]:
        return [dict(row) for row in Task.unscoped.filter(user_id=caller.subject).order_by("pk").values()]

    def assert_bob_untouched(self) -> None:
        assert self._rows(self.bob) == self._bobs

    def asynchronously(self, items: Any) -> list[Any]:
        """All that an asynchronous iterable yields."""

        async def collect() -> list[Any]:
            return [item async for item in items]

        collected: list[Any] = self.run(collect())
        return collected
