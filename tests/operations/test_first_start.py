"""The first start against a database of one's own, whose user is no superuser."""

from collections.abc import Iterator

import pytest

from .doctor import examined
from .machines import Api, Postgres, api, postgres


@pytest.fixture
def database() -> Iterator[Postgres]:
    """A cluster without the role todo_api, as an administrator or a provider has just made it."""
    with postgres() as server:
        server.execute("CREATE ROLE plain LOGIN")
        server.execute("CREATE DATABASE plain OWNER plain")
        yield server


@pytest.fixture
def url(database: Postgres) -> str:
    return f"postgresql://plain@/plain?host={database.sockets}"


def test_a_user_who_may_not_make_the_role_is_told_what_an_administrator_has_to_run(
    database: Postgres, url: str
) -> None:
    refused = Api(url)
    try:
        code = refused.process.wait(30)
        said = refused.log.read_text()
    finally:
        refused.remove()
    database.execute("CREATE ROLE todo_api NOLOGIN")
    database.execute('GRANT todo_api TO "plain"')
    with api(url) as server:
        written = server.client("alice").post("/tasks", json={"title": "first"})

    assert code == 3
    assert 'CREATE ROLE todo_api NOLOGIN; GRANT todo_api TO "plain"' in said
    assert "Traceback" not in said
    assert written.status_code == 201


def test_a_user_who_may_make_roles_needs_nobody(database: Postgres, url: str) -> None:
    """As Neon, RDS and others give: no superuser, but CREATEROLE."""
    database.execute("ALTER ROLE plain CREATEROLE")

    with api(url) as server:
        written = server.client("alice").post("/tasks", json={"title": "first"})

    assert written.status_code == 201
    assert examined(url, "database rights")["level"] == "ok"


def test_doctor_notices_a_user_who_administers_the_role_without_becoming_it(database: Postgres, url: str) -> None:
    database.execute("ALTER ROLE plain CREATEROLE")
    with api(url):
        pass
    database.execute("REVOKE todo_api FROM plain GRANTED BY plain")

    found = examined(url, "database rights")

    assert (found["level"], found["fix"]) == ("error", 'Run: GRANT todo_api TO "plain"')
