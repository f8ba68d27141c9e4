"""Who runs a command, and what is asked of them."""

import io
import os
import sys
from datetime import date

import pytest
from django.core.management import call_command

from authn import commands
from authn.activity import Activity
from authn.audit import AuditEntry
from authn.models import Account
from authn.staff.log import signed_out
from tests.support.clients import User

from .people import Staff


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def nobody() -> str:
    raise KeyError("no such user")


def test_an_operator_without_a_name_is_on_record_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getuser", nobody)

    assert commands.operator().name == f"uid {os.getuid()}"


def test_an_activity_says_who_and_when() -> None:
    assert str(Activity(account_id="alice", day=date(2026, 11, 21))) == "alice on 2026-11-21"


def test_output_that_is_not_the_process_s_own_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    before = os.fstat(1)

    commands._forget_stdout()

    assert os.path.samestat(before, os.fstat(1))


def test_at_a_terminal_the_subject_is_asked_for(
    alice: User, database: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    alice.create_task("mine")
    monkeypatch.setattr(sys, "stdin", Terminal(f"{alice.subject}\n"))

    call_command("account_erase", alice.subject, reason="they asked for it")

    assert "Type the subject to confirm" in capsys.readouterr().err
    assert Account.objects.get(pk=alice.subject).status == "erased"


def test_a_session_that_ends_without_a_user_leaves_no_record(database: None) -> None:
    before = AuditEntry.objects.filter(action="staff.sign_out").count()

    signed_out(sender=None, user=None)

    assert AuditEntry.objects.filter(action="staff.sign_out").count() == before


def test_a_search_with_too_many_matches_says_so(
    manager: Staff, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice.get("/me")
    bob.get("/me")
    monkeypatch.setattr("authn.staff.search.MATCHES_MAX", 0)

    page = manager.get(f"/authn/account/?q={alice.subject}").text

    assert "Type more to narrow them down" in page
