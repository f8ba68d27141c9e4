"""These tests may be skipped on a machine without node, never on CI."""

import pytest

from .conftest import unavailable


def test_a_machine_without_node_skips_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)

    with pytest.raises(pytest.skip.Exception, match="not tried against a real Better Auth server: there is no node"):
        unavailable("there is no node")


def test_ci_never_skips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")

    with pytest.raises(pytest.fail.Exception, match="but there is no node"):
        unavailable("there is no node")
