import pytest
from django.contrib.auth.models import Group
from django.db import DatabaseError, connection

from authn.audit import AuditEntry
from tests.support.clients import User

from .people import Staff, actions_of, in_thread, log_of


def test_whatever_is_opened_is_on_record(reader: Staff, alice: User) -> None:
    task = alice.create_task()

    reader.get("/authn/account/", params={"q": alice.subject})
    reader.get(f"/authn/account/{alice.subject}/change/")
    reader.get("/tasks/task/", params={"q": alice.subject})
    reader.get(f"/tasks/task/{task['id']}/change/")

    assert actions_of(reader.name) == ["staff.sign_in", "account.list", "account.open", "task.list", "task.open"]
    listed, opened, tasks, task_opened = log_of(reader.name)[1:]
    assert (listed.details, opened.account) == ({"shown": [alice.subject]}, alice.subject)
    assert (tasks.details, task_opened.account, task_opened.target) == (
        {"shown": [task["id"]]},
        alice.subject,
        task["id"],
    )


def test_the_record_holds_nothing_personal(reader: Staff, alice: User) -> None:
    reader.get("/authn/account/", params={"q": "somebody@example.com"})

    assert "somebody@example.com" not in str(log_of(reader.name)[-1].__dict__)


@pytest.mark.parametrize("statement", ["UPDATE authn_auditentry SET reason = ''", "DELETE FROM authn_auditentry"])
def test_the_database_refuses_to_change_the_record(database: None, reader: Staff, statement: str) -> None:
    before = actions_of(reader.name)

    with pytest.raises(DatabaseError, match="only grows"), connection.cursor() as cursor:
        cursor.execute(statement)

    assert actions_of(reader.name) == before


def test_the_database_refuses_to_empty_the_record(database: None, reader: Staff) -> None:
    with pytest.raises(DatabaseError, match="only grows"), connection.cursor() as cursor:
        cursor.execute("TRUNCATE authn_auditentry")

    assert actions_of(reader.name)


def test_nobody_can_edit_the_record_in_the_admin(root: Staff) -> None:
    entry = log_of(root.name)[0]
    token = {"csrfmiddlewaretoken": root.cookies["csrftoken"], "reason": "x", "post": "yes"}

    answers = [
        root.post(f"/authn/auditentry/{path}", data=token).status_code
        for path in ("add/", f"{entry.pk}/change/", f"{entry.pk}/delete/")
    ]

    assert answers == [403] * 3


def test_the_log_shows_what_happened_to_an_account(manager: Staff, alice: User) -> None:
    alice.get("/me")
    manager.send_form(f"/authn/account/{alice.subject}/suspend/", reason="ticket 4711")

    page = manager.get("/authn/auditentry/", params={"q": alice.subject}).text

    assert "account.suspend" in page
    assert "ticket 4711" in page


def test_an_entry_can_be_opened(manager: Staff) -> None:
    entry = log_of(manager.name)[0]

    page = manager.get(f"/authn/auditentry/{entry.pk}/change/")

    assert page.status_code == 200
    assert "staff.sign_in" in page.text


def test_changes_of_staff_and_groups_are_on_record(root: Staff) -> None:
    name = f"group-{root.name}"

    root.send_form("/auth/group/add/", name=name)
    group = in_thread(lambda: Group.objects.get(name=name))
    root.send_form(f"/auth/group/{group.pk}/change/", name=f"{name}-2")
    root.send_form(f"/auth/group/{group.pk}/delete/", post="yes")

    assert actions_of(root.name)[1:] == ["group.add", "group.change", "group.delete"]


def test_the_apis_role_has_no_access_to_the_record(database: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT has_table_privilege('todo_api', %s, 'SELECT, INSERT')", [AuditEntry._meta.db_table])
        (allowed,) = cursor.fetchone()

    assert allowed is False
