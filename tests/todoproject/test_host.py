import importlib.util
import os
import pwd
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from todoproject import host
from todoproject.host import EmbeddedDatabaseError


@pytest.fixture
def no_binaries(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    host.binaries.cache_clear()
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    yield
    host.binaries.cache_clear()


def known_accounts(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    entry = pwd.getpwuid(os.getuid())

    def getpwnam(name: str) -> pwd.struct_passwd:
        if name not in names:
            raise KeyError(name)
        return pwd.struct_passwd((name, *entry[1:]))

    monkeypatch.setattr(pwd, "getpwnam", getpwnam)
    monkeypatch.setenv("PATH", "")  # nothing can make an account


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.mark.usefixtures("no_binaries")
def test_a_missing_wheel_is_told_with_both_ways_out() -> None:
    with pytest.raises(EmbeddedDatabaseError, match=r"make setup.*or set DATABASE_URL"):
        host.binaries()


@pytest.mark.parametrize(("known", "taken"), [(("pgserver", "nobody"), "pgserver"), (("nobody",), "nobody")])
def test_root_gives_the_data_to_an_account_of_little_power(
    monkeypatch: pytest.MonkeyPatch, known: tuple[str, ...], taken: str
) -> None:
    known_accounts(monkeypatch, *known)

    assert host.account().pw_name == taken


def test_a_machine_without_such_an_account_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    known_accounts(monkeypatch)

    with pytest.raises(EmbeddedDatabaseError, match="PostgreSQL does not run as root"):
        host.account()


def test_the_way_to_the_data_is_opened_for_passing_only(tmp_path: Path) -> None:
    way = tmp_path / "private"
    way.mkdir(mode=0o700)
    (way / "postgres").mkdir(mode=0o700)

    host.open_to_others(way / "postgres")

    assert mode(way) == 0o701
    assert mode(way / "postgres") == 0o700


def test_programs_installed_under_a_strict_umask_become_readable(tmp_path: Path) -> None:
    program = tmp_path / "bin" / "postgres"
    program.parent.mkdir(mode=0o700)
    program.touch(mode=0o700)
    data = tmp_path / "bin" / "data"
    data.touch(mode=0o600)

    host.readable_to_others(tmp_path / "bin")

    assert (mode(program.parent), mode(program), mode(data)) == (0o705, 0o705, 0o604)


def test_a_process_is_known_by_its_arguments_where_its_directory_is_hidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hidden(_self: Path, _other: object) -> bool:
        raise PermissionError

    monkeypatch.setattr(Path, "samefile", hidden)
    command = ["sh", "-c", "echo up; read line", "sh", str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as named:
        assert named.stdout is not None
        named.stdout.readline()  # its arguments are there once it runs
        found = host.works_in(named.pid, tmp_path)

    assert found
    assert not host.works_in(named.pid, tmp_path)


def test_a_number_without_a_process_has_no_arguments() -> None:
    with subprocess.Popen(["true"]) as ended:
        pass

    assert host.command_line(ended.pid) == []
