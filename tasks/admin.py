"""Tasks in the admin, and what tasks add to the accounts there."""

import re
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import quote
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from authn.models import Account
from authn.staff.acts import perform
from authn.staff.decorators import action, display
from authn.staff.pages import StaffAdmin
from authn.staff.people import AccountAdmin

from .admin_acts import EXPORT, RESTORE, SHOW
from .admin_filters import CreatedFilter, StateFilter
from .models import Task
from .staff import counts

UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
STATE_LABELS = {"open": "info", "completed": "success", "in the trash": "warning"}


def link(url: str, text: object) -> SafeString:
    return format_html('<a class="text-primary-600 dark:text-primary-500" href="{}">{}</a>', url, text)


@admin.register(Task)
class TaskAdmin(StaffAdmin):
    """Where a task stands, without what it says."""

    list_display = ("id", "account", "state", "created_at", "updated_at", "deleted_at")
    list_filter = (StateFilter, CreatedFilter)
    # Keys are UUIDv7: newest first without an index of its own.
    ordering = ("-id",)
    search_fields = ("id", "user")
    search_help_text = "Whole task id, or whole subject"
    fields = ("id", "account", "state", "content", "created_at", "updated_at", "completed_at", "deleted_at", "revision")
    readonly_fields = fields
    actions_detail = ("restore", "show_content")
    empty_hint = "Nobody has made a task yet."
    nothing_found = "No task has this id, and no account of exactly this subject has a task like that."

    def facts(self, obj: Task) -> list[tuple[str, str]]:
        """What an act's page says of the task."""
        return [("Task", str(obj.pk)), ("Account", obj.user_id), ("State", self.state(obj))]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Task]:
        """Without the content: no page of a task has it to show."""
        found: QuerySet[Task] = super().get_queryset(request)
        return found.defer("title", "description", "title_key", "search")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Task], search_term: str
    ) -> tuple[QuerySet[Task], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        return queryset.filter(**({"pk": term} if UUID.fullmatch(term) else {"user": term})), False

    @display(description="account")
    def account(self, task: Task) -> SafeString:
        return link(reverse("admin:authn_account_change", args=[quote(task.user_id)]), task.user_id)

    @display(description="state", label=STATE_LABELS)
    def state(self, task: Task) -> str:
        if task.deleted_at is not None:
            return "in the trash"
        return "completed" if task.completed else "open"

    @display(description="content")
    def content(self, task: Task) -> str:
        return "Hidden. Show content shows it, to those who may, and puts it on record."

    def has_restore_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return request.user.has_perm("tasks.restore_task")

    def has_show_content_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return request.user.has_perm("tasks.show_content")

    @action(description="Restore", icon="restore_from_trash", permissions=["restore"])
    def restore(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        return perform(self, request, object_id, RESTORE)

    @action(description="Show content", icon="visibility", permissions=["show_content"])
    def show_content(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        return perform(self, request, object_id, SHOW)


class AccountWithTasksAdmin(AccountAdmin):
    list_display = ("id", "person", "state", "open_tasks", "done_tasks", "trashed_tasks", "seen")
    fields = (*AccountAdmin.fields, "tasks")
    readonly_fields = fields
    actions_detail = ("suspend", "reinstate", "export", "erase")

    def fill(self, rows: list[Any]) -> None:
        found = counts(account.pk for account in rows)
        for account in rows:
            account.task_counts = found.get(account.pk, {})

    @display(description="open")
    def open_tasks(self, account: Any) -> int:
        return int(account.task_counts.get("open", 0))

    @display(description="completed")
    def done_tasks(self, account: Any) -> int:
        return int(account.task_counts.get("done", 0))

    @display(description="in trash")
    def trashed_tasks(self, account: Any) -> int:
        return int(account.task_counts.get("trashed", 0))

    @display(description="tasks")
    def tasks(self, account: Account) -> SafeString:
        found = counts([account.pk]).get(account.pk, {"open": 0, "done": 0, "trashed": 0})
        text = "{open} open, {done} completed, {trashed} in the trash".format(**found)
        return link(f"{reverse('admin:tasks_task_changelist')}?{urlencode({'q': account.pk})}", text)

    def has_export_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return request.user.has_perm("authn.export_account")

    @action(description="Export", icon="download", permissions=["export"])
    def export(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        return perform(self, request, object_id, EXPORT)


admin.site.unregister(Account)
admin.site.register(Account, AccountWithTasksAdmin)
