"""The audit log in the admin, and what Django's own admin pages add to it."""

import json
from typing import Any

from django.contrib import admin
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db.models import Q, QuerySet
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from authn.audit import Actor, AuditEntry, record

from .decorators import display
from .pages import StaffAdmin, actor_of


class SourceFilter(admin.SimpleListFilter):
    title = "source"
    parameter_name = "source"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(value), str(label)) for value, label in AuditEntry.Source.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        return queryset.filter(source=self.value()) if self.value() else queryset


class AuditEntryAdmin(StaffAdmin):
    list_display = ("at", "actor", "source", "action", "account", "target", "reason")
    list_display_links = ("at",)
    list_filter = (SourceFilter,)
    search_fields = ("account", "actor")
    search_help_text = "Whole subject, or name of staff"
    fields = ("at", "actor", "source", "action", "account", "target", "reason", "more")
    readonly_fields = fields
    empty_hint = "Nobody of the staff has done anything yet. Whatever they do or open appears here."
    nothing_found = "No entry names this subject or person. Type the whole of it, not its beginning."

    def subject_of(self, obj: AuditEntry) -> str:
        return obj.account

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AuditEntry], search_term: str
    ) -> tuple[QuerySet[AuditEntry], bool]:
        term = search_term.strip()
        return (queryset.filter(Q(account=term) | Q(actor=term)) if term else queryset), False

    @display(description="details")
    def more(self, entry: AuditEntry) -> SafeString:
        return format_html('<pre class="whitespace-pre-wrap">{}</pre>', json.dumps(entry.details, indent=2))


class AuditedMixin:
    """For Django's own admin pages (users, groups): what they write to their history goes on record too."""

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        self._note(request, "add", obj)
        return super().log_addition(request, obj, message)  # type: ignore[misc]

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        self._note(request, "change", obj, message)
        return super().log_change(request, obj, message)  # type: ignore[misc]

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        for obj in queryset:
            self._note(request, "delete", obj)
        return super().log_deletions(request, queryset)  # type: ignore[misc]

    def _note(self, request: HttpRequest, act: str, obj: Any, message: Any = None) -> None:
        record(actor_of(request), f"{obj._meta.model_name}.{act}", target=str(obj), message=message)


@receiver(user_logged_in, dispatch_uid="authn.staff.signed_in")
def signed_in(sender: Any, user: Any, **kwargs: Any) -> None:
    record(Actor(user.get_username(), AuditEntry.Source.ADMIN), "staff.sign_in")


@receiver(user_logged_out, dispatch_uid="authn.staff.signed_out")
def signed_out(sender: Any, user: Any, **kwargs: Any) -> None:
    if user is not None:
        record(Actor(user.get_username(), AuditEntry.Source.ADMIN), "staff.sign_out")
