"""A contestant that answers something else is not measured: the run ends."""

import json

from bench.contestants import Contestant
from bench.places import BenchError
from bench.plan import Call

FIELDS = {"id", "title", "description", "completed", "created_at", "updated_at"}


def takes_part(contestant: Contestant, call: Call) -> bool:
    return contestant.name == "product" or not call.product_only


def check(contestant: Contestant, call: Call, status: int, body: str) -> None:
    """Raises BenchError when the status, the number of tasks or their fields are wrong."""
    if status != call.status:
        raise BenchError(
            f"{contestant.title} answered {call.name} with {status} instead of {call.status}: {body[:500]}"
        )
    if status not in {200, 201}:
        return
    task = json.loads(body)
    if call.rows is not None:
        found = len(task["items"])
        if found != call.rows:
            raise BenchError(f"{contestant.title} answered {call.name} with {found} tasks instead of {call.rows}.")
        task = task["items"][0]
    missing = FIELDS - task.keys()
    if missing:
        raise BenchError(f"{contestant.title} answered {call.name} without {', '.join(sorted(missing))}.")


def check_refusal(contestant: Contestant, status: int) -> None:
    """A server that believes a forged token saves work that the others do. Raises BenchError."""
    if status != 401:
        raise BenchError(f"{contestant.title} answered a forged token with {status} instead of 401.")
