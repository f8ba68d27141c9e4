"""Which call an answer leads to, and with which of its values (OpenAPI 3.1, link objects).

For clients they are the ways through the API; `tests/hostile/test_links.py` walks all of them.
"""

from typing import Any

Link = dict[str, Any]


def _link(operation: str, description: str, parameters: dict[str, Any] | None = None) -> Link:
    link: Link = {"operationId": operation, "description": description}
    return link | {"parameters": parameters} if parameters else link


def _id(pointer: str) -> dict[str, Any]:
    return {"task_id": f"$response.body#{pointer}"}


SAME_ID = {"task_id": "$request.path.task_id"}
UNCHANGED = {**_id("/id"), "If-Match": "$response.header.ETag"}
SAME_LIST = {name: f"$request.query.{name}" for name in ("limit", "completed", "q", "trashed", "sort")}

LINKS: dict[str, Link] = {
    "GetTask": _link("getTask", "Read this task.", _id("/id")),
    "RefreshTask": _link(
        "getTask", "Read this task if it has changed.", {**_id("/id"), "If-None-Match": "$response.header.ETag"}
    ),
    "ReplaceTask": _link("replaceTask", "Replace this task, unless it has changed meanwhile.", UNCHANGED),
    "UpdateTask": _link("updateTask", "Update this task, unless it has changed meanwhile.", UNCHANGED),
    "CompleteTask": _link("completeTask", "Complete this task, unless it has changed meanwhile.", UNCHANGED),
    "DeleteTask": _link(
        "deleteTask",
        "Move this task to the trash, unless it has changed meanwhile.",
        {**UNCHANGED, "permanent": False},
    ),
    "RestoreTask": _link("restoreTask", "Take the task out of the trash again.", SAME_ID),
    "DeleteTaskForGood": _link("deleteTask", "Delete the task of the trash for good.", {**SAME_ID, "permanent": True}),
    "ReadTaskAgain": _link("getTask", "Read the task as it is now, to retry with its new ETag.", SAME_ID),
    "GetListedTask": _link("getTask", "Read a task of the page; one of the trash is 404.", _id("/items/0/id")),
    "GetBatchedTask": _link("getTask", "Read a task of the batch, unless it was deleted.", _id("/results/0/id")),
    "GetExportedTask": _link("getTask", "Read a task of the export; one of the trash is 404.", _id("/tasks/0/id")),
    "ListNextTasks": _link(
        "listTasks",
        "The next page, unless `next_cursor` is null. The cursor is bound to filters and sort: repeat them.",
        {"cursor": "$response.body#/next_cursor", **SAME_LIST},
    ),
    "ListNextChanges": _link(
        "listChanges",
        "What changes from here on, or has already when `has_more` is true.",
        {"since": "$response.body#/next", "limit": "$request.query.limit"},
    ),
    "EraseMe": _link("eraseMe", "Erase this account; `id` is what `confirm` has to be."),
}
WRITES = ("ReplaceTask", "UpdateTask", "CompleteTask", "DeleteTask")
LINKED: dict[tuple[str, int], tuple[str, ...]] = {
    ("createTask", 201): ("GetTask", *WRITES),
    ("getTask", 200): ("RefreshTask", *WRITES),
    ("replaceTask", 200): ("GetTask", *WRITES),
    ("updateTask", 200): ("GetTask", *WRITES),
    ("completeTask", 200): ("GetTask", *WRITES),
    ("restoreTask", 200): ("GetTask", *WRITES),
    ("deleteTask", 204): ("RestoreTask", "DeleteTaskForGood"),
    ("listTasks", 200): ("ListNextTasks", "GetListedTask"),
    ("listChanges", 200): ("ListNextChanges", "GetListedTask"),
    ("batchTasks", 200): ("GetBatchedTask",),
    ("exportMe", 200): ("GetExportedTask",),
    ("getMe", 200): ("EraseMe",),
    **{(name, 412): ("ReadTaskAgain",) for name in ("replaceTask", "updateTask", "completeTask", "deleteTask")},
}


def link(operation: dict[str, Any]) -> None:
    """Add the links of the operation's answers."""
    for status, response in operation["responses"].items():
        names = LINKED.get((operation["operationId"], int(status)), ())
        if names:
            response["links"] = {name: {"$ref": f"#/components/links/{name}"} for name in names}
