"""Hours of ordinary trouble in one script: mixed load, rotating tokens, clients that hang up, a database that restarts.

    python -m bench.soak --minutes 30 --restart-every 300

Prints one line a minute and a verdict: memory flat, no connection leaked, no error outside the restarts.
"""

import argparse
import asyncio
import random
import sys
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

import httpx

from tests.operations.machines import Api, Postgres, api, postgres
from tests.support.clients import mint

CLIENTS = 12
PAUSE_SECONDS = 0.05
TOKEN_SECONDS = 20.0
HANG_UP_SHARE = 0.02
AFTERMATH_SECONDS = 3.0  # in which answers of a restart still arrive
WARM_UP_SECONDS = 60.0
GROWTH_KIB = 20 * 1024


@dataclass
class Watch:
    statuses: Counter[int] = field(default_factory=Counter)
    hung_up: int = 0
    troubles: list[tuple[float, str]] = field(default_factory=list)
    restarts: list[tuple[float, float]] = field(default_factory=list)
    memory: list[tuple[float, int]] = field(default_factory=list)
    descriptors: list[int] = field(default_factory=list)
    sessions: list[int] = field(default_factory=list)

    def unexplained(self) -> list[str]:
        """Errors that no restart explains."""
        return [
            what
            for moment, what in self.troubles
            if not any(begun <= moment <= ended + AFTERMATH_SECONDS for begun, ended in self.restarts)
        ]


class Client:
    def __init__(self, url: str, number: int, watch: Watch) -> None:
        self.url, self.subject, self.watch = url, f"soak-{number}", watch
        self.tasks: list[str] = []
        self.token, self.token_until = "", 0.0

    async def run(self, stop: asyncio.Event) -> None:
        async with httpx.AsyncClient(base_url=f"{self.url}/api", timeout=30) as http:
            while not stop.is_set():
                await self._step(http)
                await asyncio.sleep(random.uniform(0, 2 * PAUSE_SECONDS))  # noqa: S311  # nosec B311

    async def _step(self, http: httpx.AsyncClient) -> None:
        method, path, body = self._choice()
        call = asyncio.ensure_future(http.request(method, path, json=body, headers=self._headers()))
        if random.random() < HANG_UP_SHARE:  # noqa: S311  # nosec B311
            await asyncio.sleep(0.001)
            call.cancel()
            self.watch.hung_up += 1
            with suppress(asyncio.CancelledError, httpx.HTTPError):
                await call
            return
        try:
            self._note(method, path, await call)
        except httpx.TransportError as error:
            self.watch.troubles.append((monotonic(), repr(error)))

    def _headers(self) -> dict[str, str]:
        if monotonic() > self.token_until:
            self.token, self.token_until = mint(self.subject), monotonic() + TOKEN_SECONDS
        return {"Authorization": f"Bearer {self.token}"}

    def _choice(self) -> tuple[str, str, dict[str, object] | None]:
        dice = random.random()  # noqa: S311  # nosec B311
        if not self.tasks or (dice < 0.15 and len(self.tasks) < 200):
            return "POST", "/tasks", {"title": f"soak {dice}", "description": "x" * 500}
        task = random.choice(self.tasks)  # noqa: S311  # nosec B311
        if dice < 0.3:
            return "PATCH", f"/tasks/{task}", {"completed": dice < 0.2}
        if dice < 0.4:
            return "DELETE", f"/tasks/{self.tasks.pop()}", None
        if dice < 0.42:
            return "GET", "/me/export", None
        if dice < 0.5:
            return "GET", "/tasks/changes", None
        return "GET", "/tasks?limit=20", None

    def _note(self, method: str, path: str, answer: httpx.Response) -> None:
        self.watch.statuses[answer.status_code] += 1
        if answer.status_code == 201:
            self.tasks.append(answer.json()["id"])
        # A write that was cut off by a restart may have been done: its repetition finds the task gone.
        if answer.status_code >= 400 and answer.status_code != 404:
            self.watch.troubles.append((monotonic(), f"{method} {path} {answer.status_code}"))


def observe(server: Api, database: Postgres, watch: Watch) -> None:
    process = Path(f"/proc/{server.process.pid}")
    pages = int((process / "statm").read_text().split()[1])
    watch.memory.append((monotonic(), pages * 4))
    watch.descriptors.append(len(list((process / "fd").iterdir())))
    backends = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
    watch.sessions.append(database.execute(backends)[0][0])


async def conduct(server: Api, database: Postgres, watch: Watch, minutes: float, restart_every: float) -> None:
    stop = asyncio.Event()
    clients = [asyncio.create_task(Client(server.url, number, watch).run(stop)) for number in range(CLIENTS)]
    begun = restarted = told = monotonic()
    while monotonic() - begun < minutes * 60:
        await asyncio.sleep(1)
        if monotonic() - restarted >= restart_every:
            away = monotonic()
            await asyncio.to_thread(database.restart)
            restarted = monotonic()
            watch.restarts.append((away, restarted))
        await asyncio.to_thread(observe, server, database, watch)
        if monotonic() - told >= 60:
            told = monotonic()
            report(watch, (told - begun) / 60)
    stop.set()
    await asyncio.gather(*clients)


def report(watch: Watch, minutes: float) -> None:
    sys.stdout.write(
        f"{minutes:5.1f} min  {sum(watch.statuses.values())} answers {dict(watch.statuses)}, "
        f"{watch.hung_up} hung up, {len(watch.restarts)} restarts, {watch.memory[-1][1] / 1024:.1f} MiB, "
        f"{watch.descriptors[-1]} descriptors, {watch.sessions[-1]} sessions, "
        f"{len(watch.unexplained())} errors outside restarts\n"
    )
    sys.stdout.flush()


def verdict(watch: Watch) -> list[str]:
    """What is wrong; empty when nothing is."""
    start = watch.memory[0][0]
    settled = [size for moment, size in watch.memory if moment - start > WARM_UP_SECONDS] or [watch.memory[-1][1]]
    half = len(settled) // 2 or 1
    growth = sum(settled[-half:]) / half - sum(settled[:half]) / half
    wrong = [f"error outside restarts: {what}" for what in watch.unexplained()[:10]]
    if growth > GROWTH_KIB:
        wrong.append(f"memory grew by {growth / 1024:.1f} MiB from the first half to the second")
    if max(watch.sessions) > 12:
        wrong.append(f"{max(watch.sessions)} sessions of the database for a pool of 10")
    sys.stdout.write(f"growth of memory, second half against first: {growth / 1024:+.1f} MiB\n")
    return wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--restart-every", type=float, default=300, metavar="SECONDS")
    options = parser.parse_args()
    watch = Watch()
    with postgres() as database, api(database.url, LOG_LEVEL="WARNING") as server:
        asyncio.run(conduct(server, database, watch, options.minutes, options.restart_every))
        wrong = verdict(watch)
    report(watch, options.minutes)
    sys.stdout.write("\n".join(wrong) + "\n" if wrong else "Nothing leaked, nothing failed outside the restarts.\n")
    raise SystemExit(bool(wrong))


if __name__ == "__main__":
    main()
