"""Keep-alive HTTP clients on raw connections: a thousand of them cost a fraction of one core."""

import asyncio
import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

from bench.plan import Line

TIMEOUT = 30.0  # seconds without an answer


def encode(line: Line) -> bytes:
    """The request as it goes over the wire (RFC 9112)."""
    body = line.body.encode()
    head = f"{line.method} {line.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {line.token}\r\n"
    if body:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body


@dataclass(slots=True)
class Tally:
    """What one client saw: seconds per answer, and what went wrong."""

    latencies: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


class Client(asyncio.Protocol):
    """One connection with one request on its way at a time."""

    def __init__(self, lines: list[Line]) -> None:
        self.tally = Tally()
        self.requests: Iterator[bytes] = itertools.cycle([encode(line) for line in lines])
        self.transport: asyncio.Transport | None = None
        self.received = bytearray()
        self.answered: asyncio.Future[int] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's own class is no subclass of it

    def connection_lost(self, exc: Exception | None) -> None:
        if self.answered is not None and not self.answered.done():
            self.answered.set_exception(exc or ConnectionResetError("the server closed the connection"))

    def data_received(self, data: bytes) -> None:
        self.received += data
        status = complete_status(self.received)
        if status is not None and self.answered is not None and not self.answered.done():
            self.received.clear()
            self.answered.set_result(status)

    async def call(self, since: float) -> None:
        """Sends the next request; the answer's latency counts from `since`, so waiting for a turn is not hidden."""
        if self.transport is None:
            raise RuntimeError("The client is not connected.")
        self.answered = asyncio.get_running_loop().create_future()
        self.transport.write(next(self.requests))
        try:
            async with asyncio.timeout(TIMEOUT):
                status = await self.answered
        except (TimeoutError, OSError) as error:
            self.tally.errors.append(repr(error))
            return
        if status >= 400:
            self.tally.errors.append(f"status {status}")
        self.tally.latencies.append(time.perf_counter() - since)


def complete_status(received: bytearray) -> int | None:
    """The status of a whole response, or None while something of it is missing."""
    head, separator, body = received.partition(b"\r\n\r\n")
    if not separator:
        return None
    status = int(head[9:12])
    if status in {204, 304}:
        return status
    _, found, rest = head.lower().partition(b"\r\ncontent-length:")
    if found:
        return status if len(body) >= int(rest.partition(b"\r\n")[0]) else None
    return status if body.endswith(b"0\r\n\r\n") else None


async def connect(port: int, lines_by_client: list[list[Line]]) -> list[Client]:
    loop = asyncio.get_running_loop()
    clients = []
    for lines in lines_by_client:
        _, client = await loop.create_connection(lambda own=lines: Client(own), "127.0.0.1", port)  # type: ignore[misc]
        clients.append(client)
    return clients


async def paced(clients: list[Client], seconds: float, interval: float = 1.0) -> None:
    """Every client calls once per interval, their turns spread evenly over it, whatever the answers take."""
    start = time.perf_counter() + 0.1

    async def run(client: Client, place: int) -> None:
        turn = start + interval * place / len(clients)
        while turn < start + seconds:
            await asyncio.sleep(max(0.0, turn - time.perf_counter()))
            await client.call(turn)
            turn += interval

    await asyncio.gather(*(run(client, place) for place, client in enumerate(clients)))


async def flat_out(clients: list[Client], seconds: float) -> None:
    """Every client calls again as soon as it is answered."""
    end = time.perf_counter() + seconds

    async def run(client: Client) -> None:
        while (now := time.perf_counter()) < end and not client.tally.errors:
            await client.call(now)

    await asyncio.gather(*(run(client) for client in clients))


def close(clients: list[Client]) -> None:
    for client in clients:
        if client.transport is not None:
            client.transport.abort()
