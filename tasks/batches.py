"""Batches: up to 100 operations in one transaction and two round trips."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import BeforeValidator, Field

from authn.caller import Caller
from authn.problems import PreconditionFailed, Problem
from authn.scope import Transaction
from authn.wire import Result
from authn.wire import Statement as Bound

from . import statements
from .errors import NotInTrash, TaskNotFound, existing
from .models import new_id
from .schemas import EDITABLE, Input, Task, TaskCreate, TaskUpdate

BATCH_MAX = 100


def _whole(value: Any) -> Any:
    """JSON has one kind of number: ``7.0`` is an integer (JSON Schema, 6.1.1)."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


class CreateOperation(Input):
    op: Literal["create"]
    task: TaskCreate


class UpdateOperation(Input):
    op: Literal["update"]
    id: str
    task: TaskUpdate
    if_revision: Annotated[int, Field(ge=0), BeforeValidator(_whole)] | None = Field(
        default=None, description="Update only this revision, else 412."
    )


class CompleteOperation(Input):
    op: Literal["complete"]
    id: str
    completed: bool = True


class DeleteOperation(Input):
    op: Literal["delete"]
    id: str


class RestoreOperation(Input):
    op: Literal["restore"]
    id: str


Operation = Annotated[
    CreateOperation | UpdateOperation | CompleteOperation | DeleteOperation | RestoreOperation,
    Field(discriminator="op"),
]


class TaskBatch(Input):
    """Done in order, all or nothing."""

    operations: list[Operation] = Field(min_length=1, max_length=BATCH_MAX)


class TaskBatchResult(Schema):
    results: list[Task] = Field(description="Each task as its own operation left it, in the order of the operations.")


OPERATIONS = frozenset({"create", "update", "complete", "delete", "restore"})


def locate(path: Sequence[str | int]) -> tuple[list[str | int], int | None]:
    """Where in a batch an error is, without pydantic's name of the operation's kind, and the operation's index."""
    if len(path) < 2 or path[0] != "operations" or not isinstance(path[1], int):
        return list(path), None
    inner = path[3:] if len(path) > 2 and path[2] in OPERATIONS else path[2:]
    return [path[0], path[1], *inner], path[1]


class Step:
    """One statement of a batch, for one operation or for a run of creations."""

    def __init__(self, index: int, operations: Sequence[Any], caller: Caller) -> None:
        self.index = index
        self.operations = operations
        self.statement = _statement(operations, caller)


def steps(batch: TaskBatch, caller: Caller) -> list[Step]:
    """The statements of ``batch``: neighbouring creations share one."""
    return [Step(index, run, caller) for index, run in _runs(batch.operations)]


def _runs(operations: Sequence[Any]) -> Iterator[tuple[int, list[Any]]]:
    for creating, group in groupby(enumerate(operations), key=lambda pair: pair[1].op == "create"):
        numbered = list(group)
        if creating:
            yield numbered[0][0], [operation for _, operation in numbered]
        else:
            yield from ((index, [operation]) for index, operation in numbered)


def _statement(operations: Sequence[Any], caller: Caller) -> Bound:
    first = operations[0]
    if first.op == "create":
        values: dict[str, Any] = {}
        for number, operation in enumerate(operations):
            values[f"id_{number}"] = str(new_id())
            for name in EDITABLE:
                values[f"{name}_{number}"] = getattr(operation.task, name)
        return statements.create_tasks(len(operations)).bind(caller, values)
    target: dict[str, Any] = {"id": existing(first.id)}
    if first.op == "delete":
        return statements.trash_task(checked=False).bind(caller, target)
    if first.op == "restore":
        return statements.restore_task(checked=False).bind(caller, target)
    if first.op == "complete":
        return statements.change_task(("completed",), checked=False).bind(
            caller, target | {"completed": first.completed}
        )
    changed = {name: getattr(first.task, name) for name in EDITABLE if name in first.task.model_fields_set}
    checked = first.if_revision is not None
    target |= {"revisions": [first.if_revision]}
    if not changed:
        return statements.get_task(checked).bind(caller, target)
    return statements.change_task(tuple(changed), checked).bind(caller, target | changed)


BEGINNING: Bound = ("SAVEPOINT batch", ())
BACK: Bound = ("ROLLBACK TO SAVEPOINT batch", ())


def statements_of(batch: Sequence[Step]) -> list[Bound]:
    return [BEGINNING, *[step.statement for step in batch]]


async def results(batch: Sequence[Step], answers: Sequence[Result], opened: Transaction, caller: Caller) -> list[bytes]:
    """The JSON of each operation's task, from the answers to `statements_of`.

    Raises the problem of the first operation that found nothing, with its index.
    """
    found: list[bytes] = []
    for at, answer in enumerate(answers[1:]):
        if not answer:
            problem = await _problem(batch[: at + 1], opened, caller)
            problem.members["index"] = batch[at].index
            raise problem
        found += answer.texts()
    return found


async def _problem(until: Sequence[Step], opened: Transaction, caller: Caller) -> Problem:
    """Why the last step found nothing: as the steps before it left things, without those behind it."""
    *before, step = until
    operation = step.operations[0]
    find = statements.find_task().bind(caller, {"id": existing(operation.id)})
    answer = (await opened.run(BACK, *[earlier.statement for earlier in before], find))[-1]
    live = any(deleted_at is None for _, deleted_at in answer.rows)
    if operation.op == "restore" and live:
        return NotInTrash()
    if operation.op == "update" and live:
        return PreconditionFailed()
    return TaskNotFound()
