"""The child that calls one ASGI application in process: no server, no network, no load generator in the way.

    python -m bench.inprocess module:app

Reads one JSON command a line and answers each with one JSON line:
{"load": call, "file": path} reads the requests of a call, {"etags": call} fetches the entity tag of each of them,
{"run": call, "count": n, "status": s} sends the next n, and answers {"cpu", "wall", "body"} in seconds and text.
"""

import asyncio
import importlib
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any, TextIO

Message = MutableMapping[str, Any]
App = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]
Request = tuple[dict[str, Any], bytes]


def scope_of(method: str, target: str, token: str, etag: str, body: str) -> Request:
    path, _, query = target.partition("?")
    headers = [(b"host", b"127.0.0.1:8000"), (b"authorization", b"Bearer " + token.encode())]
    if body:
        headers += [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if etag:
        headers.append((b"if-none-match", etag.encode()))
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": headers,
        "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.1", 50000),
    }, body.encode()


async def call(app: App, request: Request) -> list[Message]:
    scope, body = request
    sent: list[Message] = []
    unread = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        if unread:
            return unread.pop()
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    await app({**scope, "headers": list(scope["headers"]), "state": {}}, receive, send)
    return sent


class Runner:
    def __init__(self, app: App) -> None:
        self.app = app
        self.requests: dict[str, list[Request]] = {}
        self.places: dict[str, int] = {}

    async def obey(self, command: dict[str, Any]) -> dict[str, Any]:
        if "load" in command:
            return self.load(command["load"], command["file"])
        if "etags" in command:
            return await self.fetch_etags(command["etags"])
        return await self.run(command["run"], command["count"], command["status"])

    def load(self, name: str, file: str) -> dict[str, Any]:
        with open(file) as lines:  # noqa: PTH123
            self.requests[name] = [scope_of(*line.rstrip("\n").split("\t")) for line in lines]
        self.places[name] = 0
        return {"loaded": len(self.requests[name])}

    async def fetch_etags(self, name: str) -> dict[str, Any]:
        for scope, body in self.requests[name]:
            sent = await call(self.app, (scope, body))
            scope["headers"].append((b"if-none-match", dict(sent[0]["headers"])[b"etag"]))
        return {"etags": len(self.requests[name])}

    async def run(self, name: str, count: int, status: int) -> dict[str, Any]:
        requests, place = self.requests[name], self.places[name]
        chosen = [requests[(place + n) % len(requests)] for n in range(count)]
        self.places[name] = place + count
        sent: list[Message] = []
        wall, cpu = time.perf_counter(), time.process_time()
        for request in chosen:
            sent = await call(self.app, request)
            if sent[0]["status"] != status:
                return {"error": f"status {sent[0]['status']} instead of {status}: {text_of(sent)[:500]}"}
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        return {"cpu": cpu, "wall": wall, "body": text_of(sent)}


def text_of(sent: list[Message]) -> str:
    return b"".join(message.get("body", b"") for message in sent).decode()


async def lifespan(app: App, stop: asyncio.Event, started: asyncio.Event) -> None:
    startup: list[Message] = [{"type": "lifespan.startup"}]

    async def receive() -> Message:
        if startup:
            return startup.pop()
        await stop.wait()
        return {"type": "lifespan.shutdown"}

    async def send(message: Message) -> None:
        if message["type"] == "lifespan.startup.failed":
            raise RuntimeError(message.get("message", "The application did not start."))
        started.set()

    # An application without a lifespan raises on the unknown scope, as the specification asks.
    with suppress(ValueError):
        await app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, receive, send)
    started.set()


def load_application(target: str) -> App:
    module, _, name = target.partition(":")
    app: App = getattr(importlib.import_module(module), name)
    return app


def private_output() -> TextIO:
    """The pipe to the parent, out of the application's way: what that prints or logs goes to standard error."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return answers


async def serve(target: str) -> None:
    answers = private_output()
    app = load_application(target)
    stop, started = asyncio.Event(), asyncio.Event()
    life = asyncio.create_task(lifespan(app, stop, started))
    await started.wait()
    if life.done():
        life.result()
    runner = Runner(app)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        answer = await runner.obey(json.loads(line))
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
    stop.set()
    await life


if __name__ == "__main__":
    import uvloop

    uvloop.run(serve(sys.argv[1]))
