"""manage.py seeddemo."""

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from authn.models import Account
from tasks import demo
from tasks.models import Task
from tests.support.clients import NewUser, fresh_subject

pytestmark = pytest.mark.usefixtures("database")


def test_the_rows_are_as_the_trigger_would_leave_them() -> None:
    subject = fresh_subject("seeded")

    demo._insert([subject], [demo._template(number, 60) for number in range(60)])

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FILTER (WHERE title_key = tasks_fold(title) AND completed = (completed_at IS NOT NULL)"
            "   AND search = array_to_tsvector(tasks_words(user_id, concat_ws(' ', title, description)))),"
            " count(DISTINCT revision), max(revision) FROM tasks_task WHERE user_id = %s",
            [subject],
        )
        assert cursor.fetchone() == (60, 60, 60)
    assert Account.objects.get(pk=subject).revision == 60


def test_a_seeded_user_works_like_any_other(new_user: NewUser) -> None:
    subject = fresh_subject("seeded")
    demo._insert([subject], [demo._template(number, 30) for number in range(30)])

    person = new_user(subject=subject)
    made = person.create_task("My own")

    assert made["revision"] == 31
    assert len(person.tasks()) == 31


def test_a_second_run_adds_only_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    Task.unscoped.exists() or demo._insert([fresh_subject("first")], [demo._template(0, 1)])
    made: list[str] = []
    monkeypatch.setattr(demo, "_insert", lambda subjects, templates: made.extend(subjects))
    Account.objects.get_or_create(pk="demo-2")

    out = call_command("seeddemo", users=3, tasks=5)

    assert set(made) <= {"demo-1", "demo-3"}
    assert "demo-2" not in made
    assert out.startswith("3 users")


@pytest.mark.parametrize("options", [{"users": -1, "tasks": 1}, {"users": 1, "tasks": -1}])
def test_a_negative_number_is_refused(options: dict[str, int]) -> None:
    with pytest.raises(CommandError, match="0 or more"):
        call_command("seeddemo", **options)
