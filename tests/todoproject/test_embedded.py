import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from todoproject import embedded
from todoproject.cluster import SOCKET_PATH_MAX, Cluster
from todoproject.embedded import EmbeddedServer
from todoproject.env import BASE_DIR
from todoproject.host import EmbeddedDatabaseError, identity

from .conftest import USER, User, copy_cluster

AnotherUser = Callable[[], User]


@pytest.fixture
def bare_server(place: Path) -> Iterator[EmbeddedServer]:
    """A server whose data directory is still to be made."""
    server = EmbeddedServer(place / "postgres")
    yield server
    server.release()


@pytest.fixture
def server(bare_server: EmbeddedServer, migrated: Path) -> EmbeddedServer:
    """A server whose data directory is there; it is not started."""
    copy_cluster(migrated, bare_server.cluster.data)
    return bare_server


def connect(directory: Path | str) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(host=str(directory), user="postgres", dbname="todo", autocommit=True)


def ask(directory: Path | str, statement: str) -> object:
    with connect(directory) as connection:
        row = connection.execute(statement.encode()).fetchone()
    return row and row[0]


def postmaster_pid(server: EmbeddedServer) -> int:
    running = server.cluster.postmaster()
    assert running is not None
    return running.pid


def contents(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes() for path in sorted(directory.rglob("*")) if path.is_file()
    }


def test_the_first_start_makes_a_durable_cluster_that_knows_unicode(bare_server: EmbeddedServer) -> None:
    directory = bare_server.start()

    assert str(ask(directory, "SHOW server_version")).startswith("18.")
    assert ask(directory, "SELECT lower('ÄÉΩЖ')") == "äéωж"
    assert ask(directory, "SHOW fsync") == "on"
    assert ask(directory, "SHOW synchronous_commit") == "on"


def test_the_server_is_reached_by_its_owner_only_and_never_by_network(server: EmbeddedServer) -> None:
    directory = server.start()

    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert ask(directory, "SHOW listen_addresses") == ""


def test_the_only_user_stops_the_server_and_the_data_stay(server: EmbeddedServer) -> None:
    with connect(server.start()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")

    server.release()
    stopped = server.cluster.postmaster()

    assert stopped is None
    assert ask(server.start(), "SELECT number FROM kept") == 7


def test_processes_share_one_server_until_the_last_one_leaves(
    server: EmbeddedServer, another_user: AnotherUser
) -> None:
    first = another_user()
    pid = postmaster_pid(server)
    second = another_user()

    first.leave()
    assert postmaster_pid(server) == pid
    assert ask(second.socket, "SELECT 1") == 1
    second.leave()

    assert server.cluster.postmaster() is None


def test_processes_that_start_together_on_nothing_make_one_server(place: Path, bare_server: EmbeddedServer) -> None:
    command = [sys.executable, "-c", USER, str(place / "postgres")]
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=BASE_DIR)
        for _ in range(4)
    ]

    sockets = {process.stdout.readline().strip() for process in processes if process.stdout}
    postmasters = bare_server.cluster.log.read_text().count("starting PostgreSQL 18")
    for process in processes:
        process.communicate("")

    assert sockets == {str(place / "postgres")}
    assert postmasters == 1
    assert bare_server.cluster.postmaster() is None


def test_a_killed_process_blocks_nobody_and_its_server_is_used_on(
    server: EmbeddedServer, another_user: AnotherUser
) -> None:
    killed = another_user()
    pid = postmaster_pid(server)
    killed.process.kill()
    killed.process.wait()

    directory = server.start()

    assert postmaster_pid(server) == pid
    assert ask(directory, "SELECT 1") == 1
    server.release()
    assert server.cluster.postmaster() is None


def test_a_write_that_was_acknowledged_survives_the_kill_of_the_server(server: EmbeddedServer) -> None:
    with connect(server.start()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
        os.kill(postmaster_pid(server), signal.SIGKILL)

    directory = server.start()

    assert ask(directory, "SELECT number FROM kept") == 7


@pytest.fixture
def stranger(server: EmbeddedServer) -> Iterator[subprocess.Popen[bytes]]:
    """Another program of the user whom the database belongs to."""
    process = subprocess.Popen(["sleep", "600"], **identity(server.cluster.data.stat()))
    yield process
    process.kill()
    process.wait()


def test_a_stale_file_that_names_another_living_process_blocks_nobody(
    server: EmbeddedServer, stranger: subprocess.Popen[bytes]
) -> None:
    server.start()
    pid_file = server.cluster.data / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    os.kill(postmaster_pid(server), signal.SIGKILL)
    pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")

    directory = server.start()

    assert ask(directory, "SELECT 1") == 1
    assert stranger.poll() is None


def test_a_forked_child_keeps_the_server_when_its_parent_leaves(server: EmbeddedServer) -> None:
    directory = server.start()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(writing)
        os.read(reading, 1)
        os._exit(0)

    server.release()
    answer = ask(directory, "SELECT 1")
    os.close(writing)
    os.waitpid(child, 0)
    os.close(reading)

    assert answer == 1


def test_a_process_killed_while_it_made_the_cluster_leaves_no_half_of_one(
    place: Path, bare_server: EmbeddedServer
) -> None:
    half = place / "postgres.making"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")

    directory = bare_server.start()

    assert ask(directory, "SELECT 1") == 1
    assert not half.exists()


def test_an_empty_directory_is_taken(place: Path, bare_server: EmbeddedServer) -> None:
    (place / "postgres").mkdir()

    directory = bare_server.start()

    assert ask(directory, "SELECT 1") == 1


def test_a_path_too_long_for_a_socket_gets_a_short_private_directory(place: Path) -> None:
    server = EmbeddedServer(place / ("long-" * 24) / "postgres")

    directory = server.start()
    answer = ask(directory, "SELECT 1")
    server.release()

    assert answer == 1
    assert len(str(directory)) < SOCKET_PATH_MAX
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    directory.rmdir()


@pytest.mark.parametrize("mode", [0o755, 0o770])
def test_a_socket_directory_that_others_may_enter_is_refused(place: Path, mode: int) -> None:
    server = EmbeddedServer(place / ("long-" * 24) / "postgres")
    directory = server.start()
    server.release()
    directory.chmod(mode)

    with pytest.raises(EmbeddedDatabaseError, match="should be a private directory"):
        server.start()

    server.release()
    directory.rmdir()


def test_a_link_in_the_place_of_the_socket_directory_is_refused(place: Path) -> None:
    server = EmbeddedServer(place / ("long-" * 24) / "postgres")
    directory = server.start()
    server.release()
    directory.rename(place / "elsewhere")
    directory.symlink_to(place / "elsewhere")

    with pytest.raises(EmbeddedDatabaseError, match="should be a private directory"):
        server.start()

    server.release()
    directory.unlink()


def test_foreign_files_are_told_and_left_alone(place: Path, bare_server: EmbeddedServer) -> None:
    foreign = place / "postgres"
    foreign.mkdir()
    (foreign / "thesis.txt").write_text("ten years of work")

    with pytest.raises(EmbeddedDatabaseError, match="is not a PostgreSQL data directory") as raised:
        bare_server.start()

    assert str(foreign) in str(raised.value)
    assert contents(foreign) == {"thesis.txt": b"ten years of work"}


def test_a_file_in_the_place_of_the_directory_is_told_and_left_alone(place: Path, bare_server: EmbeddedServer) -> None:
    (place / "postgres").write_text("not a directory")

    with pytest.raises(EmbeddedDatabaseError, match="is not a directory"):
        bare_server.start()

    assert (place / "postgres").read_text() == "not a directory"


def test_the_data_of_another_major_version_are_told_and_left_alone(server: EmbeddedServer) -> None:
    server.start()
    server.release()
    (server.cluster.data / "PG_VERSION").write_text("16\n")
    before = contents(server.cluster.data)

    with pytest.raises(EmbeddedDatabaseError, match="made by PostgreSQL '16' and the embedded server is version 18"):
        server.start()

    assert contents(server.cluster.data) == before


@pytest.mark.parametrize("lost", ["global/pg_control", "postgresql.conf", "pg_hba.conf"])
def test_a_data_directory_with_a_part_missing_is_told_and_left_alone(server: EmbeddedServer, lost: str) -> None:
    server.start()
    server.release()
    (server.cluster.data / lost).unlink()
    before = contents(server.cluster.data)

    with pytest.raises(EmbeddedDatabaseError, match=f"is damaged \\({lost} missing\\)"):
        server.start()

    assert contents(server.cluster.data) == before


def test_what_postgresql_itself_finds_damaged_is_told_in_its_words(server: EmbeddedServer) -> None:
    server.start()
    server.release()
    control = server.cluster.data / "global" / "pg_control"
    control.write_bytes(b"\0" * control.stat().st_size)

    with pytest.raises(EmbeddedDatabaseError, match="did not start") as raised:
        server.start()

    assert "\n" not in str(raised.value)
    assert str(server.cluster.log) in str(raised.value)


def test_a_parent_that_is_a_file_is_told(place: Path) -> None:
    (place / "data").write_text("")
    server = EmbeddedServer(place / "data" / "postgres")

    with pytest.raises(EmbeddedDatabaseError, match="cannot be opened"):
        server.start()


def test_a_stranger_in_a_process_list_is_no_server(place: Path) -> None:
    cluster = Cluster(place / "postgres")
    cluster.data.mkdir()
    (cluster.data / "postmaster.pid").write_text(f"{os.getpid()}\n{cluster.data}\n0\n5432\n/tmp\n\n0 0\nready\n")

    assert cluster.postmaster() is None


def test_what_keeps_initdb_from_working_is_told(bare_server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("todoproject.cluster.LOCALE", ("--encoding", "no-such-encoding"))

    with pytest.raises(EmbeddedDatabaseError, match=r"could not be made at .*no-such-encoding"):
        bare_server.start()

    assert not bare_server.cluster.data.exists()


def test_a_start_that_takes_too_long_is_given_up_and_can_be_repeated(
    server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("todoproject.embedded.START_TIMEOUT", 0.0)
    with pytest.raises(EmbeddedDatabaseError, match="was not ready within 0 s"):
        server.start()
    monkeypatch.undo()

    assert ask(server.start(), "SELECT 1") == 1


def test_a_process_joins_a_directory_once(place: Path, migrated: Path) -> None:
    copy_cluster(migrated, place / "postgres")
    other = EmbeddedServer(place / "postgres")

    first = embedded.start(place / "postgres")
    second = embedded.start(place / "postgres")
    embedded.release()

    assert first == second
    assert other.cluster.postmaster() is None
