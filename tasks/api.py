"""The task API. Every call is one statement in the caller's scope, in one round trip."""

from hashlib import blake2b
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Body, Router

from authn.bearer import caller_of
from authn.problems import PreconditionFailed, Problem
from authn.retries import settled
from authn.scope import Transaction, execute, transaction

from . import batches, schemas, statements
from .answers import not_modified, page_response, results_response, task_response
from .cursors import seal, unseal
from .errors import NotInTrash, TaskNotFound, existing
from .idempotency import idempotency_key, once
from .listing import Listing, listing
from .models import new_id
from .preconditions import if_match, none_match
from .queries import ChangesQuery, DeleteQuery, ListQuery, NoQuery, query_parameters, read_query
from .schemas import EDITABLE
from .search import words
from .sync import changes_since

router = Router(tags=["Tasks"])


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
    shape = Listing(
        query.sort, query.limit, query.completed is not None, query.trashed, bool(wanted), after is not None
    )
    values: dict[str, Any] = {"completed": query.completed, "q": wanted}
    if after is not None:
        values["after_key"], values["after_id"] = after
    answer = await listing(shape).run(caller, **values)
    found, cursor = answer.result, None
    if len(found) > query.limit:
        last = query.limit - 1
        cursor = seal([found.text(last, 1).decode(), found.text(last, 2).decode()], *bound)
    return page_response(
        found.texts(min(len(found), query.limit)), cursor, _list_tag(answer.revision, *bound, query.limit, query.cursor)
    )


def _list_tag(revision: int, *query: Any) -> str:
    """The list's ETag: new with every change of the user's, and another one for every user and query.

    The revision is read before the page, so the tag is never newer than what it stands for.
    """
    return f'"{blake2b(repr((revision, query)).encode(), digest_size=16).hexdigest()}"'


@router.post("/tasks", response={201: schemas.Task}, operation_id="createTask", summary="Create a task")
async def create_task(request: HttpRequest, task: schemas.TaskCreate) -> HttpResponse:
    """Create a task. `Location` names it. With an `Idempotency-Key`, a retry finds the first answer."""
    read_query(request, NoQuery)
    caller, key, task_id = caller_of(request), idempotency_key(request), str(new_id())
    values = {"id_0": task_id} | {f"{name}_0": getattr(task, name) for name in EDITABLE}
    location = f"/api/tasks/{task_id}"
    if key is None:
        answer = await statements.create_tasks().run(caller, **values)
        return task_response(answer.result, 201, Location=location)

    async def work(opened: Transaction) -> HttpResponse:
        (created,) = await opened.run(statements.create_tasks().bind(caller, values))
        return task_response(created, 201, Location=location)

    return await once(request, caller, key, work)


@router.post(
    "/tasks/batch", response=batches.TaskBatchResult, operation_id="batchTasks", summary="Do many things at once"
)
async def batch_tasks(request: HttpRequest, batch: batches.TaskBatch) -> HttpResponse:
    """Up to 100 operations in order, all of them or none. An error has the `index` of its operation."""
    read_query(request, NoQuery)
    caller, key = caller_of(request), idempotency_key(request)
    steps = batches.steps(batch, caller)

    async def work(opened: Transaction) -> HttpResponse:
        answers = await opened.run(*batches.statements_of(steps))
        return results_response(await batches.results(steps, answers, opened, caller))

    if key is not None:
        return await once(request, caller, key, work)

    async def run() -> HttpResponse:
        async with transaction(caller, *batches.statements_of(steps)) as opened:
            found = await batches.results(steps, opened.answer.results, opened, caller)
            await opened.commit()
            return results_response(found)

    return await settled(run)


@router.get(
    "/tasks/changes",
    response=schemas.TaskChanges,
    operation_id="listChanges",
    summary="Sync",
    openapi_extra=query_parameters(ChangesQuery),
)
async def list_changes(request: HttpRequest) -> HttpResponse:
    """What has changed since `since`, the trash included. Apply pages until `has_more` is false, keep `next`."""
    query = read_query(request, ChangesQuery)
    return await changes_since(caller_of(request), query.since, query.limit)


@router.get("/tasks/{task_id}", response=schemas.Task, operation_id="getTask", summary="Get a task")
async def get_task(request: HttpRequest, task_id: str) -> HttpResponse:
    """One task. With `If-None-Match` an unchanged one is 304."""
    read_query(request, NoQuery)
    answer = await statements.get_task().run(caller_of(request), id=existing(task_id))
    if not answer.result:
        raise TaskNotFound
    response = task_response(answer.result)
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
    task: schemas.TaskComplete = Body(schemas.TaskComplete()),  # type: ignore[type-arg]  # noqa: B008  (how Ninja spells an optional body)
) -> HttpResponse:
    """Complete a task, or reopen it with `{"completed": false}`. Repeating it changes nothing."""
    return await _change(request, task_id, {"completed": task.completed})


@router.delete(
    "/tasks/{task_id}",
    response={204: None},
    operation_id="deleteTask",
    summary="Delete a task",
    openapi_extra=query_parameters(DeleteQuery),
)
async def delete_task(request: HttpRequest, task_id: str) -> HttpResponse:
    """Move a task to the trash, or with `permanent=true` out of it for good."""
    query = read_query(request, DeleteQuery)
    revisions = if_match(request)
    values = {"id": existing(task_id), "revisions": revisions}
    statement = statements.purge_task if query.permanent else statements.trash_task
    answer = await statement(revisions is not None).run(caller_of(request), **values)
    if not answer.result:
        raise await _refusal(request, task_id, wants_trashed=query.permanent)
    return HttpResponse(status=204)


@router.post("/tasks/{task_id}/restore", response=schemas.Task, operation_id="restoreTask", summary="Restore a task")
async def restore_task(request: HttpRequest, task_id: str) -> HttpResponse:
    """Take a task out of the trash."""
    read_query(request, NoQuery)
    revisions = if_match(request)
    values = {"id": existing(task_id), "revisions": revisions}
    answer = await statements.restore_task(revisions is not None).run(caller_of(request), **values)
    if not answer.result:
        raise await _refusal(request, task_id, wants_trashed=True)
    return task_response(answer.result)


async def _change(request: HttpRequest, task_id: str, values: dict[str, Any]) -> HttpResponse:
    """Set ``values`` of a live task; the precondition is part of the statement."""
    read_query(request, NoQuery)
    revisions = if_match(request)
    checked = revisions is not None
    # Without values there is nothing to write: a task that stays as it is keeps its revision.
    statement = statements.change_task(tuple(values), checked) if values else statements.get_task(checked)
    answer = await statement.run(caller_of(request), id=existing(task_id), revisions=revisions, **values)
    if not answer.result:
        raise await _refusal(request, task_id, wants_trashed=False)
    return task_response(answer.result)


async def _refusal(request: HttpRequest, task_id: str, *, wants_trashed: bool) -> Problem:
    """Why a write found no row. That it is missing, or not in the trash, wins over a revision that does not match."""
    caller = caller_of(request)
    rows = (await statements.find_task().run(caller, id=existing(task_id))).rows
    trashed = bool(rows) and rows[0][1] is not None
    if rows and trashed == wants_trashed:
        return PreconditionFailed()
    return NotInTrash() if rows and wants_trashed else TaskNotFound()
