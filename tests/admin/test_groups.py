import pytest

from tests.support.clients import User

from .conftest import NewStaff
from .people import Staff


def statuses(staff: Staff, alice: User, task_id: str) -> dict[str, int]:
    """What somebody is answered, page by page."""
    pages = {
        "accounts": "/authn/account/",
        "tasks": "/tasks/task/",
        "account": f"/authn/account/{alice.subject}/change/",
        "suspend": f"/authn/account/{alice.subject}/suspend/",
        "reinstate": f"/authn/account/{alice.subject}/reinstate/",
        "export": f"/authn/account/{alice.subject}/export/",
        "erase": f"/authn/account/{alice.subject}/erase/",
        "restore": f"/tasks/task/{task_id}/restore/",
        "content": f"/tasks/task/{task_id}/show_content/",
        "log": "/authn/auditentry/",
        "staff": "/auth/user/",
        "groups": "/auth/group/",
    }
    return {name: staff.get(path).status_code for name, path in pages.items()}


def test_readers_look_and_change_nothing(reader: Staff, alice: User) -> None:
    found = statuses(reader, alice, alice.create_task()["id"])

    assert {name for name, status in found.items() if status == 200} == {"accounts", "tasks", "account"}
    assert set(found.values()) == {200, 403}


def test_managers_act_and_read_the_log_but_do_not_make_staff(manager: Staff, alice: User) -> None:
    found = statuses(manager, alice, alice.create_task()["id"])

    assert {name for name, status in found.items() if status == 403} == {"staff", "groups"}


def test_staff_without_a_group_sees_no_more_than_the_dashboard(new_staff: NewStaff, alice: User) -> None:
    staff = new_staff()

    found = statuses(staff, alice, alice.create_task()["id"])

    assert set(found.values()) == {403}
    assert staff.get("/").status_code == 200


@pytest.mark.parametrize("act", ["suspend", "erase", "export"])
def test_a_reader_who_sends_the_form_all_the_same_is_refused(reader: Staff, alice: User, act: str) -> None:
    alice.create_task()
    data = {"csrfmiddlewaretoken": reader.cookies["csrftoken"], "reason": "x", "confirm": alice.subject}

    response = reader.post(f"/authn/account/{alice.subject}/{act}/", data=data)

    assert response.status_code == 403
    assert alice.get("/me").status_code == 200


def test_readers_are_not_offered_what_they_may_not_do(reader: Staff, alice: User) -> None:
    alice.get("/me")

    page = reader.get(f"/authn/account/{alice.subject}/change/").text

    assert "/suspend/" not in page
    assert "/erase/" not in page
