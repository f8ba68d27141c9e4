"""manage.py purge"""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any
from unittest.mock import patch

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections
from pytest_django import Settings

from tasks import purge
from tasks.models import IdempotencyRecord, Task
from tests.support.clients import NewUser, User


@pytest.fixture(autouse=True)
def _nothing_to_purge(database: None) -> Iterator[None]:
    """What other tests have left in the trash, and for a retry, is not counted here; whoever waits fails."""
    Task.unscoped.filter(deleted_at__isnull=False).delete()
    IdempotencyRecord.unscoped.all().delete()
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '5s'")
        yield
        cursor.execute("RESET lock_timeout")


@pytest.fixture
def another_connection(database: None) -> Iterator["psycopg.Connection[Any]"]:
    params = connection.get_connection_params()
    with psycopg.connect(
        **{name: params[name] for name in ("host", "port", "user", "dbname") if name in params}
    ) as other:
        yield other


def trash(user: User, days: float, title: str = "trashed") -> str:
    """A task that went to the trash so many days ago."""
    task_id: str = user.create_task(title)["id"]
    user.trash(task_id)
    Task.unscoped.filter(pk=task_id).update(deleted_at=datetime.now(UTC) - timedelta(days=days))
    return task_id


def fill_trash(user: User, count: int) -> None:
    user.get("/me")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO tasks_task (id, user_id, title, completed, revision, title_key, deleted_at)"
            " SELECT gen_random_uuid(), %s, 'x', false, 0, '', now() - interval '40 days'"
            " FROM generate_series(1, %s)",
            [user.subject, count],
        )


def run(*args: str) -> str:
    said = StringIO()
    call_command("purge", *args, stdout=said)
    return said.getvalue()


def in_trash(user: User) -> list[str]:
    return sorted(user.titles(trashed="true", limit=200))


def test_what_has_been_in_the_trash_for_longer_than_the_retention_is_deleted(alice: User) -> None:
    trash(alice, 30.1, "over")
    trash(alice, 29.9, "under")
    alice.create_task("live")

    assert run() == "Deleted 1 tasks and 0 idempotency records.\n"
    assert (in_trash(alice), alice.titles()) == (["under"], ["live"])


@pytest.mark.parametrize(("days", "left"), [(1, []), (5, ["three days"]), (365, ["three days"])])
def test_the_retention_is_a_setting(alice: User, settings: Settings, days: int, left: list[str]) -> None:
    settings.TRASH_RETENTION_DAYS = days
    trash(alice, 3, "three days")
    run()

    assert in_trash(alice) == left


def test_the_retention_can_be_given(alice: User) -> None:
    trash(alice, 3, "three days")
    trash(alice, 0, "just now")

    run("--days", "2")
    assert in_trash(alice) == ["just now"]
    run("--days", "0")
    assert in_trash(alice) == []


def test_a_dry_run_counts_and_deletes_nothing(alice: User) -> None:
    trash(alice, 31)
    alice.post("/tasks", json={"title": "x"}, headers={"Idempotency-Key": "k"})
    IdempotencyRecord.unscoped.update(created_at="2020-01-01T00:00:00Z")

    assert run("--dry-run") == "Would delete 1 tasks and 1 idempotency records.\n"
    assert len(in_trash(alice)) == 1
    assert run() == "Deleted 1 tasks and 1 idempotency records.\n"


def test_records_are_deleted_when_no_retry_can_ask_for_them(alice: User, bob: User) -> None:
    for user, hours in ((alice, 23.9), (bob, 24.1)):
        user.post("/tasks", json={"title": "x"}, headers={"Idempotency-Key": "k"})
        created = datetime.now(UTC) - timedelta(hours=hours)
        IdempotencyRecord.unscoped.filter(user=user.subject).update(created_at=created)
    run()

    assert list(IdempotencyRecord.unscoped.values_list("user_id", flat=True)) == [alice.subject]
    assert len(bob.tasks()) == 1


def test_negative_days_are_refused(alice: User) -> None:
    trash(alice, 0)

    with pytest.raises(CommandError, match="--days must be 0 or more"):
        run("--days", "-1")
    assert len(in_trash(alice)) == 1


def test_everything_goes_in_batches_of_bounded_size(new_user: NewUser) -> None:
    users = [new_user(f"user{number}") for number in range(3)]
    for user in users:
        fill_trash(user, 40)
    with patch.object(purge, "ROWS", 25):
        batches = list(purge.purge_tasks(datetime.now(UTC)))

    assert sum(batches) == 120
    assert max(batches) <= 25
    assert not Task.unscoped.filter(deleted_at__isnull=False).exists()


def test_rows_of_whoever_is_writing_are_left_and_said_so(
    alice: User, bob: User, another_connection: "psycopg.Connection[Any]"
) -> None:
    trash(alice, 31)
    trash(bob, 31)
    with another_connection.cursor() as cursor:
        cursor.execute("SELECT FROM authn_account WHERE id = %s FOR NO KEY UPDATE", [alice.subject])
        said = run()
    another_connection.rollback()

    assert said.startswith("Deleted 1 tasks and 0 idempotency records. 1 are being changed")
    assert (len(in_trash(alice)), in_trash(bob)) == (1, [])
    run()
    assert in_trash(alice) == []


def test_many_busy_owners_do_not_hide_the_others(
    new_user: NewUser, alice: User, another_connection: "psycopg.Connection[Any]"
) -> None:
    busy = [new_user(f"busy{number}") for number in range(4)]
    for user in busy:
        trash(user, 40)
    trash(alice, 31)
    with patch.object(purge, "ROWS", 2), another_connection.cursor() as cursor:
        subjects = [user.subject for user in busy]
        cursor.execute("SELECT FROM authn_account WHERE id = ANY(%s) FOR NO KEY UPDATE", [subjects])
        run()
    another_connection.rollback()

    assert in_trash(alice) == []


def test_a_task_that_somebody_edits_without_its_account_is_left(
    alice: User, another_connection: "psycopg.Connection[Any]"
) -> None:
    """An edit by SQL takes the task first and its account later: waiting for it here would be a deadlock."""
    task_id = trash(alice, 31)
    with another_connection.cursor() as cursor:
        cursor.execute("SELECT FROM tasks_task WHERE id = %s FOR UPDATE", [task_id])
        run()
        cursor.execute("UPDATE tasks_task SET deleted_at = NULL WHERE id = %s", [task_id])
    another_connection.commit()

    assert alice.titles() == ["trashed"]


def test_a_task_that_comes_back_while_it_is_looked_for_stays(alice: User) -> None:
    task_id, delete = trash(alice, 31), purge._delete_unlocked

    def restore_first(*found: Any) -> int:
        alice.post(f"/tasks/{task_id}/restore")
        return delete(*found)

    with patch.object(purge, "_delete_unlocked", restore_first):
        assert sum(purge.purge_tasks(datetime.now(UTC))) == 0

    assert alice.titles() == ["trashed"]


def test_two_at_once_delete_each_task_once(new_user: NewUser) -> None:
    users = [new_user(f"user{number}") for number in range(4)]
    for user in users:
        fill_trash(user, 50)

    def purge_all(_: int) -> int:
        try:
            return sum(purge.purge_tasks(datetime.now(UTC)))
        finally:
            connections.close_all()

    with patch.object(purge, "ROWS", 10), ThreadPoolExecutor(2) as both:
        deleted = list(both.map(purge_all, range(2)))

    left = Task.unscoped.filter(deleted_at__isnull=False).count()
    assert sum(deleted) == 200 - left
    list(purge.purge_tasks(datetime.now(UTC)))
    assert not Task.unscoped.filter(deleted_at__isnull=False).exists()


def test_writers_and_a_purge_do_not_disturb_each_other(alice: User) -> None:
    """Nothing fails on either side, and what is taken out of the trash in time stays."""
    fill_trash(alice, 300)
    rounds = 25

    def write(number: int) -> list[int]:
        statuses = []
        for _ in range(rounds):
            task = alice.create_task(f"kept {number}")
            statuses += [
                alice.delete(f"/tasks/{task['id']}").status_code,
                alice.post(f"/tasks/{task['id']}/restore").status_code,
                alice.patch(f"/tasks/{task['id']}/complete").status_code,
            ]
        return statuses

    def purge_meanwhile() -> None:
        try:
            for _ in range(10):
                list(purge.purge_tasks(datetime.now(UTC) - timedelta(days=1)))
        finally:
            connections.close_all()

    with patch.object(purge, "ROWS", 20), ThreadPoolExecutor(4) as pool:
        purging = pool.submit(purge_meanwhile)
        statuses = [status for found in pool.map(write, range(3)) for status in found]
        purging.result()

    assert sorted(statuses) == [200] * 2 * 3 * rounds + [204] * 3 * rounds
    assert len(alice.tasks(limit=200)) == 3 * rounds
    run()
    assert in_trash(alice) == []


def test_the_exit_code_tells_cron(alice: User) -> None:
    trash(alice, 31)
    command = [sys.executable, "manage.py", "purge"]
    params = connection.get_connection_params()
    url = f"postgresql://{params['user']}@/{params['dbname']}?host={params['host']}&port={params.get('port', 5432)}"

    def purged(url: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command, env={**os.environ, "DATABASE_URL": url}, capture_output=True, text=True, check=False
        )

    good, bad = purged(url), purged("postgresql://nobody@127.0.0.1:1/nothing")

    assert (good.returncode, good.stdout) == (0, "Deleted 1 tasks and 0 idempotency records.\n")
    assert bad.returncode != 0
    assert len(bad.stderr.splitlines()) == 1
