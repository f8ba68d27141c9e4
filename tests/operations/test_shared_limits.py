"""Limits counted in a real Redis, which is then killed and frozen."""

import asyncio
import logging
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from todoproject.limits import Limit

from .machines import free_port, until


@dataclass
class Redis:
    port: int
    process: "subprocess.Popen[bytes]"

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def answers(self) -> bool:
        asked = subprocess.run(["redis-cli", "-p", str(self.port), "ping"], capture_output=True, check=False)
        return asked.stdout.strip() == b"PONG"


@pytest.fixture
def redis() -> Iterator[Redis]:
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    server = Redis(port, subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd="/"))
    until(server.answers, "Redis answers")
    yield server
    server.process.send_signal(signal.SIGCONT)
    server.process.kill()
    server.process.wait()


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine may be busy."""
    monkeypatch.setattr("todoproject.shared_windows.ANSWER_SECONDS", 2.0)


def waits(limit: Limit, calls: int) -> list[int]:
    """What each of several calls of one user would have to wait, 0 for those that are let through."""

    async def call() -> list[int]:
        await limit.open()
        try:
            return [(await limit.hit("alice"))[1] for _ in range(calls)]
        finally:
            await limit.close()

    return asyncio.run(call())


def test_processes_share_one_count(redis: Redis) -> None:
    first, second = (Limit("user", "3/minute", redis.url) for _ in range(2))

    found = [*waits(first, 2), *waits(second, 2)]

    assert [wait > 0 for wait in found] == [False, False, False, True]
    assert 55 <= found[3] <= 60


def test_users_and_addresses_are_counted_apart(redis: Redis) -> None:
    user, anonymous = Limit("user", "1/minute", redis.url), Limit("anonymous", "1/minute", redis.url)

    assert waits(user, 1) == [0]
    assert waits(anonymous, 1) == [0]


def test_without_redis_each_process_goes_on_counting_and_says_so_once(
    redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    limit = Limit("user", "3/minute", redis.url)
    before = waits(limit, 2)
    redis.process.kill()
    redis.process.wait()

    with caplog.at_level(logging.WARNING):
        after = waits(limit, 3)

    assert before == [0, 0]
    assert [wait > 0 for wait in after] == [False, True, True]
    (said,) = [record.message for record in caplog.records if record.name == "todoproject.limits"]
    assert said.startswith("Redis is not usable (")
    assert said.endswith("Check REDIS_URL.")


def test_a_redis_that_hangs_slows_down_one_call_and_that_briefly(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = Limit("user", "1000/minute", redis.url)

    async def seconds() -> float:
        await limit.open()
        monkeypatch.setattr("todoproject.shared_windows.ANSWER_SECONDS", 0.05)
        redis.process.send_signal(signal.SIGSTOP)
        begun = time.monotonic()
        for _ in range(100):
            assert (await limit.hit("alice"))[1] == 0
        return time.monotonic() - begun

    assert 0.05 <= asyncio.run(seconds()) < 0.5


def test_redis_is_used_again_once_it_is_back(redis: Redis) -> None:
    now = 1000.0
    limit, witness = Limit("user", "3/minute", redis.url), Limit("user", "3/minute", redis.url)
    assert limit._shared is not None
    limit._shared._clock = lambda: now
    redis.process.send_signal(signal.SIGSTOP)
    waits(limit, 1)
    redis.process.send_signal(signal.SIGCONT)
    until(redis.answers, "Redis answers again")
    waits(witness, 3)

    resting = waits(limit, 1)
    now += 6
    rested = waits(limit, 1)

    assert resting == [0]
    assert rested[0] > 0
