"""Probes: is the process alive, and can it serve?"""

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema

from authn.problems import Unavailable
from tasks.queries import NoQuery, read_query

from .readiness import failures

router = Router(tags=["Health"], auth=None)


class Health(Schema):
    status: str


@router.get("/health/live", response=Health, operation_id="getLiveness", summary="Is the process alive?")
async def live(request: HttpRequest) -> dict[str, str]:
    """200 as long as the process answers at all."""
    read_query(request, NoQuery)
    return {"status": "alive"}


@router.get("/health/ready", response=Health, operation_id="getReadiness", summary="Can it serve?")
async def ready(request: HttpRequest) -> dict[str, str] | HttpResponse:
    """200 when the database answers and its migrations are applied, else 503 with what is missing."""
    read_query(request, NoQuery)
    missing = await failures()
    if missing:
        raise Unavailable("Not ready: " + "; ".join(missing) + ".")
    return {"status": "ready"}
