"""The API: its routers, its strict body parser, its one place for errors."""

from collections.abc import Awaitable, Callable
from functools import partial, wraps
from typing import Any, cast

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver
from django.utils.functional import SimpleLazyObject
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from authn.bearer import BetterAuthBearer
from authn.problems import problem_response
from tasks.account import router as account_router
from tasks.api import router as tasks_router

from .bodies import JSONParser
from .docs import router as docs_router
from .errors import problem_from
from .health import router as health_router
from .openapi import DESCRIPTION, described

PREFIX = "/api/"

Run = Callable[..., Awaitable[Any]]


class TodoAPI(NinjaAPI):
    def create_temporal_response(self, request: HttpRequest) -> HttpResponse:
        """Made when somebody touches it: our operations answer with responses of their own."""
        return cast("HttpResponse", SimpleLazyObject(partial(super().create_temporal_response, request)))

    def get_openapi_schema(self, **kwargs: Any) -> Any:
        return described(super().get_openapi_schema(path_prefix=PREFIX, **kwargs))

    def _get_urls(self) -> list[URLResolver | URLPattern]:
        """Ninja's, less the root that it adds: /api/ is an unknown path like any other."""
        return [url for url in super()._get_urls() if getattr(url, "name", None) != "api-root"]


def reads_body(run: Run) -> Run:
    """Read the request's body once the operation is known, and not before."""

    @wraps(run)
    async def read_and_run(request: HttpRequest, **kwargs: Any) -> Any:
        await request.read_body()  # type: ignore[attr-defined]
        return await run(request, **kwargs)

    return read_and_run


api = TodoAPI(
    title="Todo API",
    version="1",
    description=DESCRIPTION,
    auth=BetterAuthBearer(),
    parser=JSONParser(),
    docs_url=None,
    openapi_url=None,
    urls_namespace="api",
)


def on_exception(request: HttpRequest, error: Any) -> HttpResponse:
    problem = problem_from(error, request)
    return problem_response(problem, instance=request.path, request_id=getattr(request, "request_id", ""))


# Ninja has handlers of its own for some classes: every one of them is ours.
for kind in (Exception, Http404, ValidationError, HttpError, AuthenticationError):
    api.add_exception_handler(kind, on_exception)

for router in (tasks_router, account_router, health_router, docs_router):
    router.add_decorator(reads_body, mode="view")
    api.add_router("", router)
