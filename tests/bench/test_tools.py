"""What the benchmark needs and does not find, it names in one sentence."""

from pathlib import Path

import pytest

from bench import tools
from bench.places import BENCH, BenchError


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.usefixtures("nothing_installed")
def test_without_wrk_it_says_what_to_install() -> None:
    with pytest.raises(BenchError, match=r"wrk is not installed .* install it \(Debian: `apt install wrk`\)"):
        tools.require_wrk()


@pytest.mark.usefixtures("nothing_installed")
def test_without_node_it_says_what_to_install() -> None:
    with pytest.raises(BenchError, match=r"Node\.js is not installed .* install node 20 or newer, with npm"):
        tools.prepare_node_peer()


def test_a_changed_lock_is_installed_anew(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.txt"
    lock.write_text("one==1\n")
    tools.remember(tmp_path, lock)
    unchanged = tools.is_current(tmp_path, lock)

    lock.write_text("one==2\n")

    assert unchanged
    assert not tools.is_current(tmp_path, lock)


def test_the_node_lock_names_no_registry() -> None:
    lock = (BENCH / "peers" / "fastify" / "package-lock.json").read_text()

    assert '"integrity"' in lock
    assert "resolved" not in lock
