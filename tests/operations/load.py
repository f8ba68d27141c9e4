"""Clients that write and read without pause, and remember what they were promised."""

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from time import monotonic

import httpx

from tests.support.clients import fresh_subject, mint


@dataclass
class Load:
    """What the clients saw: statuses with their times, lost requests, and the tasks whose creation was acknowledged."""

    statuses: Counter[int] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    acknowledged: dict[str, set[str]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    failures: list[float] = field(default_factory=list)  # when answers of 500 and above came
    successes: list[float] = field(default_factory=list)
    longest: float = 0.0

    def missing(self, url: str) -> set[str]:
        """Acknowledged tasks that are not there."""
        missing: set[str] = set()
        for subject, promised in self.acknowledged.items():
            missing |= promised - set(listed(url, subject))
        return missing


def listed(url: str, subject: str) -> list[str]:
    """The ids of all tasks of a user."""
    found: list[str] = []
    cursor: str | None = ""
    with httpx.Client(headers={"Authorization": f"Bearer {mint(subject)}"}, timeout=30) as client:
        while cursor is not None:
            query = {"limit": "200"} | ({"cursor": cursor} if cursor else {})
            answer = client.get(f"{url}/api/tasks", params=query)
            assert answer.status_code == 200, answer.text
            found += [task["id"] for task in answer.json()["items"]]
            cursor = answer.json()["next_cursor"]
    return found


class _Clients:
    def __init__(self, url: str, clients: int, pause: float, load: Load) -> None:
        self.url, self.clients, self.pause, self.load = url, clients, pause, load
        self.stopping = False

    async def run(self) -> None:
        await asyncio.gather(*(self._client(number) for number in range(self.clients)))

    async def _client(self, number: int) -> None:
        subject = fresh_subject("load")
        promised = self.load.acknowledged.setdefault(subject, set())
        headers = {"Authorization": f"Bearer {mint(subject)}"}
        # Every other client keeps its connection open.
        limits = httpx.Limits(max_keepalive_connections=number % 2)
        async with httpx.AsyncClient(base_url=f"{self.url}/api", headers=headers, limits=limits, timeout=30) as client:
            while not self.stopping:
                answer = await self._ask(client, "POST", "/tasks", {"title": subject})
                if answer is not None and answer.status_code == 201:
                    promised.add(answer.json()["id"])
                answer = await self._ask(client, "GET", "/tasks?limit=5")
                if answer is not None and answer.status_code == 200:
                    self._check(answer, subject)
                await asyncio.sleep(self.pause)

    def _check(self, answer: httpx.Response, subject: str) -> None:
        titles = {task["title"] for task in answer.json()["items"]}
        if titles - {subject}:
            self.load.wrong.append(f"{subject} was shown {titles}")

    async def _ask(
        self, client: httpx.AsyncClient, method: str, path: str, body: dict[str, str] | None = None
    ) -> httpx.Response | None:
        load, begun = self.load, monotonic()
        try:
            answer = await client.request(method, path, json=body)
        except httpx.TransportError as error:
            load.lost.append(repr(error))
            await asyncio.sleep(0.01)
            return None
        load.longest = max(load.longest, monotonic() - begun)
        load.statuses[answer.status_code] += 1
        (load.failures if answer.status_code >= 500 else load.successes).append(monotonic())
        if answer.status_code >= 500:
            await asyncio.sleep(0.01)
        return answer


@contextmanager
def under_load(url: str, clients: int = 8, pause: float = 0.05) -> Iterator[Load]:
    """Keep clients busy during the block, each with a write, a read and a pause in seconds."""
    load = Load()
    crowd = _Clients(url, clients, pause, load)
    thread = threading.Thread(target=lambda: asyncio.run(crowd.run()), name="load")
    thread.start()
    try:
        yield load
    finally:
        crowd.stopping = True
        with suppress(RuntimeError):
            thread.join(60)
