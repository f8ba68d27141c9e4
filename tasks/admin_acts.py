"""What staff do to a task or with the tasks of an account, as pages of the admin."""

import tempfile
from collections.abc import AsyncIterator
from typing import IO

from asgiref.sync import sync_to_async
from django.contrib import admin
from django.contrib.admin.utils import quote
from django.db import transaction
from django.http import HttpRequest, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from authn.audit import record
from authn.models import Account
from authn.staff.acts import Act
from authn.staff.pages import actor_of

from .models import Task
from .staff import restore
from .staff_export import export

SPOOL_BYTES = 1024 * 1024
CHUNK_BYTES = 64 * 1024


def _restore(task: Task, request: HttpRequest, form: dict[str, str]) -> None:
    restore(task, actor_of(request), form["reason"])


@transaction.atomic
def _show(task: Task, request: HttpRequest, form: dict[str, str]) -> TemplateResponse:
    """The content, once; opening the task again hides it again."""
    record(actor_of(request), "task.show_content", account=task.user_id, target=task.pk, reason=form["reason"])
    context = {
        **admin.site.each_context(request),
        "title": "Content of a task",
        "opts": Task._meta,
        "facts": [("Task", task.pk), ("Account", task.user_id)],
        "content": Task.unscoped.values("title", "description").get(pk=task.pk),
        "back": reverse("admin:tasks_task_change", args=[quote(task.pk)]),
    }
    return TemplateResponse(request, "admin/tasks/content.html", context)


def _export(account: Account, request: HttpRequest, form: dict[str, str]) -> StreamingHttpResponse:
    """Written to disk before it is sent: a slow reader holds no connection of the database."""
    spool = tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES)  # noqa: SIM115  (_chunks closes it)
    export(account.pk, actor_of(request), form["reason"], spool)
    headers = {"Content-Disposition": 'attachment; filename="account-export.json"', "Content-Length": str(spool.tell())}
    return StreamingHttpResponse(_chunks(spool), content_type="application/json", headers=headers)


async def _chunks(spool: IO[bytes]) -> AsyncIterator[bytes]:
    with spool:
        spool.seek(0)
        while chunk := await sync_to_async(spool.read)(CHUNK_BYTES):
            yield chunk


RESTORE = Act(
    "Restore task",
    "The task leaves the trash and is where it was, as it was. Its owner sees it again at once.",
    "Restore",
    "The task is restored.",
    _restore,
)
SHOW = Act(
    "Show content",
    "This shows what the person wrote. It goes on record that you read it, and why.",
    "Show content",
    "",
    _show,
)
EXPORT = Act(
    "Export account",
    "This makes a file with everything held about this person, the text of their tasks included.",
    "Export",
    "",
    _export,
)
