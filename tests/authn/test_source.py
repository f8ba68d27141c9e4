"""Source reaches an owned table in two ways: `objects.owned_by(…)`, and `unscoped` where all owners are meant."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from authn.ownership import owned_models
from todoproject.env import BASE_DIR

PACKAGES = ("authn", "tasks", "todoproject")
OWNED = {model.__name__ for model in owned_models()}
TABLES = {model._meta.db_table for model in owned_models()} | {"authn_account"}
STATEMENT = re.compile(rf"\b(FROM|INTO|UPDATE|COPY|TABLE|TRUNCATE|JOIN)\s+({'|'.join(sorted(TABLES))})\b")
THREADS = {"sync_to_async", "to_thread", "run_in_executor", "ThreadPoolExecutor", "Thread", "database_sync_to_async"}

# Who may see all owners, and why.
ALL_OWNERS = {
    "authn/accounts.py": "an operator's export and erasure of one account, by name",
    "authn/ownership.py": "defines the two managers",
    "tasks/admin_acts.py": "staff open one task, on record",
    "tasks/demo.py": "makes users of its own in an empty database",
    "tasks/purge.py": "retention is every owner's",
    "tasks/staff.py": "staff act on accounts",
    "tasks/statistics.py": "numbers for operators",
}
# Who may write SQL of their own that names an owned table, and why.
SQL = {
    "authn/scope.py": "mirrors the caller's own account before the scope begins",
    "tasks/demo.py": "COPY into users of its own",
    "todoproject/doctor/isolation.py": "tries the policies from inside a scope",
}
# Who may hand work to a thread, and why.
WITH_THREADS = {
    "tasks/admin_acts.py": "the admin's export, which Django serves",
    "todoproject/lifespan.py": "waits for the database before the first request",
}


def sources() -> Iterator[tuple[str, ast.Module]]:
    for package in PACKAGES:
        for path in sorted((BASE_DIR / package).rglob("*.py")):
            name = path.relative_to(BASE_DIR).as_posix()
            if "/migrations/" not in name:
                yield name, ast.parse(path.read_text(), name)


def owned_objects(tree: ast.AST) -> Iterator[ast.Attribute]:
    """``X.objects`` where X is an owned model, or may be one: anything but a model known to have no owner."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr == "objects":
            yield node


def is_model_without_owner(node: ast.Attribute) -> bool:
    """A class that is no owned model, by its name or as ``apps.get_model("app", "Name")``."""
    value = node.value
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr == "get_model":
        return all(isinstance(name, ast.Constant) and name.value not in OWNED for name in value.args)
    return isinstance(value, ast.Name) and value.id not in OWNED and value.id[0].isupper()


def faults_of_objects(tree: ast.AST) -> list[int]:
    """Lines that use ``objects`` for anything but ``owned_by``."""
    scoped = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "owned_by"}
    return [node.lineno for node in owned_objects(tree) if not is_model_without_owner(node) and id(node) not in scoped]


def lines_naming(tree: ast.AST, names: set[str]) -> list[int]:
    return [
        node.lineno
        for node in ast.walk(tree)
        if (isinstance(node, ast.Attribute) and node.attr in names)
        or (isinstance(node, ast.Name) and node.id in names)
        or (isinstance(node, ast.alias) and node.name in names)
    ]


def lines_of_sql(tree: ast.AST) -> list[int]:
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and STATEMENT.search(node.value)
    ]


def test_owned_objects_are_used_with_an_owner_only() -> None:
    assert {name: lines for name, tree in sources() if (lines := faults_of_objects(tree))} == {}


def test_all_owners_are_meant_only_where_it_says_why() -> None:
    found = {name for name, tree in sources() if lines_naming(tree, {"unscoped", "_base_manager", "_default_manager"})}

    assert found == ALL_OWNERS.keys()


def test_sql_on_owned_tables_is_written_only_where_it_says_why() -> None:
    assert {name for name, tree in sources() if lines_of_sql(tree)} == SQL.keys()


def test_nothing_hands_work_to_a_thread() -> None:
    found = {name for name, tree in sources() if lines_naming(tree, THREADS)}

    assert found == WITH_THREADS.keys()


@pytest.mark.parametrize(
    "source",
    [
        "Task.objects.all()",
        "Task.objects.filter(id=1)",
        "x = model.objects",
        "self.model.objects.get()",
        "list(Task.objects)",
        'apps.get_model("tasks", "Task").objects',
    ],
)
def test_the_walk_finds_a_missing_owner(source: str) -> None:
    assert faults_of_objects(ast.parse(source)) == [1]


@pytest.mark.parametrize(
    "source",
    [
        "Task.objects.owned_by(caller).all()",
        "model.objects.owned_by(OWNER)",
        "Account.objects",
        'apps.get_model("auth", "Group").objects',
    ],
)
def test_the_walk_accepts_an_owner(source: str) -> None:
    assert faults_of_objects(ast.parse(source)) == []


def test_authn_knows_nothing_of_tasks_nor_of_the_project() -> None:
    for path in (BASE_DIR / "authn").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module or ""] if isinstance(node, ast.ImportFrom) and node.level == 0 else []
            assert not [name for name in modules if name.partition(".")[0] in ("tasks", "todoproject")], path


def test_tasks_know_nothing_of_the_project() -> None:
    for path in (BASE_DIR / "tasks").rglob("*.py"):
        assert "todoproject" not in Path(path).read_text(), path
