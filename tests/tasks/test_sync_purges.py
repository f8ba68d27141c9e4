"""What a sync token is worth once tasks have been deleted for good."""

from collections.abc import Callable

import pytest
from django.core.management import call_command
from django.db import connection

from authn.models import Account
from tasks.models import Task
from tests.support.clients import User

from .refusals import assert_code
from .replica import Replica, live_tasks

Purge = Callable[[User, str], None]


def permanently(user: User, task_id: str) -> None:
    assert user.delete(f"/tasks/{task_id}", params={"permanent": "true"}).status_code == 204


def by_command(user: User, task_id: str) -> None:
    call_command("purge", "--days", "0")


def by_queryset(user: User, task_id: str) -> None:
    Task.unscoped.filter(pk=task_id).delete()


def by_sql(user: User, task_id: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM tasks_task WHERE id = %s", [task_id])


PURGES = [permanently, by_command, by_queryset, by_sql]


@pytest.fixture(autouse=True)
def _database(database: None) -> None:
    pass


@pytest.mark.parametrize("purge", PURGES)
def test_a_token_that_would_miss_a_deletion_has_expired(alice: User, purge: Purge) -> None:
    task, replica = alice.create_task(), Replica(alice)
    replica.catch_up()
    alice.trash(task["id"])
    purge(alice, task["id"])

    assert_code(replica.ask(), 410, "sync_token_expired")
    assert replica.catch_up() == {}
    assert replica.restarts == 1


@pytest.mark.parametrize("purge", [by_queryset, by_sql])
def test_a_live_task_that_is_deleted_for_good_expires_every_token(alice: User, purge: Purge) -> None:
    doomed = alice.create_task("doomed")
    alice.create_task("kept")
    replica = Replica(alice)
    replica.catch_up()
    purge(alice, doomed["id"])

    assert_code(replica.ask(), 410, "sync_token_expired")
    assert replica.catch_up() == live_tasks(alice)


@pytest.mark.parametrize("purge", PURGES)
def test_a_token_that_has_seen_the_deletion_goes_on(alice: User, purge: Purge) -> None:
    task, replica = alice.create_task(), Replica(alice)
    replica.catch_up()
    alice.trash(task["id"])
    replica.catch_up()
    purge(alice, task["id"])
    alice.create_task("later")

    assert replica.catch_up() == live_tasks(alice)
    assert replica.restarts == 0


@pytest.mark.parametrize("purge", PURGES)
def test_a_token_from_after_a_purge_never_expires_by_it(alice: User, purge: Purge) -> None:
    kept = [alice.create_task(str(number)) for number in range(3)]
    gone = alice.create_task("gone")
    alice.trash(gone["id"])
    purge(alice, gone["id"])

    replica = Replica(alice, limit=1)
    replica.pull()
    first = replica.token
    replica.catch_up()

    assert replica.tasks == {task["id"]: task for task in kept}
    assert replica.restarts == 0
    replica.token = first
    assert replica.ask().status_code == 200


@pytest.mark.parametrize("purge", PURGES)
def test_a_purge_of_what_was_in_the_trash_before_does_not_disturb_a_first_walk(alice: User, purge: Purge) -> None:
    for number in range(3):
        alice.create_task(str(number))
    gone = alice.create_task("gone")
    alice.trash(gone["id"])
    replica = Replica(alice, limit=1)
    replica.pull()
    purge(alice, gone["id"])

    assert replica.catch_up() == live_tasks(alice)
    assert replica.restarts == 0


@pytest.mark.parametrize("purge", PURGES)
def test_a_first_walk_starts_over_when_what_it_has_delivered_is_purged(alice: User, purge: Purge) -> None:
    delivered = alice.create_task("delivered")
    alice.create_task("next")
    replica = Replica(alice, limit=1)
    replica.pull()
    alice.trash(delivered["id"])
    purge(alice, delivered["id"])

    assert replica.catch_up() == live_tasks(alice)
    assert replica.restarts == 1


def test_a_token_survives_the_purge_of_a_task_that_was_trashed_and_purged_after_others(alice: User) -> None:
    """Purges come in any order: the highest revision first, then a lower one."""
    low, high = alice.create_task("low"), alice.create_task("high")
    replica = Replica(alice)
    replica.catch_up()
    alice.trash(low["id"])
    alice.trash(high["id"])
    permanently(alice, high["id"])
    replica.catch_up()
    permanently(alice, low["id"])

    assert replica.catch_up() == live_tasks(alice) == {}
    assert replica.restarts == 1


def test_no_copy_outlives_an_erased_account(alice: User) -> None:
    alice.create_task("live")
    replica = Replica(alice)
    replica.catch_up()
    assert alice.request("DELETE", "/me", json={"confirm": alice.subject}).status_code == 204
    Account.objects.filter(pk=alice.subject).update(status=Account.Status.ACTIVE)

    assert replica.catch_up() == {}


def test_revisions_are_never_used_twice(alice: User) -> None:
    seen = [alice.create_task("one")["revision"]]
    for _ in range(2):
        task = alice.create_task("trashed")
        alice.trash(task["id"])
        seen.append(alice.tasks(trashed="true")[0]["revision"])
        permanently(alice, task["id"])
        seen.append(alice.create_task("after a permanent delete")["revision"])
    assert alice.request("DELETE", "/me", json={"confirm": alice.subject}).status_code == 204
    Account.objects.filter(pk=alice.subject).update(status=Account.Status.ACTIVE)
    seen.append(alice.create_task("after an erasure")["revision"])

    assert seen == sorted(set(seen))
