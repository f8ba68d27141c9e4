"""What every answer of the API leaves behind: a line in the log, a count in the metrics."""

from functools import cache

from django.conf import settings

from authn.problems import InvalidToken

from . import metrics
from .logs import log_request
from .requests import ApiRequest

CLIENT_LEFT = 499  # nobody was there to be answered; the status nginx logs for it
UNMATCHED = "unmatched"


@cache
def _template(route: str) -> str:
    """Django's route as OpenAPI spells it: "/api/tasks/{task_id}"."""
    return "/" + route.replace("<", "{").replace(">", "}")


def answered(request: ApiRequest, status: int, seconds: float) -> None:
    """Record the end of ``request``, ``seconds`` after its beginning."""
    match = request.resolver_match
    route = UNMATCHED if match is None else _template(match.route)
    method: str = request.scope["method"]
    log_request(request, method, route, status, seconds)
    if settings.METRICS_TOKEN is None:
        return
    metrics.count_request(method, route, status, seconds)
    if status == 401:
        problem = request.problem
        metrics.count_refusal(problem.reason if isinstance(problem, InvalidToken) else "no_token")
