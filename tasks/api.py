"""The task API. Every call is one statement in the caller's scope, in one round trip."""

import re
from hashlib import blake2b
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from ninja import Body, Router

from authn.caller import Caller
from authn.problems import NotFound, PreconditionFailed
from authn.scope import execute

from . import schemas, statements
from .answers import not_modified, page_response, task_response
from .cursors import seal, unseal
from .models import new_id
from .preconditions import if_match, none_match
from .queries import ListQuery, NoQuery, query_parameters, read_query
from .schemas import EDITABLE
from .search import words

router = Router(tags=["Tasks"])

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class TaskNotFound(NotFound):
    default_detail = "There is no such task."


def caller_of(request: HttpRequest) -> Caller:
    return cast("Caller", request.caller)  # type: ignore[attr-defined]


def existing(task_id: str) -> str:
    """A task id that could exist. A malformed one is missing like any other."""
    if not _UUID.fullmatch(task_id):
        raise TaskNotFound
    return task_id


@router.get(
    "/tasks",
    response=schemas.TaskPage,
    operation_id="listTasks",
    summary="List tasks",
    openapi_extra=query_parameters(ListQuery),
)
async def list_tasks(request: HttpRequest) -> HttpResponse:
    """A page of the caller's tasks, newest first unless sorted otherwise. Walk on with `next_cursor`."""
    caller, query = caller_of(request), read_query(request, ListQuery)
    wanted = " ".join(words(query.q))
    # Filters and sort: what a cursor is bound to.
    bound = (caller.subject, query.sort, query.completed, query.trashed, wanted)
    after = None if query.cursor is None else unseal(query.cursor, *bound)
    if "HTTP_IF_NONE_MATCH" in request.META:
        tag = _list_tag((await execute(caller)).revision, *bound, query.limit, query.cursor)
        if none_match(request, tag):
            return not_modified(tag)
    shape = statements.Listing(
        query.sort, query.limit, query.completed is not None, query.trashed, bool(wanted), after is not None
    )
    values: dict[str, Any] = {"completed": query.completed, "q": wanted}
    if after is not None:
        values["after_key"], values["after_id"] = after
    answer = await statements.listing(shape).run(caller, **values)
    rows = answer.rows[: query.limit]
    more = len(answer.rows) > query.limit
    cursor = seal([str(rows[-1][1]), str(rows[-1][2])], *bound) if more else None
    return page_response(rows, cursor, _list_tag(answer.revision, *bound, query.limit, query.cursor))


def _list_tag(revision: int, *query: Any) -> str:
    """The list's ETag: new with every change of the user's, and another one for every user and query.

    The revision is read before the page, so the tag is never newer than what it stands for.
    """
    return f'"{blake2b(repr((revision, query)).encode(), digest_size=16).hexdigest()}"'


@router.post("/tasks", response={201: schemas.Task}, operation_id="createTask", summary="Create a task")
async def create_task(request: HttpRequest, task: schemas.TaskCreate) -> HttpResponse:
    """Create a task. `Location` names it."""
    read_query(request, NoQuery)
    task_id = str(new_id())
    answer = await statements.create_task().run(
        caller_of(request), id=task_id, title=task.title, description=task.description, completed=task.completed
    )
    return task_response(answer.rows[0], 201, Location=f"/api/tasks/{task_id}")


@router.get("/tasks/{task_id}", response=schemas.Task, operation_id="getTask", summary="Get a task")
async def get_task(request: HttpRequest, task_id: str) -> HttpResponse:
    """One task. With `If-None-Match` an unchanged one is 304."""
    read_query(request, NoQuery)
    answer = await statements.get_task().run(caller_of(request), id=existing(task_id))
    if not answer.rows:
        raise TaskNotFound
    response = task_response(answer.rows[0])
    return not_modified(response["ETag"]) if none_match(request, response["ETag"]) else response


@router.put("/tasks/{task_id}", response=schemas.Task, operation_id="replaceTask", summary="Replace a task")
async def replace_task(request: HttpRequest, task_id: str, task: schemas.TaskReplace) -> HttpResponse:
    """Set all three values; what is absent becomes its default."""
    return await _change(request, task_id, {name: getattr(task, name) for name in EDITABLE})


@router.patch("/tasks/{task_id}", response=schemas.Task, operation_id="updateTask", summary="Update a task")
async def update_task(request: HttpRequest, task_id: str, task: schemas.TaskUpdate) -> HttpResponse:
    """Set the values that are given and keep the others."""
    return await _change(
        request, task_id, {name: getattr(task, name) for name in EDITABLE if name in task.model_fields_set}
    )


@router.patch(
    "/tasks/{task_id}/complete", response=schemas.Task, operation_id="completeTask", summary="Complete a task"
)
async def complete_task(
    request: HttpRequest,
    task_id: str,
    task: schemas.TaskComplete = Body(schemas.TaskComplete()),  # noqa: B008  (how Ninja spells an optional body)
) -> HttpResponse:
    """Complete a task, or reopen it with `{"completed": false}`. Repeating it changes nothing."""
    return await _change(request, task_id, {"completed": task.completed})


@router.delete("/tasks/{task_id}", response={204: None}, operation_id="deleteTask", summary="Delete a task")
async def delete_task(request: HttpRequest, task_id: str) -> HttpResponse:
    """Move a task to the trash."""
    read_query(request, NoQuery)
    revisions = if_match(request)
    values = {"id": existing(task_id), "revisions": revisions}
    answer = await statements.trash_task(revisions is not None).run(caller_of(request), **values)
    if not answer.rows:
        await _refuse(request, task_id, revisions)
    return HttpResponse(status=204)


async def _change(request: HttpRequest, task_id: str, values: dict[str, Any]) -> HttpResponse:
    """Set ``values`` of a live task; the precondition is part of the statement."""
    read_query(request, NoQuery)
    revisions = if_match(request)
    # Without values there is nothing to write: a task that stays as it is keeps its revision.
    statement = statements.change_task(tuple(values), revisions is not None) if values else statements.get_task()
    answer = await statement.run(caller_of(request), id=existing(task_id), revisions=revisions, **values)
    if not answer.rows:
        await _refuse(request, task_id, revisions)
    row = answer.rows[0]
    if not values and revisions is not None and row[1] not in revisions:
        raise PreconditionFailed
    return task_response(row)


async def _refuse(request: HttpRequest, task_id: str, revisions: list[int] | None) -> None:
    """Say why a conditional write found no row: 412 when the task is there, 404 when it is not."""
    if revisions is not None and (await statements.get_task().run(caller_of(request), id=task_id)).rows:
        raise PreconditionFailed
    raise TaskNotFound
