"""The API's ASGI handler: it never leaves the event loop.

Django's own handler crosses to a thread three times a request. This one keeps what it guarantees: exceptions become
responses, a client that disconnects cancels the work, bodies are bounded.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import lru_cache
from time import perf_counter
from typing import Any, cast

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import Resolver404, get_resolver, set_script_prefix

from authn.problems import MethodNotAllowed, NotFound, problem_response
from authn.scope import execute

from .errors import problem_from
from .limits import admit
from .logs import current_request
from .middleware import with_middleware
from .requests import ApiRequest, Disconnected, Receive
from .telemetry import CLIENT_LEFT, answered

logger = logging.getLogger("todoproject.api")

Send = Callable[[dict[str, Any]], Awaitable[None]]

PUBLIC = ("/api/docs", "/api/openapi.json", "/api/health/")
REMEMBERED_PATH = 80  # characters; longer ones are nobody's task, and would only fill the memory
# A client that leaves within this time is not noticed, and costs nothing; one statement is rarely longer.
WATCH_AFTER_SECONDS = 0.05


class ApiHandler:
    def __init__(self) -> None:
        # Paths repeat: those of the collections all the time, that of a task while somebody works on it.
        self._resolve = get_resolver().resolve
        self._resolve_again = lru_cache(maxsize=4096)(self._resolve)
        self._respond = with_middleware(self._view_response)

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        request = ApiRequest(scope, receive)
        started, status = perf_counter(), CLIENT_LEFT
        current_request.set(request)
        watch = _DisconnectWatch(request)
        try:
            response = await self._respond(request)
            status = response.status_code
            await _send(response, send, body=scope["method"] != "HEAD")
        except Disconnected:
            return
        except asyncio.CancelledError:
            if not watch.client_left:
                raise
        finally:
            watch.stop()
            answered(request, status, perf_counter() - started)

    async def _view_response(self, request: ApiRequest) -> HttpResponseBase:
        try:
            return await self._dispatch(request)
        except Disconnected:
            raise
        except Exception as error:
            return problem_response(problem_from(error, request), instance=request.path, request_id=request.request_id)

    async def _dispatch(self, request: ApiRequest) -> HttpResponseBase:
        """Path, then token, then method, then body: each refusal tells no more than the one before it."""
        set_script_prefix("/")
        try:
            known = len(request.path_info) <= REMEMBERED_PATH
            match = self._resolve_again(request.path_info) if known else self._resolve(request.path_info)
        except Resolver404:
            raise NotFound("There is no such path in this API. See /api/docs.") from None
        request.resolver_match = match
        if not request.path.startswith(PUBLIC):
            await admit(request)
        method = request.method
        if method == "HEAD":
            request.method = "GET"
        response: HttpResponseBase = await match.func(request, *match.args, **match.kwargs)
        if response.status_code == 422 and request.caller is not None:
            await execute(request.caller)  # an account that may not act learns that first
        if response.status_code == 405:
            return _other_method(str(method), response["Allow"])
        return response


def _other_method(method: str, allowed: str) -> HttpResponse:
    """What a method without an operation of its own gets: OPTIONS lists the others, the rest is 405."""
    methods = {name.strip() for name in allowed.split(",")} | {"OPTIONS"}
    if "GET" in methods:
        methods.add("HEAD")
    allow = ", ".join(sorted(methods))
    if method == "OPTIONS":
        return HttpResponse(status=204, headers={"Allow": allow})
    raise MethodNotAllowed(f"This path takes {allow}.", headers={"Allow": allow})


class _DisconnectWatch:
    """Cancels the request's task when its client leaves, for requests that take long enough to matter."""

    def __init__(self, request: ApiRequest) -> None:
        self.client_left = False
        self._request = request
        self._task = asyncio.current_task()
        self._watcher: asyncio.Task[None] | None = None
        self._timer = asyncio.get_running_loop().call_later(WATCH_AFTER_SECONDS, self._start)

    def _start(self) -> None:
        if self._request.body_is_read:
            self._watcher = asyncio.ensure_future(self._watch())
        else:  # the body has the stream of messages to itself
            self._timer = asyncio.get_running_loop().call_later(WATCH_AFTER_SECONDS, self._start)

    async def _watch(self) -> None:
        await self._request.disconnected()
        self.client_left = True
        if self._task is not None:
            self._task.cancel()

    def stop(self) -> None:
        self._timer.cancel()
        if self._watcher is not None:
            self._watcher.cancel()


@lru_cache(maxsize=256)
def _header_name(name: str) -> bytes:
    return name.lower().encode("ascii")


async def _send(response: HttpResponseBase, send: Send, *, body: bool) -> None:
    headers = [(_header_name(name), value.encode("latin-1")) for name, value in response.items()]
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    if isinstance(response, StreamingHttpResponse):
        if body:
            async for chunk in response:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    else:
        content = cast("HttpResponse", response).content if body else b""
        await send({"type": "http.response.body", "body": content})
