"""The pictures of the README. To take them anew: SCREENSHOTS=docs/images pytest tests/admin/test_screenshots.py"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.cache import cache
from django.db import connection
from playwright.sync_api import Page
from pytest_django.fixtures import Settings

from tests.support.clients import NewUser

from .browsing import SignIn
from .people import MANAGE, in_thread

PERSON = "k3Vq9ZtR7mWxB2sLdY5cNp"
MONTH = """
ALTER TABLE tasks_task DISABLE TRIGGER USER;
INSERT INTO authn_account (id, email, name, created_at, last_seen_at)
    SELECT CASE i WHEN 7 THEN %(person)s
        ELSE translate(left(encode(sha256(i::text::bytea), 'base64'), 22), '/+', 'ab') END,
        lower(first || '.' || last) || i || '@example.org', first || ' ' || last,
        now() - (i * i %% 900 + i) * interval '1 hour', now() - i * 7 %% 100 * interval '1 hour'
    FROM generate_series(1, 160) i, LATERAL (SELECT
        (ARRAY['Anna', 'Bo', 'Chen', 'Dara', 'Émile', 'Fatima', 'Grace'])[1 + i %% 7] AS first,
        (ARRAY['Miller', 'Ng', 'Okafor', 'Silva', 'Yılmaz'])[1 + i %% 5] AS last) name;
INSERT INTO authn_activity (account_id, day)
    SELECT a.id, (now() AT TIME ZONE 'UTC')::date - d FROM authn_account a, generate_series(0, 29) d
    WHERE email LIKE '%%@example.org' AND abs(hashtext(a.id || d)) %% 100 < 62 - d - (d %% 7 < 2)::int * 14
    ON CONFLICT DO NOTHING;
INSERT INTO tasks_task
    (id, user_id, title, completed, created_at, updated_at, completed_at, deleted_at, revision, title_key)
    SELECT gen_random_uuid(), a.id, 'Buy oat milk', n %% 3 = 0, made, now(),
        CASE WHEN n %% 3 = 0 THEN least(now(), made + (n %% 4) * interval '20 hours') END,
        CASE WHEN n %% 9 = 8 THEN now() END, n, ''
    FROM authn_account a, generate_series(1, 14) n,
        LATERAL (SELECT now() - abs(hashtext(a.id || n)) %% 700 * sqrt(n / 14.0) * interval '1 hour' AS made) day
    WHERE email LIKE '%%@example.org';
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE tasks_task ENABLE TRIGGER USER;
"""


@pytest.fixture
def a_month_of_use(database: None, settings: Settings) -> Iterator[None]:
    settings.METRICS_TOKEN = "a-token-for-the-metrics-of-these-tests-only"

    def fill() -> None:
        with connection.cursor() as cursor:
            cursor.execute(MONTH, {"person": PERSON})

    def clear() -> None:
        with connection.cursor() as cursor:
            mine = "SELECT id FROM authn_account WHERE email LIKE '%@example.org' AND name IS NOT NULL"
            cursor.execute(f"DELETE FROM tasks_task WHERE user_id IN ({mine})")
            cursor.execute(f"DELETE FROM authn_activity WHERE account_id IN ({mine})")
            cursor.execute(f"DELETE FROM authn_account WHERE id IN ({mine})")

    in_thread(fill)
    cache.clear()
    yield
    in_thread(clear)


def take(page: Page, directory: Path, name: str) -> Path:
    page.wait_for_load_state("networkidle")
    page.evaluate("document.fonts.ready")
    path = directory / f"{name}.png"
    page.screenshot(path=path)
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pictures_of_the_readme_can_be_taken(
    a_month_of_use: None, sign_in: SignIn, new_user: NewUser, tmp_path: Path, scheme: str
) -> None:
    person = new_user(subject=PERSON)
    for token in (person.token, "nonsense"):
        person.get("/tasks", headers={"Authorization": f"Bearer {token}"})
    directory = Path(os.environ.get("SCREENSHOTS", tmp_path))
    page = sign_in(MANAGE, scheme=scheme)

    taken = [take(page, directory, f"dashboard-{scheme}")]
    page.goto("authn/account/")
    taken.append(take(page, directory, f"accounts-{scheme}"))
    page.goto(f"authn/account/{PERSON}/change/")
    taken.append(take(page, directory, f"account-{scheme}"))
    page.get_by_role("link", name="Erase").click()
    taken.append(take(page, directory, f"erase-{scheme}"))
    page.goto(f"tasks/task/?q={PERSON}")
    taken.append(take(page, directory, f"tasks-{scheme}"))
    page.goto("authn/auditentry/")
    taken.append(take(page, directory, f"audit-log-{scheme}"))

    assert all(path.stat().st_size > 10_000 for path in taken)
