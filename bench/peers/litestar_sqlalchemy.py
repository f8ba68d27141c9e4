"""Litestar + SQLAlchemy on asyncpg, with msgspec structures in and out."""

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from typing import Annotated, Any

import jwt
import msgspec
from litestar import Litestar, Request, delete, get, patch, post, put
from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException, NotFoundException
from litestar.middleware import AbstractAuthenticationMiddleware, AuthenticationResult, DefineMiddleware
from litestar.params import Parameter
from sqlalchemy import DateTime, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

SECRET = os.environ["BETTER_AUTH_SECRET"]
# An empty URL lets asyncpg read the standard PGHOST, PGUSER and PGDATABASE.
engine = create_async_engine("postgresql+asyncpg://", pool_size=int(os.environ["BENCH_POOL"]), max_overflow=0)
Session = async_sessionmaker(engine, expire_on_commit=False)
Call = Request[str, Any, Any]


class Base(DeclarativeBase):
    pass


class TaskRow(Base):
    __tablename__ = "task"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[str]
    title: Mapped[str]
    description: Mapped[str | None]
    completed: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


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


Title = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Description = Annotated[str, msgspec.Meta(max_length=10_000)]


class NewTask(msgspec.Struct):
    title: Title
    description: Description | None = None
    completed: bool = False


class TaskChange(msgspec.Struct, omit_defaults=True):
    title: Title | msgspec.UnsetType = msgspec.UNSET
    description: Description | msgspec.UnsetType | None = msgspec.UNSET
    completed: bool | msgspec.UnsetType = msgspec.UNSET


class Completion(msgspec.Struct):
    completed: bool = True


class BearerMiddleware(AbstractAuthenticationMiddleware):
    async def authenticate_request(self, connection: ASGIConnection[Any, Any, Any, Any]) -> AuthenticationResult:
        token = connection.headers.get("authorization", "")[7:]
        options: Any = {"verify_aud": False, "require": ["sub", "exp"]}
        try:
            claims = jwt.decode(token, SECRET, algorithms=["HS256"], options=options)
        except jwt.PyJWTError as error:
            raise NotAuthorizedException from error
        return AuthenticationResult(user=claims["sub"], auth=None)


def shown(row: TaskRow) -> Task:
    return Task(row.id, row.title, row.description, row.completed, row.created_at, row.updated_at)


async def owned(session: AsyncSession, user: str, task_id: int) -> TaskRow:
    row = await session.scalar(select(TaskRow).where(TaskRow.id == task_id, TaskRow.user_id == user))
    if row is None:
        raise NotFoundException
    return row


async def change(user: str, task_id: int, values: dict[str, Any]) -> Task:
    async with Session.begin() as session:
        row = await owned(session, user, task_id)
        for name, value in values.items():
            setattr(row, name, value)
        row.updated_at = datetime.now(UTC)
    return shown(row)


@get("/api/tasks")
async def list_tasks(
    request: Call, limit: Annotated[int, Parameter(ge=1, le=200)] = 50, cursor: str | None = None, q: str = ""
) -> Page:
    query = select(TaskRow).where(TaskRow.user_id == request.user)
    for word in q.split():
        query = query.where(or_(TaskRow.title.icontains(word), TaskRow.description.icontains(word)))
    if cursor:
        moment, _, key = urlsafe_b64decode(cursor).decode().partition("|")
        query = query.where(tuple_(TaskRow.created_at, TaskRow.id) < (datetime.fromisoformat(moment), int(key)))
    async with Session() as session:
        newest = query.order_by(TaskRow.created_at.desc(), TaskRow.id.desc()).limit(limit + 1)
        rows = (await session.scalars(newest)).all()
    following = None
    if len(rows) > limit:
        last = rows[limit - 1]
        following = urlsafe_b64encode(f"{last.created_at.isoformat()}|{last.id}".encode()).decode()
    return Page([shown(row) for row in rows[:limit]], following)


@post("/api/tasks")
async def create_task(request: Call, data: NewTask) -> Task:
    moment = datetime.now(UTC)
    row = TaskRow(
        user_id=request.user,
        title=data.title.strip(),
        description=data.description,
        completed=data.completed,
        created_at=moment,
        updated_at=moment,
    )
    async with Session.begin() as session:
        session.add(row)
    return shown(row)


@get("/api/tasks/{task_id:int}")
async def get_task(request: Call, task_id: int) -> Task:
    async with Session() as session:
        return shown(await owned(session, request.user, task_id))


@put("/api/tasks/{task_id:int}")
async def put_task(request: Call, task_id: int, data: NewTask) -> Task:
    return await change(request.user, task_id, msgspec.structs.asdict(data))


@patch("/api/tasks/{task_id:int}")
async def patch_task(request: Call, task_id: int, data: TaskChange) -> Task:
    given = {name: value for name, value in msgspec.structs.asdict(data).items() if value is not msgspec.UNSET}
    return await change(request.user, task_id, given)


@patch("/api/tasks/{task_id:int}/complete")
async def complete_task(request: Call, task_id: int, data: Completion) -> Task:
    return await change(request.user, task_id, {"completed": data.completed})


@delete("/api/tasks/{task_id:int}")
async def delete_task(request: Call, task_id: int) -> None:
    async with Session.begin() as session:
        await session.delete(await owned(session, request.user, task_id))


handlers = [list_tasks, create_task, get_task, put_task, patch_task, complete_task, delete_task]
app = Litestar(handlers, middleware=[DefineMiddleware(BearerMiddleware)], openapi_config=None)
