"""Query strings, read strictly: unknown, repeated and malformed parameters are errors, all of them named at once."""

from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qsl

import pydantic
from django.http import HttpRequest
from pydantic import BeforeValidator, Field

from authn.problems import Invalid

from .schemas import NO_NUL, Input, Sort, _without_nul

Q_MAX = 1000


def _one(value: Any) -> Any:
    if isinstance(value, list):
        raise ValueError("must be given once")  # noqa: TRY004  (pydantic reports ValueError)
    return value


def _digits(value: Any) -> Any:
    if isinstance(value, str):
        if not (value.isascii() and value.isdigit()) or len(value) > 9:
            raise ValueError("must be a whole number in plain digits")
        return int(value)
    return _one(value)


def _boolean(value: Any) -> Any:
    if isinstance(value, str):
        if value not in ("true", "false"):
            raise ValueError("must be true or false")
        return value == "true"
    return _one(value)


Text = Annotated[str, BeforeValidator(_one), pydantic.AfterValidator(_without_nul)]


class NoQuery(Input):
    """A call without query parameters."""


class ListQuery(Input):
    limit: Annotated[int, Field(ge=1, le=200, description="Tasks per page."), BeforeValidator(_digits)] = 50
    completed: Annotated[bool | None, BeforeValidator(_boolean), Field(description="Only tasks in this state.")] = None
    q: Annotated[
        Text,
        Field(
            max_length=Q_MAX,
            description="Words that must all begin a word of the title or description.",
            json_schema_extra={"pattern": NO_NUL},
        ),
    ] = ""
    trashed: Annotated[bool, BeforeValidator(_boolean), Field(description="List the trash instead.")] = False
    sort: Annotated[Sort, BeforeValidator(_one), Field(description="Ties break by id.")] = "-created_at"
    cursor: Annotated[Text | None, Field(description="`next_cursor` of the page before.")] = None


class DeleteQuery(Input):
    permanent: Annotated[bool, BeforeValidator(_boolean), Field(description="Delete a task of the trash for good.")] = (
        False
    )


class ChangesQuery(Input):
    since: Annotated[Text | None, Field(description="`next` of the call before; everything live without it.")] = None
    limit: Annotated[int, Field(ge=1, le=500, description="Changes per page."), BeforeValidator(_digits)] = 100


Q = TypeVar("Q", bound=Input)


def read_query(request: HttpRequest, model: type[Q]) -> Q:
    """The query string as ``model``. Raises `Invalid` (422) naming every bad parameter."""
    if not request.META["QUERY_STRING"]:
        return model()
    given: dict[str, Any] = {}
    for name, value in parse_qsl(request.META["QUERY_STRING"], keep_blank_values=True):
        given[name] = [given[name], value] if name in given else value
    try:
        return model.model_validate(given)
    except pydantic.ValidationError as error:
        raise Invalid(
            errors=[
                {
                    "loc": ["query", str(item["loc"][0])],
                    "code": item["type"],
                    "message": item["msg"].removeprefix("Value error, "),
                }
                for item in error.errors(include_url=False, include_input=False)
            ]
        ) from None


def query_parameters(model: type[Input]) -> dict[str, Any]:
    """``model`` as OpenAPI parameter objects."""
    schema = model.model_json_schema()
    return {
        "parameters": [
            {
                "in": "query",
                "name": name,
                "required": False,
                "description": field.pop("description", ""),
                "schema": field,
            }
            for name, field in schema.get("properties", {}).items()
        ]
    }
