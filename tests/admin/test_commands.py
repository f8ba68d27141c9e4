"""Commands as an operator runs them: exit codes, one sentence for what is wrong, and nothing half done."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import get_commands
from django.db import connection

from authn.models import Account
from tests.operations.machines import until
from tests.support.clients import User, fresh_subject
from todoproject.env import BASE_DIR

from .people import log_of
from .processes import environment, run

COMMANDS = (
    *("accounts", "account_erase", "account_export", "account_reinstate", "account_suspend", "doctor", "stats"),
    *("authcheck", "createtoken", "purge", "seeddemo"),
)


def test_the_documentation_lists_every_command() -> None:
    ours = [name for name, app in get_commands().items() if app in ("authn", "tasks", "todoproject")]

    text = (BASE_DIR / "docs" / "operations.md").read_text()

    assert [name for name in ours if f"`{name}" not in text] == []


@pytest.fixture
def operator(monkeypatch: pytest.MonkeyPatch) -> str:
    """A name of their own for whoever runs the commands of this test."""
    name = fresh_subject("operator")
    monkeypatch.setenv("LOGNAME", name)
    return name


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_has_an_example(command: str) -> None:
    help_text = run(command, "--help")

    assert help_text.returncode == 0
    assert "Example: python manage.py " in help_text.stdout


def test_suspending_and_reinstating_is_on_record_with_its_reason(database: None, alice: User, operator: str) -> None:
    alice.get("/me")

    suspended = run("account_suspend", alice.subject, "--reason", "ticket 1")
    refused = alice.get("/tasks").status_code
    reinstated = run("account_reinstate", alice.subject)

    assert (suspended.returncode, refused, reinstated.returncode) == (0, 403, 0)
    assert alice.get("/tasks").status_code == 200
    assert [(entry.action, entry.reason) for entry in log_of(operator)] == [
        ("account.suspend", "ticket 1"),
        ("account.reinstate", ""),
    ]


@pytest.mark.parametrize("command", ["account_suspend", "account_reinstate", "account_erase", "account_export"])
def test_an_unknown_subject_is_named(database: None, command: str) -> None:
    answer = run(command, "nobody-has-this")

    assert answer.returncode == 1
    assert answer.stderr == (
        "CommandError: There is no account with the subject 'nobody-has-this'. Subjects are compared byte by byte.\n"
    )


def test_a_second_suspend_fails(database: None, alice: User) -> None:
    alice.get("/me")
    run("account_suspend", alice.subject)

    again = run("account_suspend", alice.subject)

    assert again.returncode == 1
    assert "is suspended already" in again.stderr


@pytest.mark.parametrize("arguments", [(), ("--confirm", "somebody else"), ("--confirm", "")])
def test_an_erasure_without_the_typed_confirmation_erases_nothing(
    database: None, alice: User, arguments: tuple[str, ...]
) -> None:
    alice.create_task("Still here")

    answer = run("account_erase", alice.subject, *arguments, stdin=f"{alice.subject}\n")

    assert answer.returncode == 1
    assert "onfirm" in answer.stderr
    assert alice.titles() == ["Still here"]


def test_a_dry_run_says_what_an_erasure_would_delete(database: None, alice: User) -> None:
    alice.create_task()

    answer = run("account_erase", alice.subject, "--dry-run", "--json")

    assert json.loads(answer.stdout)["rows"] == {"tasks.IdempotencyRecord": 0, "tasks.Task": 1}
    assert len(alice.tasks()) == 1


def test_an_erasure_erases(database: None, alice: User, operator: str) -> None:
    alice.create_task()

    answer = run("account_erase", alice.subject, "--confirm", alice.subject, "--reason", "asked for")

    assert answer.returncode == 0
    assert alice.get("/me").json()["code"] == "account_erased"
    assert log_of(operator)[-1].details == {"rows": {"tasks.IdempotencyRecord": 0, "tasks.Task": 1}}


def test_an_export_is_the_owners_document(database: None, alice: User, tmp_path: Path) -> None:
    alice.create_task("Ünïcode 🎉")
    target = tmp_path / "alice.json"

    answer = run("account_export", alice.subject, "--output", str(target))
    printed = run("account_export", alice.subject, PYTHONIOENCODING="utf-8")

    assert answer.returncode == 0
    assert json.loads(target.read_text())["tasks"] == alice.get("/me/export").json()["tasks"]
    assert printed.stdout == target.read_text()
    assert target.stat().st_mode & 0o777 == 0o600


def test_an_export_overwrites_nothing(database: None, alice: User, tmp_path: Path) -> None:
    alice.get("/me")
    target = tmp_path / "alice.json"
    target.write_text("precious")

    answer = run("account_export", alice.subject, "--output", str(target))

    assert answer.returncode == 1
    assert "exists already" in answer.stderr
    assert target.read_text() == "precious"


def test_a_full_disk_leaves_no_half_an_export(database: None, alice: User, tmp_path: Path) -> None:
    for _ in range(5):
        alice.create_task(description="x" * 4000)
    command = f"ulimit -f 8; exec {sys.executable} manage.py account_export {alice.subject} --output {tmp_path}/a.json"

    answer = subprocess.run(
        ["bash", "-c", command], cwd=BASE_DIR, env=environment(), capture_output=True, text=True, check=False
    )

    assert answer.returncode == 1
    assert "cannot be written: File too large. Nothing was kept." in answer.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_full_device_behind_standard_output_is_told(database: None, alice: User) -> None:
    alice.get("/me")

    with Path("/dev/full").open("w") as full:
        answer = subprocess.run(
            [sys.executable, "manage.py", "account_export", alice.subject],
            cwd=BASE_DIR,
            env=environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert answer.returncode == 1
    assert answer.stderr == "CommandError: The output cannot be written: No space left on device.\n"


def test_a_closed_pipe_ends_the_command_without_a_word(database: None, alice: User) -> None:
    for _ in range(5):
        alice.create_task(description="x" * 10_000)
    reading, writing = os.pipe()
    os.close(reading)

    answer = subprocess.run(
        [sys.executable, "manage.py", "account_export", alice.subject],
        cwd=BASE_DIR,
        env=environment(),
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)

    assert (answer.returncode, answer.stderr) == (141, "")


def _waiting(subject: str) -> subprocess.Popen[str]:
    """An erasure that waits for the account's row, which the test has locked."""
    return subprocess.Popen(
        [sys.executable, "manage.py", "account_erase", subject, "--confirm", subject],
        cwd=BASE_DIR,
        env=environment(PGAPPNAME=subject[:40]),
        stderr=subprocess.PIPE,
        text=True,
    )


def _sessions(subject: str) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE application_name = %s AND wait_event_type = 'Lock'", [subject[:40]]
        )
        return [pid for (pid,) in cursor.fetchall()]


@pytest.mark.parametrize("end", ["interrupt", "lost database"])
def test_an_erasure_that_is_cut_short_has_erased_nothing(database: None, alice: User, end: str) -> None:
    alice.create_task("Still here")
    connection.set_autocommit(False)
    try:
        Account.objects.select_for_update().get(pk=alice.subject)
        command = _waiting(alice.subject)
        until(lambda: bool(_sessions(alice.subject)), "the command waits")
        if end == "interrupt":
            command.send_signal(signal.SIGINT)
        else:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(%s)", _sessions(alice.subject))
        _, said = command.communicate(timeout=30)
    finally:
        connection.rollback()
        connection.set_autocommit(True)

    expected = {"interrupt": (130, "Interrupted. Nothing is half done."), "lost database": (3, "Nothing is half done")}
    code, words = expected[end]
    assert (command.returncode, words in said, "Traceback" in said) == (code, True, False)
    assert alice.titles() == ["Still here"]


@pytest.mark.parametrize("command", ["stats", "purge", "purge --dry-run", "seeddemo --users 1 --tasks 1"])
def test_a_database_that_is_not_there_is_one_sentence(command: str) -> None:
    answer = run(*command.split(), DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")

    assert answer.returncode == 3
    assert answer.stderr.startswith("CommandError: ")
    assert "127.0.0.1" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_accounts_are_listed_and_shown(database: None, alice: User) -> None:
    alice.create_task()

    listed = json.loads(run("accounts", "list", "--search", alice.subject, "--json").stdout)
    shown = json.loads(run("accounts", "show", alice.subject, "--json").stdout)
    in_words = run("accounts", "show", alice.subject).stdout

    assert [row["id"] for row in listed] == [alice.subject]
    assert (shown["status"], shown["tasks"]) == ("active", {"open": 1, "completed": 0, "trashed": 0})
    assert "1 open, 0 completed, 0 trashed" in in_words


def test_an_empty_list_says_so(database: None) -> None:
    assert run("accounts", "list", "--search", "nobody-has-this").stdout == "No account matches.\n"


def test_statistics_are_for_people_and_for_scripts(database: None, alice: User) -> None:
    alice.create_task()

    numbers = json.loads(run("stats", "--days", "2", "--json").stdout)
    table = run("stats", "--days", "2").stdout

    assert len(numbers["days"]) == 2
    assert numbers["days"][-1]["created"] >= 1
    assert table.startswith(f"Accounts: {numbers['accounts']['active']} active")


@pytest.mark.parametrize("days", ["0", "-1", "401", "many"])
def test_an_impossible_number_of_days_is_a_usage_error(database: None, days: str) -> None:
    answer = run("stats", "--days", days)

    assert answer.returncode == 2
    assert "days" in answer.stderr
