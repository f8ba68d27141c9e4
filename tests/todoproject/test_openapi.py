"""The contract: current, valid, complete, and pleasant to generate a client from."""

import json
import re
from io import StringIO
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from tests.support.clients import Client
from tests.support.contract import document

OPERATIONS = [
    (path, method, operation) for path, methods in document()["paths"].items() for method, operation in methods.items()
]
IDS = [operation["operationId"] for _, _, operation in OPERATIONS]
every_operation = pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS, ids=IDS)


def test_the_committed_contract_is_the_one_that_is_served(anonymous: Client, settings: Settings) -> None:
    committed = json.loads((settings.BASE_DIR / "openapi.json").read_text())

    assert committed == anonymous.get("/openapi.json").json() == document()


def test_the_command_writes_and_checks_the_contract(tmp_path: Path, settings: Settings) -> None:
    settings.BASE_DIR = tmp_path
    output = StringIO()

    with pytest.raises(CommandError, match=r"not current: run python manage\.py openapi\."):
        call_command("openapi", "--check")
    call_command("openapi", stdout=output)
    call_command("openapi", "--check", stdout=output)
    (tmp_path / "openapi.json").write_text("{}")
    with pytest.raises(CommandError, match="not current"):
        call_command("openapi", "--check")

    assert output.getvalue() == "Wrote openapi.json.\nopenapi.json is current.\n"


def test_it_is_openapi_3_1() -> None:
    assert document()["openapi"].startswith("3.1")
    assert {"title", "version", "description"} <= document()["info"].keys()
    for schema in document()["components"]["schemas"].values():
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})


def test_every_call_of_the_api_is_in_it() -> None:
    assert {(method.upper(), path) for path, method, _ in OPERATIONS} == {
        ("GET", "/api/tasks"), ("POST", "/api/tasks"), ("POST", "/api/tasks/batch"), ("GET", "/api/tasks/changes"),
        ("GET", "/api/tasks/{task_id}"), ("PUT", "/api/tasks/{task_id}"), ("PATCH", "/api/tasks/{task_id}"),
        ("DELETE", "/api/tasks/{task_id}"), ("PATCH", "/api/tasks/{task_id}/complete"),
        ("POST", "/api/tasks/{task_id}/restore"), ("GET", "/api/me"), ("DELETE", "/api/me"), ("GET", "/api/me/export"),
        ("GET", "/api/health/live"), ("GET", "/api/health/ready"),
    }  # fmt: skip


def test_names_are_those_of_a_typed_client() -> None:
    assert len(set(IDS)) == len(IDS)
    assert all(re.fullmatch(r"[a-z]+([A-Z][a-z]+)*", name) for name in IDS), IDS
    assert all(re.fullmatch(r"([A-Z][a-z]+)+", name) for name in document()["components"]["schemas"])
    assert "Task" in document()["components"]["schemas"]


@every_operation
def test_an_operation_is_described(path: str, method: str, operation: dict[str, Any]) -> None:
    assert operation["summary"]
    assert operation["description"]
    assert operation["tags"]
    for parameter in operation.get("parameters", []):
        assert parameter["in"] == "path" or parameter["description"], parameter["name"]
    for response in operation["responses"].values():
        assert response["description"]


@every_operation
def test_errors_are_problems(path: str, method: str, operation: dict[str, Any]) -> None:
    for status, response in operation["responses"].items():
        if int(status) >= 400:
            assert list(response["content"]) == ["application/problem+json"]
            schema = response["content"]["application/problem+json"]["schema"]
            assert schema == {"$ref": "#/components/schemas/Problem"}
    expected = {"500", "503", "422"} | (set() if path.startswith("/api/health") else {"401", "403", "429"})
    assert expected <= operation["responses"].keys()
    if "{task_id}" in path:
        assert "404" in operation["responses"]
    if "requestBody" in operation:
        assert {"400", "413", "415"} <= operation["responses"].keys()


@every_operation
def test_an_operation_needs_a_bearer_token_but_for_health(path: str, method: str, operation: dict[str, Any]) -> None:
    schemes = document()["components"]["securitySchemes"]
    needed = [schemes[name] for requirement in operation.get("security", []) for name in requirement]

    if path.startswith("/api/health"):
        assert needed == []
    else:
        assert [(scheme["type"], scheme["scheme"]) for scheme in needed] == [("http", "bearer")]


def test_every_example_fits_its_schema() -> None:
    checked = 0
    for name, schema in document()["components"]["schemas"].items():
        for field, property_schema in schema.get("properties", {}).items():
            rooted = {**property_schema, "components": document()["components"]}
            validator = jsonschema_rs.Draft202012Validator(rooted, validate_formats=True)
            for example in property_schema.get("examples", []):
                assert validator.is_valid(example), (name, field, example)
                checked += 1
    assert checked >= 10
