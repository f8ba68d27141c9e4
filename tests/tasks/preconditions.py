"""What If-Match does on every write (RFC 9110, section 13.1.1)."""

from typing import Any

from tests.support.clients import User

from .refusals import assert_code


def assert_conditions_guard(alice: User, method: str, suffix: str = "", *, status: int = 200, **kwargs: Any) -> None:
    """A condition that is not met leaves the task alone; one that is met lets the write through."""
    task = alice.create_task("guarded")
    revision = task["revision"]
    unmet = [
        f'"{revision + 1}"', f'"{revision - 1}"', f'W/"{revision}"', str(revision), f'"{revision}', f"'{revision}'",
        "", '""', '"*"', f'"0{revision}"', f'" {revision}"', f'"{revision}.0"', f'"+{revision}"', '"x"',
        '"' + "9" * 400 + '"', f'W/"{revision}", "{revision + 1}"', '"٣"'.encode().decode("latin-1"),
    ]  # fmt: skip
    for condition in unmet:
        response = _write(alice, method, task["id"] + suffix, [("If-Match", condition)], **kwargs)
        assert_code(response, 412, "precondition_failed")
        assert alice.get_task(task["id"]) == task, condition
    met = [
        [("If-Match", f'"{revision}"')],
        [("If-Match", "*")],
        [("If-Match", f'"x", "{revision}"')],
        [("If-Match", '"x"'), ("If-Match", f'"{revision}"')],
        [("If-Match", f'W/"{revision}"  ,\t"{revision}"')],
    ]
    for condition_lines in met:
        task = alice.create_task("guarded")
        lines = [(name, value.replace(str(revision), str(task["revision"]))) for name, value in condition_lines]
        response = _write(alice, method, task["id"] + suffix, lines, **kwargs)
        assert response.status_code == status, lines


def _write(alice: User, method: str, path: str, headers: list[tuple[str, str]], **kwargs: Any) -> Any:
    encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    return alice.request(method, f"/tasks/{path}", headers=encoded, **kwargs)
