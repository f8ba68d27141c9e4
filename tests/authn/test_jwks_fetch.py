"""One fetch: what is an answer, what is an outage, and which keys are taken from it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from authn import jwks_fetch
from authn.jwks_fetch import MAX_BYTES, MAX_KEYS, FetchFailed, JwksFetcher, read_key_set

from .key_server import Behaviour, answer, answering, key_server
from .token_tools import ABSENT, jwk

pytestmark = pytest.mark.anyio
GOOD = json.dumps({"keys": [jwk("EdDSA")]}).encode()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def failure(behaviour: Behaviour) -> str:
    """The cause of the failed fetch from a server that behaves so."""
    async with key_server() as server:
        server.behaviour = behaviour
        with pytest.raises(FetchFailed) as caught:
            await JwksFetcher(server.url)()
        assert len(server.requests) == 1
        return caught.value.cause


@pytest.mark.parametrize(
    ("cause", "status", "body", "headers"),
    [
        ("status_500", "500 Internal Server Error", GOOD, []),
        ("status_404", "404 Not Found", GOOD, []),
        ("status_429", "429 Too Many Requests", b"", ["Retry-After: 9"]),
        ("status_204", "204 No Content", b"", []),
        ("redirect", "302 Found", GOOD, ["Location: /elsewhere"]),
        ("redirect", "308 Permanent Redirect", GOOD, ["Location: https://elsewhere.example/"]),
        ("compressed", "200 OK", GOOD, ["Content-Encoding: gzip"]),
        ("not_json", "200 OK", b"", []),
        ("not_json", "200 OK", b"<!doctype html><title>Sign in</title>", []),
        ("not_json", "200 OK", b"[" * 100_000, []),
        ("not_json", "200 OK", b"\xff\xfe\x00", []),
        ("no_key_set", "200 OK", b"[]", []),
        ("no_key_set", "200 OK", b"null", []),
        ("no_key_set", "200 OK", b"{}", []),
        ("no_key_set", "200 OK", b'{"keys": {}}', []),
        ("too_large", "200 OK", b" " * (MAX_BYTES + 1), []),
        ("too_many_keys", "200 OK", json.dumps({"keys": [{}] * (MAX_KEYS + 1)}).encode(), []),
    ],
)
async def test_an_answer_that_is_no_key_set_is_an_outage(
    cause: str, status: str, body: bytes, headers: list[str]
) -> None:
    assert await failure(answering(body, status, *headers)) == cause


async def test_an_answer_of_the_largest_size_is_taken() -> None:
    async with key_server() as server:
        server.behaviour = answering(GOOD.ljust(MAX_BYTES))

        assert [key.kid for key in (await JwksFetcher(server.url)()).keys] == ["EdDSA-1"]


async def test_reading_stops_where_the_answer_becomes_too_large() -> None:
    written = 0

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"10000\r\n" + b" " * 0x10000 + b"\r\n")
            written += 0x10000
            await writer.drain()

    assert await failure(endless) == "too_large"
    assert written < 64 * MAX_BYTES


async def test_a_server_that_hangs_up_is_an_outage() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")

    assert await failure(hang_up) == "connection"


async def test_a_server_that_is_not_there_is_an_outage() -> None:
    async with key_server() as server:
        url = server.url

    with pytest.raises(FetchFailed, match="ConnectError"):
        await JwksFetcher(url)()


async def test_the_whole_fetch_has_one_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jwks_fetch, "TIMEOUT_SECONDS", 0.2)

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.01)

    started = asyncio.get_running_loop().time()
    assert await failure(drip) == "timeout"
    assert asyncio.get_running_loop().time() - started < 5


@asynccontextmanager
async def listening(first: list[bytes], until: bytes, reply: bytes | None) -> AsyncIterator[str]:
    """The address of a server that keeps what it is sent, answers ``reply`` or, for None, never."""
    released = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first.append(await reader.readuntil(until))
        if reply is None:
            await released.wait()
        else:
            answer(writer, reply)
            await writer.drain()
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listener:
        yield f"127.0.0.1:{listener.sockets[0].getsockname()[1]}/jwks"
        released.set()


async def test_an_https_endpoint_is_asked_with_tls_within_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jwks_fetch, "TIMEOUT_SECONDS", 0.4)
    sent: list[bytes] = []

    async with listening(sent, b"\x16", None) as address:
        with pytest.raises(FetchFailed) as caught:
            await JwksFetcher(f"https://{address}")()

    assert (caught.value.cause, sent) == ("timeout", [b"\x16"])


async def test_a_fetch_asks_for_plain_json_and_brings_no_credentials() -> None:
    sent: list[bytes] = []

    async with listening(sent, b"\r\n\r\n", GOOD) as address:
        await JwksFetcher(f"http://{address}")()

    assert b"accept-encoding: identity" in sent[0].lower()
    assert b"authorization" not in sent[0].lower()


def test_fifty_keys_are_taken() -> None:
    keys = [jwk("EdDSA", f"k{number}") for number in range(MAX_KEYS)]

    assert len(read_key_set(json.dumps({"keys": keys}).encode()).keys) == MAX_KEYS


def test_unusable_keys_are_ignored_one_by_one() -> None:
    keys = [jwk("EdDSA"), None, {}, jwk("ES256", d="AAAA"), jwk("RS256"), jwk("ES512", "EdDSA-1")]

    found = read_key_set(json.dumps({"keys": keys}).encode())

    assert [key.kid for key in found.keys] == ["EdDSA-1", "RS256-1"]
    assert [reason.split(" of ")[0] for reason in found.ignored] == ["key 2", "key 3", "key 4", "key 6"]
    assert "listed twice" in found.ignored[-1]


def test_keys_without_kid_are_no_duplicates_of_each_other() -> None:
    keys = [jwk("EdDSA", kid=ABSENT), jwk("ES256", kid=ABSENT)]  # type: ignore[arg-type]

    assert [key.algorithm for key in read_key_set(json.dumps({"keys": keys}).encode()).keys] == ["EdDSA", "ES256"]
