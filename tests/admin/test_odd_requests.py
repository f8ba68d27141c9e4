import pytest

from .people import Staff

PAGES = ("/authn/account/", "/tasks/task/", "/authn/auditentry/")
QUERIES = (
    "q=%00",
    "q=%F0%9F%8E%89",
    "p=-5",
    "p=x",
    "p=999999999999999999999",
    "state=x",
    "status=x",
    "o=9.9",
    "user_id=1",
    "e=1",
)
OBJECTS = (
    "/authn/account/%00/change/",
    "/authn/account/%00/suspend/",
    "/tasks/task/%00/change/",
    "/tasks/task/not-an-id/restore/",
    "/tasks/task/00000000-0000-0000-0000-000000000000/show_content/",
    "/authn/auditentry/99999999999999999999999/change/",
    "/authn/account/_/change/",
)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("query", QUERIES)
def test_an_odd_query_is_answered_in_order(manager: Staff, page: str, query: str) -> None:
    assert manager.get(f"{page}?{query}").status_code < 500


@pytest.mark.parametrize("path", OBJECTS)
def test_an_object_that_cannot_exist_is_missing_like_any_other(manager: Staff, path: str) -> None:
    response = manager.get(path)

    assert response.status_code in (200, 404)
    assert "doesn’t exist" in response.text or "There is no" in response.text
