"""A request on the API path."""

import asyncio
import io
import os
import re
import string
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

from django.core.handlers.asgi import ASGIRequest
from django.urls import ResolverMatch

from authn.caller import Caller
from authn.problems import PayloadTooLarge, Problem

from .tracing import trace_id

MAX_BODY = 1024 * 1024
BODY_SECONDS = 30.0
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}", re.ASCII)

Receive = Callable[[], Awaitable[dict[str, Any]]]


class Disconnected(Exception):
    """The client went away before it had sent its request."""


class RequestTimeout(Problem):
    status, code, title = 408, "request_timeout", "Request timeout"
    default_detail = f"The request body did not arrive within {BODY_SECONDS:.0f} seconds."


class ApiRequest(ASGIRequest):
    """Django's request, whose body is read when, and only when, something is about to use it."""

    resolver_match: ResolverMatch | None
    caller: Caller | None = None
    standing: tuple[str, str] | None = None  # values of RateLimit-Policy and RateLimit
    problem: Problem | None = None  # what the answer says went wrong

    def __init__(self, scope: dict[str, Any], receive: Receive) -> None:
        query: bytes = scope["query_string"]
        if not query.isascii():  # bytes that should have been percent-encoded are read as if they were
            scope = scope | {"query_string": quote(query, safe=string.punctuation).encode()}
        super().__init__(scope, io.BytesIO())
        self._receive = receive
        self._body = b""
        self.body_is_read = False
        given = self.META.get("HTTP_X_REQUEST_ID", "")
        self.request_id: str = given if REQUEST_ID.fullmatch(given) else os.urandom(16).hex()
        traceparent = self.META.get("HTTP_TRACEPARENT")
        self.trace_id: str | None = None if traceparent is None else trace_id(traceparent)

    async def read_body(self) -> None:
        """Read the body into memory. Raises `PayloadTooLarge` as soon as it is known to be over the limit."""
        declared = self.META.get("CONTENT_LENGTH", "")
        if declared.isdigit() and int(declared) > MAX_BODY:
            raise PayloadTooLarge
        if declared not in ("", "0") or "HTTP_TRANSFER_ENCODING" in self.META:
            try:
                async with asyncio.timeout(BODY_SECONDS):
                    self._body = await self._read_chunks()
            except TimeoutError:
                raise RequestTimeout(headers={"Connection": "close"}) from None
        self.body_is_read = True

    async def _read_chunks(self) -> bytes:
        chunks: list[bytes] = []
        size = 0
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise Disconnected
            chunk = message.get("body", b"")
            size += len(chunk)
            if size > MAX_BODY:
                raise PayloadTooLarge
            chunks.append(chunk)
            if not message.get("more_body", False):
                return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    async def disconnected(self) -> None:
        """Return once the client has gone."""
        while (await self._receive())["type"] != "http.disconnect":
            pass
