"""The task API's own refusals."""

import re
from uuid import UUID

from authn.problems import Conflict, Gone, NotFound

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NOBODYS = str(UUID(int=0))


class TaskNotFound(NotFound):
    default_detail = "There is no such task."


class NotInTrash(Conflict):
    code = "not_in_trash"
    default_detail = "The task is not in the trash. Delete it first."


class SyncTokenExpired(Gone):
    code = "sync_token_expired"
    default_detail = "Deleted tasks have been purged since this token was issued. Start over without it."


def existing(task_id: str) -> str:
    """An id that could be a task's. A malformed one becomes nobody's, which is looked for like any other."""
    return task_id if _UUID.fullmatch(task_id) else _NOBODYS
