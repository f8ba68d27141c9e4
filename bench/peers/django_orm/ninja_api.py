"""Stock Django Ninja: async views over the ORM's own async methods, pydantic schemas, PyJWT."""

from datetime import datetime
from typing import Annotated, Any

import jwt
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI, Query, Schema
from ninja.security import HttpBearer
from pydantic import Field, StringConstraints

from bench.peers.django_orm.models import Task, change, page, remove

Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Description = Annotated[str, Field(max_length=10_000)]


class TaskOut(Schema):
    id: int
    title: str
    description: str | None
    completed: bool
    created_at: datetime
    updated_at: datetime


class PageOut(Schema):
    items: list[TaskOut]
    next_cursor: str | None


class TaskIn(Schema):
    title: Title
    description: Description | None = None
    completed: bool = False


class TaskChange(Schema):
    title: Title | None = None
    description: Description | None = None
    completed: bool | None = None


class Completion(Schema):
    completed: bool = True


class Bearer(HttpBearer):
    async def authenticate(self, request: HttpRequest, token: str) -> str | None:
        options: Any = {"verify_aud": False, "require": ["sub", "exp"]}
        try:
            claims = jwt.decode(token, settings.BETTER_AUTH_SECRET, algorithms=["HS256"], options=options)
        except jwt.PyJWTError:
            return None
        return str(claims["sub"])


api = NinjaAPI(auth=Bearer(), openapi_url=None)


@api.exception_handler(Task.DoesNotExist)
def missing(request: HttpRequest, error: Exception) -> HttpResponse:
    return api.create_response(request, {"detail": "No such task."}, status=404)


@api.get("/tasks", response=PageOut)
async def list_tasks(
    request: Any, limit: Annotated[int, Query(ge=1, le=200)] = 50, cursor: str | None = None, q: str = ""
) -> dict[str, Any]:
    items, following = await page(request.auth, limit, cursor, q)
    return {"items": items, "next_cursor": following}


@api.post("/tasks", response={201: TaskOut})
async def create_task(request: Any, body: TaskIn) -> tuple[int, Task]:
    return 201, await Task.objects.acreate(user_id=request.auth, **body.dict())


@api.get("/tasks/{int:task_id}", response=TaskOut)
async def get_task(request: Any, task_id: int) -> Task:
    return await Task.objects.aget(user_id=request.auth, id=task_id)


@api.put("/tasks/{int:task_id}", response=TaskOut)
async def put_task(request: Any, task_id: int, body: TaskIn) -> Task:
    return await change(request.auth, task_id, body.dict())


@api.patch("/tasks/{int:task_id}", response=TaskOut)
async def patch_task(request: Any, task_id: int, body: TaskChange) -> Task:
    return await change(request.auth, task_id, body.dict(exclude_unset=True))


@api.patch("/tasks/{int:task_id}/complete", response=TaskOut)
async def complete_task(request: Any, task_id: int, body: Completion) -> Task:
    return await change(request.auth, task_id, {"completed": body.completed})


@api.delete("/tasks/{int:task_id}", response={204: None})
async def delete_task(request: Any, task_id: int) -> tuple[int, None]:
    await remove(request.auth, task_id)
    return 204, None
