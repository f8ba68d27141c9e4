"""What goes in and out of the task API. Inputs are strict: unknown fields, coercion and over-long text are errors."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, WithJsonSchema

from .models import DESCRIPTION_MAX, TITLE_MAX


def _without_nul(value: str) -> str:
    if "\0" in value:
        raise ValueError("must not contain the NUL character")
    return value


NO_NUL = r"^[^\u0000]*$"
# Unicode White_Space, spelt out: in JSON Schema's dialect (ECMA-262) `\s` lacks U+0085 and has U+FEFF.
WHITE = r"\u0009-\u000d\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
VISIBLE = rf"^[^\u0000]*[^\u0000{WHITE}][^\u0000]*$"

# pydantic trims Unicode White_Space, and counts code points.
Title = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=TITLE_MAX),
    AfterValidator(_without_nul),
    # As far as JSON Schema can say it: something to see, and no NUL.
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": TITLE_MAX, "pattern": VISIBLE}),
    Field(description="Trimmed of white space, then 1 to 200 characters.", examples=["Buy oat milk"]),
]
Description = Annotated[
    Annotated[
        str,
        StringConstraints(max_length=DESCRIPTION_MAX),
        AfterValidator(_without_nul),
        WithJsonSchema({"type": "string", "maxLength": DESCRIPTION_MAX, "pattern": NO_NUL}),
    ]
    | None,
    Field(description="Kept as it is; up to 10,000 characters.", examples=["The one with the blue cap"]),
]


def _no_default(schema: dict[str, Any]) -> None:
    """An absent field keeps its value: there is no default to document."""
    schema.pop("default", None)


class Input(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class TaskCreate(Input):
    title: Title
    description: Description = None
    completed: bool = False


class TaskReplace(Input):
    """All three values; what is absent becomes its default."""

    title: Title
    description: Description = None
    completed: bool = False


class TaskUpdate(Input):
    """Any of the three; what is absent keeps its value."""

    title: Title = Field(default="", json_schema_extra=_no_default)
    description: Description = Field(default=None, json_schema_extra=_no_default)
    completed: bool = Field(default=False, json_schema_extra=_no_default)


class TaskComplete(Input):
    completed: bool = True


class Task(Schema):
    id: UUID = Field(description="A UUIDv7, set by the server.", examples=["0193b5f2-7d3e-7c6a-9a41-3f0c2f4f8e11"])
    title: str = Field(examples=["Buy oat milk"])
    description: str | None = Field(examples=["The one with the blue cap"])
    completed: bool
    completed_at: datetime | None = Field(description="When `completed` last turned true; null while it is false.")
    created_at: datetime
    updated_at: datetime
    revision: int = Field(description="Grows with every change, unique within a user; the number in the `ETag`.")
    deleted_at: datetime | None = Field(description="Set while the task is in the trash.")


class TaskPage(Schema):
    items: list[Task]
    next_cursor: str | None = Field(description="Pass as `cursor` for the next page; null when nothing follows.")


class TaskCounts(Schema):
    open: int
    completed: int
    trashed: int


class Me(Schema):
    id: str = Field(description="The subject (`sub`) of the token.", examples=["3vKp9sWQmJ1bX0yE4hT7rN2cZ8dL6fGa"])
    email: str | None
    name: str | None
    created_at: datetime
    last_seen_at: datetime
    tasks: TaskCounts


Sort = Literal["-created_at", "created_at", "-updated_at", "updated_at", "title", "-title"]

FIELDS = tuple(Task.model_fields)
EDITABLE = ("title", "description", "completed")


class TaskChanges(Schema):
    items: list[Task] = Field(description="Oldest change first; a task of the trash has its `deleted_at` set.")
    next: str = Field(description="Pass as `since` to get what changes from here on.")
    has_more: bool = Field(description="Whether more is waiting behind `next` already.")


class AccountErase(Input):
    confirm: str = Field(description="The caller's own subject (`sub`), to show that this is meant.")


class Person(Schema):
    id: str
    email: str | None
    name: str | None
    created_at: datetime
    last_seen_at: datetime


class Export(Schema):
    account: Person
    tasks: list[Task]
