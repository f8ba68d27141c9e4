"""GET /me"""

from datetime import datetime

from tests.support.clients import Client, NewUser, User
from tests.support.wire import Trace

from .refusals import assert_refuses_query, assert_refuses_strangers


def test_a_stranger_is_refused(anonymous: Client) -> None:
    assert_refuses_strangers(anonymous, "GET", "/me")


def test_nothing_of_others_is_counted(alice: User, bob: User) -> None:
    bob.create_task()

    assert alice.get("/me").json()["tasks"] == {"open": 0, "completed": 0, "trashed": 0}


def test_query_parameters_are_refused(alice: User) -> None:
    assert_refuses_query(alice, "GET", "/me")


def test_the_account_is_made_on_first_sight(new_user: NewUser) -> None:
    carol = new_user("carol", email="carol@example.com", name="Carol Ü")

    me = carol.get("/me").json()

    assert list(me) == ["id", "email", "name", "created_at", "last_seen_at", "tasks"]
    assert (me["id"], me["email"], me["name"]) == (carol.subject, "carol@example.com", "Carol Ü")
    assert datetime.fromisoformat(me["created_at"]) <= datetime.fromisoformat(me["last_seen_at"])


def test_what_a_token_does_not_say_stays_unknown(alice: User) -> None:
    me = alice.get("/me").json()

    assert (me["email"], me["name"]) == (None, None)


def test_a_new_token_brings_the_mirror_up_to_date(new_user: NewUser) -> None:
    before = new_user("carol", email="old@example.com", name="Old")
    created = before.get("/me").json()["created_at"]

    renamed = new_user(subject=before.subject, email="new@example.com", name="New").get("/me").json()
    silent = new_user(subject=before.subject).get("/me").json()

    assert (renamed["email"], renamed["name"], renamed["created_at"]) == ("new@example.com", "New", created)
    assert (silent["email"], silent["name"]) == ("new@example.com", "New")


def test_open_and_completed_counts_leave_out_the_trash(alice: User) -> None:
    for completed in (False, False, True):
        alice.create_task(completed=completed)
    for completed in (False, True, True, True):
        alice.trash(alice.create_task(completed=completed)["id"])

    assert alice.get("/me").json()["tasks"] == {"open": 2, "completed": 1, "trashed": 4}


def test_subjects_are_compared_byte_by_byte(new_user: NewUser) -> None:
    base = new_user("Zoë").subject
    variants = [base, base.lower(), base.upper(), f" {base}", f"{base} ", base.replace("ë", "e\u0301"), f"{base}\u200b"]
    users = [new_user(subject=subject) for subject in variants]
    for user in users:
        user.create_task(f"of {user.subject}")

    for user in users:
        assert user.get("/me").json()["id"] == user.subject
        assert user.titles() == [f"of {user.subject}".strip()]


def test_a_subject_of_255_characters_is_a_user_like_any_other(new_user: NewUser) -> None:
    start = new_user("long").subject
    user = new_user(subject=(start + "🐘" * 255)[:255])

    user.create_task("x")

    assert user.get("/me").json()["id"] == user.subject
    assert user.titles() == ["x"]


def test_a_subject_is_data_and_never_sql(new_user: NewUser, alice: User) -> None:
    alice.create_task("alice's")
    for text in ("' OR '1'='1", alice.subject + "' --", "%s", "%(owner)s", "{}", "\\", "$1", "null", "\u2028", ";"):
        user = new_user(subject=text)
        user.create_task(f"of {text}.")
        assert alice.titles() == ["alice's"]
        assert set(user.titles()) == {f"of {text}."}


def test_one_round_trip_answers_the_account(alice: User, statements: Trace) -> None:
    alice.get("/me")
    first = statements.round_trips
    statements.reset()

    alice.get("/me")

    assert (first, statements.round_trips) == (1, 1)
