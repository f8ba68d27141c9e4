"""FastAPI + SQLModel on asyncpg, in the idiom of their own documentation: the stack this project's users would pick."""

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Any

import jwt
from fastapi import Depends, FastAPI, HTTPException, Query, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import StringConstraints
from sqlalchemy import DateTime, tuple_
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlmodel import Field, SQLModel, col, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

SECRET = os.environ["BETTER_AUTH_SECRET"]
# An empty URL lets asyncpg read the standard PGHOST, PGUSER and PGDATABASE.
engine = create_async_engine("postgresql+asyncpg://", pool_size=int(os.environ["BENCH_POOL"]), max_overflow=0)
Session = async_sessionmaker(engine, class_=AsyncSession, expire_on_commit=False)
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


def now() -> datetime:
    return datetime.now(UTC)


class TaskBase(SQLModel):
    title: Title
    description: str | None = Field(default=None, max_length=10_000)
    completed: bool = False


class Task(TaskBase, table=True):
    id: int | None = Field(default=None, primary_key=True)
    user_id: str
    created_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True))
    updated_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True))


class TaskRead(TaskBase):
    id: int
    created_at: datetime
    updated_at: datetime


class TaskPage(SQLModel):
    items: list[TaskRead]
    next_cursor: str | None


class TaskUpdate(SQLModel):
    title: Title | None = None
    description: str | None = Field(default=None, max_length=10_000)
    completed: bool | None = None


class Completion(SQLModel):
    completed: bool = True


bearer = HTTPBearer(auto_error=False)


async def current_user(credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]) -> str:
    if credentials is None:
        raise HTTPException(401)
    options: Any = {"verify_aud": False, "require": ["sub", "exp"]}
    try:
        claims = jwt.decode(credentials.credentials, SECRET, algorithms=["HS256"], options=options)
    except jwt.PyJWTError as error:
        raise HTTPException(401) from error
    return str(claims["sub"])


async def open_session() -> AsyncIterator[AsyncSession]:
    async with Session() as session:
        yield session


User = Annotated[str, Depends(current_user)]
Database = Annotated[AsyncSession, Depends(open_session)]
app = FastAPI()


@app.get("/api/tasks", response_model=TaskPage)
async def list_tasks(
    user: User,
    session: Database,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: str | None = None,
    q: str = "",
) -> dict[str, Any]:
    query = select(Task).where(Task.user_id == user)
    for word in q.split():
        query = query.where(or_(col(Task.title).icontains(word), col(Task.description).icontains(word)))
    if cursor:
        moment, _, key = urlsafe_b64decode(cursor).decode().partition("|")
        after = tuple_(datetime.fromisoformat(moment), int(key))
        query = query.where(tuple_(col(Task.created_at), col(Task.id)) < after)
    query = query.order_by(col(Task.created_at).desc(), col(Task.id).desc()).limit(limit + 1)
    rows = (await session.exec(query)).all()
    page, following = rows[:limit], None
    if len(rows) > limit:
        following = urlsafe_b64encode(f"{page[-1].created_at.isoformat()}|{page[-1].id}".encode()).decode()
    return {"items": page, "next_cursor": following}


async def owned_task(task_id: int, user: User, session: Database) -> Task:
    task = (await session.exec(select(Task).where(Task.id == task_id, Task.user_id == user))).first()
    if task is None:
        raise HTTPException(404)
    return task


Owned = Annotated[Task, Depends(owned_task)]


async def saved(task: Task, session: AsyncSession) -> Task:
    session.add(task)
    await session.commit()
    await session.refresh(task)
    return task


@app.post("/api/tasks", response_model=TaskRead, status_code=201)
async def create_task(body: TaskBase, user: User, session: Database) -> Task:
    return await saved(Task(**body.model_dump(), user_id=user), session)


@app.get("/api/tasks/{task_id}", response_model=TaskRead)
async def get_task(task: Owned) -> Task:
    return task


@app.put("/api/tasks/{task_id}", response_model=TaskRead)
async def put_task(body: TaskBase, task: Owned, session: Database) -> Task:
    task.sqlmodel_update(body.model_dump(), update={"updated_at": now()})
    return await saved(task, session)


@app.patch("/api/tasks/{task_id}", response_model=TaskRead)
async def patch_task(body: TaskUpdate, task: Owned, session: Database) -> Task:
    task.sqlmodel_update(body.model_dump(exclude_unset=True), update={"updated_at": now()})
    return await saved(task, session)


@app.patch("/api/tasks/{task_id}/complete", response_model=TaskRead)
async def complete_task(body: Completion, task: Owned, session: Database) -> Task:
    task.sqlmodel_update({"completed": body.completed, "updated_at": now()})
    return await saved(task, session)


@app.delete("/api/tasks/{task_id}", status_code=204)
async def delete_task(task: Owned, session: Database) -> Response:
    await session.delete(task)
    await session.commit()
    return Response(status_code=204)
