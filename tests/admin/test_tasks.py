import httpx
import pytest

from tests.support.clients import NewUser, User

from .people import Staff, actions_of, log_of

SECRET = "A very private plan"


def shown(staff: Staff, query: dict[str, str]) -> list[str]:
    """The tasks that a search or filter shows."""
    staff.get("/tasks/task/", params=query)
    ids: list[str] = log_of(staff.name)[-1].details["shown"]
    return ids


def test_a_task_is_found_by_its_id(reader: Staff, alice: User) -> None:
    task = alice.create_task()
    alice.create_task()

    assert shown(reader, {"q": task["id"]}) == [task["id"]]


def test_the_tasks_of_an_account_are_found_by_its_whole_subject(reader: Staff, alice: User, bob: User) -> None:
    bob.create_task()
    tasks = [alice.create_task()["id"] for _ in range(3)]

    assert shown(reader, {"q": alice.subject}) == tasks[::-1]
    assert shown(reader, {"q": alice.subject[:-1]}) == []


def test_tasks_are_filtered_by_state_and_date(reader: Staff, alice: User) -> None:
    open_, done, trashed = (alice.create_task(completed=completed)["id"] for completed in (False, True, False))
    alice.trash(trashed)

    found = {state: shown(reader, {"q": alice.subject, "state": state}) for state in ("open", "completed", "trash")}
    today = shown(reader, {"q": alice.subject, "created": "1"})

    assert found == {"open": [open_], "completed": [done], "trash": [trashed]}
    assert set(today) == {open_, done, trashed}


def test_no_page_shows_content_unasked(manager: Staff, alice: User) -> None:
    task = alice.create_task(SECRET, description=SECRET)

    pages = [
        manager.get(path, params={"q": alice.subject}).text
        for path in (
            "/tasks/task/",
            f"/tasks/task/{task['id']}/change/",
            f"/tasks/task/{task['id']}/show_content/",
            f"/tasks/task/{task['id']}/restore/",
            f"/tasks/task/{task['id']}/history/",
            f"/authn/account/{alice.subject}/change/",
        )
    ]

    assert [SECRET in page for page in pages] == [False] * 6


def test_content_is_shown_for_a_reason_and_that_is_on_record(manager: Staff, alice: User) -> None:
    task = alice.create_task(SECRET, description="<b>line\nline</b>")

    page = manager.send_form(f"/tasks/task/{task['id']}/show_content/", reason="ticket 1")

    assert SECRET in page.text
    assert "&lt;b&gt;line\nline&lt;/b&gt;" in page.text
    entry = log_of(manager.name)[-1]
    assert (entry.action, entry.account, entry.target, entry.reason) == (
        "task.show_content",
        alice.subject,
        task["id"],
        "ticket 1",
    )
    assert SECRET not in str(entry.details)


def test_content_is_not_shown_without_a_reason(manager: Staff, alice: User) -> None:
    task = alice.create_task(SECRET)

    page = manager.send_form(f"/tasks/task/{task['id']}/show_content/", reason="")

    assert page.status_code == 422
    assert SECRET not in page.text
    assert "task.show_content" not in actions_of(manager.name)


def test_a_trashed_task_is_restored_for_its_owner(manager: Staff, alice: User) -> None:
    task = alice.create_task()
    alice.trash(task["id"])

    manager.send_form(f"/tasks/task/{task['id']}/restore/", reason="asked for")

    assert alice.get_task(task["id"])["deleted_at"] is None
    assert "task.restore" in actions_of(manager.name)


def test_restoring_a_live_task_says_that_it_is_live(manager: Staff, alice: User) -> None:
    task = alice.create_task()

    page = manager.send_form(f"/tasks/task/{task['id']}/restore/", reason="asked for")

    assert "This task is not in the trash" in page.text
    assert alice.get_task(task["id"])["revision"] == task["revision"]


def test_a_restored_task_reaches_the_owners_devices(manager: Staff, alice: User) -> None:
    task = alice.create_task()
    alice.trash(task["id"])
    since = alice.get("/tasks/changes").json()["next"]

    manager.send_form(f"/tasks/task/{task['id']}/restore/", reason="asked for")

    changed = alice.get("/tasks/changes", params={"since": since}).json()["items"]
    assert [item["id"] for item in changed] == [task["id"]]


@pytest.mark.parametrize("query", ["nobody", "00000000-0000-0000-0000-000000000000", "%", "' OR 1=1 --"])
def test_a_search_without_a_match_says_so(reader: Staff, query: str) -> None:
    page = reader.get("/tasks/task/", params={"q": query})

    assert "No task has this id" in page.text


def test_tasks_and_accounts_cannot_be_added_edited_or_deleted(root: Staff, new_user: NewUser) -> None:
    carol = new_user("carol")
    task = carol.create_task()
    token = {"csrfmiddlewaretoken": root.cookies["csrftoken"]}

    answers: list[httpx.Response] = [
        root.post("/tasks/task/add/", data=token),
        root.post(f"/tasks/task/{task['id']}/change/", data={**token, "title": "changed"}),
        root.post(f"/tasks/task/{task['id']}/delete/", data={**token, "post": "yes"}),
        root.post(f"/authn/account/{carol.subject}/change/", data={**token, "email": "x@example.com"}),
        root.post(f"/authn/account/{carol.subject}/delete/", data={**token, "post": "yes"}),
    ]

    assert [answer.status_code for answer in answers] == [403] * 5
    assert carol.get_task(task["id"])["title"] == task["title"]
