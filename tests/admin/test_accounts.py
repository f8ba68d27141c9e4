import json
from typing import Any

from tests.support.clients import NewUser, User, fresh_subject

from .people import Staff, actions_of, log_of

COUNTED = ("open", "completed", "in trash")


def subjects(staff: Staff, query: str) -> list[str]:
    """The accounts that a search shows."""
    staff.get("/authn/account/", params={"q": query})
    shown: list[str] = log_of(staff.name)[-1].details["shown"]
    return shown


def account(staff: Staff, user: User) -> str:
    return staff.get(f"/authn/account/{user.subject}/change/").text


def test_a_person_is_found_by_the_beginning_of_their_subject(reader: Staff, alice: User) -> None:
    alice.get("/me")

    assert subjects(reader, alice.subject[:14]) == [alice.subject]


def test_a_person_is_found_by_the_beginning_of_their_address_in_any_case(reader: Staff, new_user: NewUser) -> None:
    word = fresh_subject("w")
    carol = new_user("carol", email=f"{word}@example.com")
    carol.get("/me")

    assert subjects(reader, word.upper()[:20]) == [carol.subject]


def test_a_person_is_found_by_the_beginning_of_their_name(reader: Staff, new_user: NewUser) -> None:
    word = fresh_subject("Zoë")
    carol = new_user("carol", name=f"{word} Miller")
    carol.get("/me")

    assert subjects(reader, f"{word} mil") == [carol.subject]


def test_a_search_does_not_take_wildcards(reader: Staff, alice: User) -> None:
    alice.get("/me")

    assert subjects(reader, alice.subject[:8] + "%" + alice.subject[-3:]) == []


def test_a_search_without_a_match_says_what_to_try(reader: Staff) -> None:
    page = reader.get("/authn/account/", params={"q": "nobody-has-this"})

    assert "No matches" in page.text
    assert "Subjects are case-sensitive" in page.text


def test_the_list_counts_the_tasks_of_each_person(reader: Staff, alice: User) -> None:
    alice.create_task()
    alice.create_task(completed=True)
    alice.trash(alice.create_task()["id"])
    alice.trash(alice.create_task()["id"])

    page = reader.get("/authn/account/", params={"q": alice.subject}).text

    cells = {label: page.partition(f'data-label="{label}">')[2].partition("<")[0] for label in COUNTED}
    assert cells == {"open": "1", "completed": "1", "in trash": "2"}


def test_an_account_shows_how_it_stands_and_leads_to_its_tasks(reader: Staff, new_user: NewUser) -> None:
    carol = new_user("carol", email="carol@example.com", name="Carol")
    carol.create_task()

    page = account(reader, carol)

    assert "carol@example.com" in page
    assert "1 open, 0 completed, 0 in the trash" in page
    assert f"/admin/tasks/task/?q={carol.subject}" in page


def test_suspending_stops_the_api_at_once_and_needs_a_reason(manager: Staff, alice: User) -> None:
    alice.create_task()
    path = f"/authn/account/{alice.subject}/suspend/"

    without = manager.send_form(path, reason=" ")
    before = alice.get("/tasks").status_code
    manager.send_form(path, reason="ticket 1")

    assert (without.status_code, before) == (422, 200)
    assert alice.get("/tasks").json()["code"] == "account_suspended"
    assert alice.post("/tasks", json={"title": "no"}).status_code == 403
    assert [log_of(manager.name)[-2].action, log_of(manager.name)[-2].reason] == ["account.suspend", "ticket 1"]


def test_a_second_suspend_says_that_it_is_one(manager: Staff, alice: User) -> None:
    alice.get("/me")
    path = f"/authn/account/{alice.subject}/suspend/"
    manager.send_form(path, reason="ticket 1")

    again = manager.send_form(path, reason="ticket 2")

    assert "is suspended already" in again.text
    assert actions_of(manager.name).count("account.suspend") == 1


def test_reinstating_lets_the_person_go_on_where_they_were(manager: Staff, alice: User) -> None:
    alice.create_task("Still here")
    manager.send_form(f"/authn/account/{alice.subject}/suspend/", reason="ticket 1")

    manager.send_form(f"/authn/account/{alice.subject}/reinstate/", reason="a mistake")

    assert alice.titles() == ["Still here"]


def test_erasing_needs_the_subject_typed(manager: Staff, alice: User) -> None:
    alice.create_task("Still here")
    path = f"/authn/account/{alice.subject}/erase/"

    wrong = manager.send_form(path, reason="ticket 1", confirm=alice.subject.upper())

    assert wrong.status_code == 422
    assert "This is not the subject" in wrong.text
    assert alice.titles() == ["Still here"]


def test_erasing_leaves_the_bare_subject(manager: Staff, new_user: NewUser) -> None:
    carol = new_user("carol", email="carol@example.com", name="Carol")
    carol.create_task()

    manager.send_form(f"/authn/account/{carol.subject}/erase/", reason="asked for", confirm=carol.subject)

    assert carol.get("/tasks").json()["code"] == "account_erased"
    page = account(manager, carol)
    assert "carol@example.com" not in page
    assert "0 open, 0 completed, 0 in the trash" in page


def test_an_erased_and_reinstated_account_starts_empty_and_never_repeats_a_revision(
    manager: Staff, alice: User
) -> None:
    newest: int = alice.create_task()["revision"]
    manager.send_form(f"/authn/account/{alice.subject}/erase/", reason="asked for", confirm=alice.subject)

    manager.send_form(f"/authn/account/{alice.subject}/reinstate/", reason="came back")

    assert alice.titles() == []
    assert alice.create_task()["revision"] > newest


def test_an_unknown_subject_is_told(manager: Staff) -> None:
    page = manager.get("/authn/account/nobody-has-this/suspend/")

    assert page.url.path == "/admin/authn/account/"
    assert "There is no account" in page.text


def test_the_export_is_what_the_owner_would_get(manager: Staff, alice: User) -> None:
    alice.create_task("One", description="Ünïcode 🎉")
    alice.trash(alice.create_task("Two")["id"])
    own: dict[str, Any] = alice.get("/me/export").json()

    response = manager.send_form(f"/authn/account/{alice.subject}/export/", reason="ticket 1")

    exported = json.loads(response.content)
    for document in (own, exported):
        del document["account"]["last_seen_at"]
    assert exported == own
    assert response.headers["content-disposition"].startswith("attachment")
    assert actions_of(manager.name)[-1] == "account.export"


def test_a_subject_of_odd_characters_can_be_opened_and_acted_on(manager: Staff, new_user: NewUser) -> None:
    odd = new_user(subject=fresh_subject('a/b_%?"é#:=&+ <i>'))
    odd.get("/me")
    place = (
        next(
            line.partition('href="')[2].partition('"')[0]
            for line in manager.get("/authn/account/", params={"q": odd.subject}).text.splitlines()
            if "/change/" in line
        )
        .replace("&amp;", "&")
        .partition("?")[0]
    )

    page = manager.get(f"{manager.base_url.copy_with(path='')}{place}")
    manager.send_form(f"{manager.base_url.copy_with(path='')}{place}".replace("/change/", "/suspend/"), reason="odd")

    assert "<i>" not in page.text
    assert odd.get("/me").status_code == 403
