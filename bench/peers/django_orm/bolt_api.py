"""Django Bolt: its Rust server, its own token check in Rust, msgspec structures, the ORM's async methods."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from django.conf import settings
from django_bolt import BoltAPI, IsAuthenticated, JWTAuthentication, Request, Response
from django_bolt.exceptions import HTTPException

from bench.peers.django_orm.models import Task as TaskRow
from bench.peers.django_orm.models import change, page, remove

Title = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Description = Annotated[str, msgspec.Meta(max_length=10_000)]


class Task(msgspec.Struct):
    id: int
    title: str
    description: str | None
    completed: bool
    created_at: datetime
    updated_at: datetime


class Page(msgspec.Struct):
    items: list[Task]
    next_cursor: str | None


class NewTask(msgspec.Struct):
    title: Title
    description: Description | None = None
    completed: bool = False


class TaskChange(msgspec.Struct):
    title: Title | msgspec.UnsetType = msgspec.UNSET
    description: Description | msgspec.UnsetType | None = msgspec.UNSET
    completed: bool | msgspec.UnsetType = msgspec.UNSET


class Completion(msgspec.Struct):
    completed: bool = True


api = BoltAPI()
guarded: dict[str, Any] = {
    "auth": [JWTAuthentication(secret=settings.BETTER_AUTH_SECRET, algorithms=["HS256"])],
    "guards": [IsAuthenticated()],
}


def owner(request: Request) -> str:
    return str(request.get("context")["user_id"])


def shown(row: TaskRow) -> Task:
    return Task(row.id, row.title, row.description, row.completed, row.created_at, row.updated_at)


async def changed(request: Request, task_id: int, values: dict[str, Any]) -> Task:
    try:
        return shown(await change(owner(request), task_id, values))
    except TaskRow.DoesNotExist as error:
        raise HTTPException(status_code=404, detail="No such task.") from error


@api.get("/api/tasks", **guarded)
async def list_tasks(request: Request, limit: int = 50, cursor: str | None = None, q: str = "") -> Page:
    rows, following = await page(owner(request), limit, cursor, q)
    return Page([shown(row) for row in rows], following)


@api.post("/api/tasks", status_code=201, **guarded)
async def create_task(request: Request, body: NewTask) -> Task:
    values = msgspec.structs.asdict(body) | {"title": body.title.strip()}
    return shown(await TaskRow.objects.acreate(user_id=owner(request), **values))


@api.get("/api/tasks/{task_id}", **guarded)
async def get_task(request: Request, task_id: int) -> Task:
    row = await TaskRow.objects.filter(user_id=owner(request), id=task_id).afirst()
    if row is None:
        raise HTTPException(status_code=404, detail="No such task.")
    return shown(row)


@api.put("/api/tasks/{task_id}", **guarded)
async def put_task(request: Request, task_id: int, body: NewTask) -> Task:
    return await changed(request, task_id, msgspec.structs.asdict(body))


@api.patch("/api/tasks/{task_id}", **guarded)
async def patch_task(request: Request, task_id: int, body: TaskChange) -> Task:
    given = {name: value for name, value in msgspec.structs.asdict(body).items() if value is not msgspec.UNSET}
    return await changed(request, task_id, given)


@api.patch("/api/tasks/{task_id}/complete", **guarded)
async def complete_task(request: Request, task_id: int, body: Completion) -> Task:
    return await changed(request, task_id, {"completed": body.completed})


@api.delete("/api/tasks/{task_id}", status_code=204, **guarded)
async def delete_task(request: Request, task_id: int) -> Any:
    try:
        await remove(owner(request), task_id)
    except TaskRow.DoesNotExist as error:
        raise HTTPException(status_code=404, detail="No such task.") from error
    # Returning None would send the text "null" after a 204, which breaks a connection that is kept alive.
    return Response("", status_code=204, media_type="text/plain")
