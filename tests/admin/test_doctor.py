import json
from collections.abc import Iterator

import pytest
from django.db import connection, transaction
from pytest_django.fixtures import Settings

from tests.authn.key_server import serving_thread
from tests.authn.token_tools import jwk
from todoproject.doctor import database as checks
from todoproject.doctor import isolation, services
from todoproject.doctor.findings import Level

from .processes import run


@pytest.fixture
def undone(database: None) -> Iterator[None]:
    """What the test does to the database is undone."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def test_a_sound_installation_has_no_errors(database: None) -> None:
    report = run("doctor", "--json")

    findings = json.loads(report.stdout)
    assert report.returncode == 0
    assert {finding["level"] for finding in findings} <= {"ok", "warning"}
    assert {"database version", "migrations", "isolation", "key set", "connections", "pooler"} <= {
        finding["check"] for finding in findings
    }


def test_an_error_has_its_fix_and_fails_the_command() -> None:
    report = run("doctor", DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")

    assert report.returncode == 1
    assert "error    database: " in report.stdout
    assert "→ Check DATABASE_URL and that its server runs." in report.stdout
    assert report.stderr == ""


def test_development_settings_are_a_warning(database: None) -> None:
    assert "warning  settings: DJANGO_DEBUG is true" in run("doctor").stdout


def test_the_probe_leaves_nothing_behind(database: None) -> None:
    list(isolation.probe())

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM authn_account WHERE id LIKE 'doctor-%'")
        assert cursor.fetchone() == (0,)


@pytest.mark.parametrize(
    "sabotage",
    [
        "ALTER TABLE tasks_task DISABLE ROW LEVEL SECURITY",
        "CREATE POLICY everybody ON tasks_task USING (true)",
        "CREATE POLICY readers ON tasks_task FOR SELECT USING (true)",
    ],
)
def test_the_probe_finds_rows_that_strangers_see(undone: None, sabotage: str) -> None:
    execute(sabotage)

    (finding,) = isolation.probe()

    assert (finding.level, "foreign scope" in finding.message) == (Level.ERROR, True)


def test_the_probe_finds_rows_that_are_hidden_from_their_owner(undone: None) -> None:
    execute("DROP POLICY owner_only ON tasks_task")

    (finding,) = isolation.probe()

    assert (finding.level, "own owner" in finding.message) == (Level.ERROR, True)


def test_a_table_without_row_level_security_is_named(undone: None) -> None:
    execute("ALTER TABLE tasks_idempotencyrecord DISABLE ROW LEVEL SECURITY")

    (finding,) = isolation.policies()

    assert finding.level is Level.ERROR
    assert "tasks_idempotencyrecord" in finding.message


def test_missing_migrations_are_an_error(undone: None) -> None:
    execute("DELETE FROM django_migrations WHERE app = 'tasks'")

    (finding,) = checks.migrations()

    assert (finding.level, finding.fix) == (Level.ERROR, "Run: python manage.py migrate")


@pytest.mark.parametrize(("skew", "level"), [(0.5, Level.OK), (-3, Level.WARNING), (30, Level.ERROR)])
def test_a_wrong_clock_is_judged_by_what_tokens_tolerate(skew: float, level: Level) -> None:
    assert checks.judged_skew("clock", skew).level is level


def test_more_connections_than_the_server_has_is_an_error(database: None, settings: Settings) -> None:
    settings.WORKERS, settings.DATABASE_POOL_MAX = 100, 100

    _, finding = checks.connections()

    assert finding.level is Level.ERROR
    assert "10000" in finding.message


def test_published_keys_are_counted_and_their_servers_clock_is_read(settings: Settings) -> None:
    with serving_thread() as publish:
        settings.BETTER_AUTH_URL = publish(jwk("EdDSA", "one"))

        found, *clock = services.key_set()

    assert (found.level, "1 usable" in found.message) == (Level.OK, True)
    assert [finding.level for finding in clock] in ([], [Level.OK])


def test_keys_that_cannot_be_fetched_are_an_error(settings: Settings) -> None:
    settings.BETTER_AUTH_URL = "http://127.0.0.1:1"

    (finding,) = services.key_set()

    assert finding.level is Level.ERROR
    assert "BETTER_AUTH_URL" in finding.fix


def test_a_redis_that_is_not_there_is_an_error(settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    (finding,) = services.limits()

    assert (finding.check, finding.level) == ("limits", Level.ERROR)
