import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest
from django.db import connections

from todoproject import database
from todoproject.database import DatabaseUnusable, configuration, require, wait_until_usable
from todoproject.env import ConfigurationError
from todoproject.postgresql.base import DatabaseWrapper

DATA = Path("/nowhere/postgres")


def arguments(url: str) -> dict[str, object]:
    """What psycopg is called with for an address."""
    entry = connections.configure_settings({"default": configuration(url, DATA)})["default"]
    return dict(DatabaseWrapper(entry, "other").get_connection_params())


@contextmanager
def postgres_that_says(message: bytes) -> Iterator[int]:
    """A server that answers every connection with one FATAL message; yields its port."""
    body = b"SFATAL\0VFATAL\0C57P03\0M" + message + b"\0\0"
    answer = b"E" + (len(body) + 4).to_bytes(4, "big") + body

    def serve() -> None:
        while True:
            try:
                client, _address = listener.accept()
            except OSError:
                return
            with client:
                while len(client.recv(8192)) == 8:  # a request for TLS or GSS encryption
                    client.sendall(b"N")
                client.sendall(answer)

    listener = socket.create_server(("127.0.0.1", 0))
    thread = Thread(target=serve)
    thread.start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


@contextmanager
def default_database(monkeypatch: pytest.MonkeyPatch, url: str) -> Iterator[None]:
    entry = connections.configure_settings({"default": configuration(url, DATA)})["default"]
    monkeypatch.setattr(database, "connections", {"default": DatabaseWrapper(entry, "default")})
    yield


def test_an_address_becomes_what_psycopg_connects_with() -> None:
    used = arguments("postgresql://alice:p%40ss%2Fword@db.example.com:6432/todo")

    assert used["host"] == "db.example.com"
    assert used["port"] == "6432"
    assert used["user"] == "alice"
    assert used["password"] == "p@ss/word"
    assert used["dbname"] == "todo"


def test_tls_and_other_parameters_of_libpq_are_passed_on() -> None:
    used = arguments(
        "postgres://u@db/todo?sslmode=verify-full&sslrootcert=system&channel_binding=require&application_name=x"
    )

    assert used["sslmode"] == "verify-full"
    assert used["sslrootcert"] == "system"
    assert used["channel_binding"] == "require"
    assert used["application_name"] == "x"


def test_several_hosts_are_passed_on_with_their_ports() -> None:
    used = arguments("postgresql://u@one:5433,two:5434/todo?target_session_attrs=read-write")

    assert used["host"] == "one,two"
    assert used["port"] == "5433,5434"
    assert used["target_session_attrs"] == "read-write"


def test_a_socket_directory_can_be_the_host() -> None:
    assert arguments("postgresql:///todo?host=/run/postgresql")["host"] == "/run/postgresql"


def test_a_wait_for_a_connection_is_bounded_unless_the_address_says_how() -> None:
    assert arguments("postgresql://db/todo")["connect_timeout"] == database.CONNECT_TIMEOUT
    assert arguments("postgresql://db/todo?connect_timeout=3")["connect_timeout"] == "3"


def test_nothing_needs_a_session_that_a_transaction_pooler_would_not_keep() -> None:
    entry = configuration("postgresql://db/todo", DATA)

    assert entry["DISABLE_SERVER_SIDE_CURSORS"] is True
    assert arguments("postgresql://db/todo")["prepare_threshold"] is None


def test_without_an_address_the_embedded_server_is_used() -> None:
    entry = configuration(None, DATA)

    assert entry["EMBEDDED"] == DATA
    assert "HOST" not in entry


@pytest.mark.parametrize(
    "url",
    [
        "mysql://user:not-to-be-shown@db/todo",
        "sqlite:///todo.db",
        "host=db dbname=todo password=not-to-be-shown",
        "todo",
        "postgresql://user:not-to-be-shown%zz@db/todo",
        "postgresql://user:not-to-be-shown@[::1/todo",
        "postgresql://user:not-to-be-shown@db/todo?colour=blue",
        "postgresql://user:not-to-be-shown@db:port/todo",
        "postgresql://user:not-to-be-shown@db:99999/todo",
        "postgresql://user:not-to-be-shown@db",
        "postgresql://",
    ],
)
def test_a_malformed_address_is_one_sentence_without_the_password(url: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        configuration(url, DATA)

    assert str(raised.value).startswith("DATABASE_URL ")
    assert "\n" not in str(raised.value)
    assert "not-to-be-shown" not in str(raised.value)


@pytest.mark.parametrize("version", [90624, 140012])
def test_a_server_before_15_is_refused(version: int) -> None:
    with pytest.raises(DatabaseUnusable, match="PostgreSQL 15 or later is required"):
        require(version)


@pytest.mark.parametrize("version", [150000, 180004])
def test_a_server_from_15_on_is_taken(version: int) -> None:
    require(version)  # raises for one that is too old

    assert (version // 10_000,) >= DatabaseWrapper.features_class.minimum_database_version


def test_an_unreachable_server_is_told_after_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with (
        default_database(monkeypatch, f"postgresql://u:not-to-be-shown@127.0.0.1:{port}/todo"),
        pytest.raises(DatabaseUnusable, match="check DATABASE_URL and that its server runs") as raised,
    ):
        wait_until_usable(0.3)

    assert "Connection refused" in str(raised.value)
    assert "\n" not in str(raised.value)
    assert "not-to-be-shown" not in str(raised.value)


def test_a_refusal_that_waiting_cannot_change_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        postgres_that_says(b'password authentication failed for user "u"') as port,
        default_database(monkeypatch, f"postgresql://u@127.0.0.1:{port}/todo?sslmode=disable"),
        pytest.raises(DatabaseUnusable, match="password authentication failed"),
    ):
        wait_until_usable(3600)


def test_a_server_that_is_starting_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []
    monkeypatch.setattr("todoproject.database.time.sleep", asked.append)
    monkeypatch.setattr("todoproject.database.time.monotonic", iter([0.0, 1.0, 2.0, 3.0]).__next__)

    with (
        postgres_that_says(b"the database system is starting up") as port,
        default_database(monkeypatch, f"postgresql://u@127.0.0.1:{port}/todo?sslmode=disable"),
        pytest.raises(DatabaseUnusable, match="starting up"),
    ):
        wait_until_usable(2.5)

    assert len(asked) == 2
