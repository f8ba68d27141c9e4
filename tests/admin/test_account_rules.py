"""What is done to an account holds on every process, and is whole or not there at all."""

from contextlib import ExitStack

import pytest
from django.db import connection

from authn import accounts
from authn.audit import Actor, AuditEntry
from tasks.models import Task
from tests.operations.machines import until
from tests.support.clients import User

from .processes import api_processes

ACTOR = Actor("the tests", AuditEntry.Source.COMMAND)


def test_a_suspension_holds_on_every_process_within_a_second(database: None, alice: User) -> None:
    alice.create_task()
    with api_processes(2) as urls, ExitStack() as closing:
        others = [closing.enter_context(User(url, alice.subject)) for url in urls]
        assert [other.get("/tasks").status_code for other in others] == [200, 200]

        accounts.suspend(alice.subject, ACTOR, "a test")
        until(lambda: {other.get("/tasks").status_code for other in others} == {403}, "refused everywhere", seconds=1)

        assert [other.post("/tasks", json={"title": "no"}).status_code for other in others] == [403, 403]


@pytest.mark.parametrize("subject", ["nobody-at-all", ""])
def test_an_unknown_subject_is_named(database: None, subject: str) -> None:
    for act in (accounts.suspend, accounts.reinstate):
        with pytest.raises(accounts.UnknownAccount, match=repr(subject)):
            act(subject, ACTOR)
    with pytest.raises(accounts.UnknownAccount):
        accounts.erase(subject, ACTOR, confirm=subject)


def test_an_active_account_is_not_reinstated(database: None, alice: User) -> None:
    alice.get("/me")

    with pytest.raises(accounts.WrongStatus, match="nothing to reinstate"):
        accounts.reinstate(alice.subject, ACTOR)


def test_an_erased_account_is_not_erased_again_nor_suspended(database: None, alice: User) -> None:
    alice.get("/me")
    accounts.erase(alice.subject, ACTOR, confirm=alice.subject)

    with pytest.raises(accounts.WrongStatus, match="erased already"):
        accounts.erase(alice.subject, ACTOR, confirm=alice.subject)
    with pytest.raises(accounts.WrongStatus, match="is erased already"):
        accounts.suspend(alice.subject, ACTOR)


def test_an_erasure_that_breaks_off_has_erased_nothing(
    database: None, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice.create_task("Still here")

    def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError("a broken disk")

    monkeypatch.setattr(accounts, "record", broken)
    with pytest.raises(RuntimeError):
        accounts.erase(alice.subject, ACTOR, confirm=alice.subject)

    assert alice.titles() == ["Still here"]


def test_an_erasure_deletes_every_owned_row_and_nobody_elses(database: None, alice: User, bob: User) -> None:
    alice.post("/tasks", json={"title": "one"}, headers={"Idempotency-Key": "k"})
    alice.trash(alice.create_task()["id"])
    bob.create_task("Bob's")

    erased = accounts.erase(alice.subject, ACTOR, confirm=alice.subject)

    assert erased.rows == {"tasks.Task": 2, "tasks.IdempotencyRecord": 1}
    assert bob.titles() == ["Bob's"]


def test_what_is_announced_is_what_is_erased(database: None, alice: User) -> None:
    alice.create_task()

    announced = accounts.erasure(alice.subject)

    assert accounts.erase(alice.subject, ACTOR, confirm=alice.subject) == announced


def test_erasing_many_tasks_does_not_take_ages(database: None, alice: User) -> None:
    """Thirty thousand rows: minutes if every one of them bumped the account's revision."""
    alice.get("/me")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE tasks_task DISABLE TRIGGER USER")
        cursor.execute(
            "INSERT INTO tasks_task (id, user_id, title, completed, created_at, updated_at, revision, title_key)"
            " SELECT gen_random_uuid(), %s, 'many', false, now(), now(), i, '' FROM generate_series(1, 30000) i",
            [alice.subject],
        )
        cursor.execute("ALTER TABLE tasks_task ENABLE TRIGGER USER")
        cursor.execute("SET statement_timeout = '4s'")
        try:
            erased = accounts.erase(alice.subject, ACTOR, confirm=alice.subject)
        finally:
            cursor.execute("RESET statement_timeout")

    assert erased.rows["tasks.Task"] == 30_000
    assert not Task.unscoped.filter(user=alice.subject).exists()
