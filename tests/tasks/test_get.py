"""GET /tasks/{id}"""

from tests.support.clients import User
from tests.support.wire import Trace


def test_a_task_is_answered(alice: User) -> None:
    task = alice.create_task("Water the plants")

    assert alice.get_task(task["id"]) == task


def test_one_round_trip_answers_a_task(alice: User, statements: Trace, threads: list[str]) -> None:
    task = alice.create_task()
    statements.reset()

    alice.get_task(task["id"])

    assert statements.round_trips == 1
    assert threads == []
