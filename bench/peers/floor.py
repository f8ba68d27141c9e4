"""The floor: the same calls with bare ASGI, asyncpg, orjson and PyJWT, and no framework: what Python can do at best."""

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

import asyncpg
import jwt
import orjson

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Answer = tuple[int, bytes]

SECRET = os.environ["BETTER_AUTH_SECRET"]
COLUMNS = "id, title, description, completed, created_at, updated_at"
PAGE = f"select {COLUMNS} from task where user_id = $1 order by created_at desc, id desc limit $2"
NEXT_PAGE = (
    f"select {COLUMNS} from task where user_id = $1 and (created_at, id) < ($3, $4) "
    "order by created_at desc, id desc limit $2"
)
ONE = f"select {COLUMNS} from task where user_id = $1 and id = $2"
INSERT = f"insert into task (user_id, title, description, completed) values ($1, $2, $3, $4) returning {COLUMNS}"
REPLACE = (
    "update task set title = $3, description = $4, completed = $5, updated_at = now() "
    f"where user_id = $1 and id = $2 returning {COLUMNS}"
)
COMPLETE = f"update task set completed = $3, updated_at = now() where user_id = $1 and id = $2 returning {COLUMNS}"
DELETE = "delete from task where user_id = $1 and id = $2"
NOT_FOUND: Answer = (404, b'{"detail":"No such task."}')
pools: list[asyncpg.Pool] = []


async def pool() -> asyncpg.Pool:
    if not pools:
        size = int(os.environ["BENCH_POOL"])
        pools.append(await asyncpg.create_pool(min_size=size, max_size=size))
    return pools[0]


def owner(scope: MutableMapping[str, Any]) -> str:
    token = dict(scope["headers"])[b"authorization"][7:].decode()
    claims = jwt.decode(token, SECRET, algorithms=["HS256"], options={"verify_aud": False, "require": ["sub", "exp"]})
    return str(claims["sub"])


async def body_of(receive: Receive) -> dict[str, Any]:
    chunks, more = [], True
    while more:
        message = await receive()
        chunks.append(message.get("body", b""))
        more = message.get("more_body", False)
    parsed: dict[str, Any] = orjson.loads(b"".join(chunks) or b"{}")
    return parsed


async def list_tasks(user: str, query: dict[str, list[str]]) -> Answer:
    limit = int(query.get("limit", ["50"])[0])
    database = await pool()
    if "q" in query:
        words = [f"%{word}%" for word in query["q"][0].split()]
        matches = " and ".join(f"(title ilike ${n} or description ilike ${n})" for n in range(3, 3 + len(words)))
        sql = PAGE.replace(" order by", f" and {matches} order by")
        rows = await database.fetch(sql, user, limit + 1, *words)
    elif "cursor" in query:
        moment, _, key = urlsafe_b64decode(query["cursor"][0]).decode().partition("|")
        rows = await database.fetch(NEXT_PAGE, user, limit + 1, datetime.fromisoformat(moment), int(key))
    else:
        rows = await database.fetch(PAGE, user, limit + 1)
    page = [dict(row) for row in rows[:limit]]
    cursor = None
    if len(rows) > limit:
        cursor = urlsafe_b64encode(f"{page[-1]['created_at'].isoformat()}|{page[-1]['id']}".encode()).decode()
    return 200, orjson.dumps({"items": page, "next_cursor": cursor})


async def create_task(user: str, body: dict[str, Any]) -> Answer:
    row = await (await pool()).fetchrow(
        INSERT, user, title_of(body), body.get("description"), body.get("completed", False)
    )
    return 201, orjson.dumps(dict(row))


def title_of(body: dict[str, Any]) -> str:
    title = body["title"].strip()
    if not 1 <= len(title) <= 200:
        raise ValueError("title: 1 to 200 characters")
    return str(title)


async def one_row(status: int, sql: str, *values: Any) -> Answer:
    row = await (await pool()).fetchrow(sql, *values)
    return (status, orjson.dumps(dict(row))) if row else NOT_FOUND


async def patch_task(user: str, task: int, body: dict[str, Any]) -> Answer:
    if "title" in body:
        body["title"] = title_of(body)
    names = [name for name in ("title", "description", "completed") if name in body]
    sets = "".join(f"{name} = ${n}, " for n, name in enumerate(names, 3))
    sql = f"update task set {sets}updated_at = now() where user_id = $1 and id = $2 returning {COLUMNS}"
    return await one_row(200, sql, user, task, *(body[name] for name in names))


async def delete_task(user: str, task: int) -> Answer:
    done = await (await pool()).execute(DELETE, user, task)
    return (204, b"") if done == "DELETE 1" else NOT_FOUND


async def answer(scope: MutableMapping[str, Any], receive: Receive) -> Answer:
    user, method, parts = owner(scope), scope["method"], scope["path"].split("/")[3:]
    if not parts:
        if method == "GET":
            return await list_tasks(user, parse_qs(scope["query_string"].decode()))
        return await create_task(user, await body_of(receive))
    task = int(parts[0])
    if method == "GET":
        return await one_row(200, ONE, user, task)
    if method == "DELETE":
        return await delete_task(user, task)
    body = await body_of(receive)
    if len(parts) == 2:
        return await one_row(200, COMPLETE, user, task, body.get("completed", True))
    if method == "PUT":
        values = title_of(body), body.get("description"), body.get("completed", False)
        return await one_row(200, REPLACE, user, task, *values)
    return await patch_task(user, task, body)


async def app(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
        return
    try:
        status, body = await answer(scope, receive)
    except jwt.PyJWTError:
        status, body = 401, b'{"detail":"Sign in first."}'
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return
