"""Accounts in the admin."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from unfold.enums import ActionVariant

from authn import accounts
from authn.models import Account

from .acts import Act, ConfirmedForm, perform
from .decorators import action, display
from .pages import StaffAdmin, actor_of
from .search import MATCHES_MAX, find_people

STATUS_LABELS = {
    Account.Status.ACTIVE: "success",
    Account.Status.SUSPENDED: "warning",
    Account.Status.ERASED: "danger",
}

SUSPEND = Act(
    "Suspend account",
    "Every call of this person is refused from this moment on, on every server. Nothing is deleted.",
    "Suspend",
    "The account is suspended: the API answers 403 from now on.",
    lambda account, request, form: accounts.suspend(account.pk, actor_of(request), form["reason"]),
)
REINSTATE = Act(
    "Reinstate account",
    "The person can use the service again with their next call. What was erased stays erased.",
    "Reinstate",
    "The account is active again.",
    lambda account, request, form: accounts.reinstate(account.pk, actor_of(request), form["reason"]),
)


def _erase(account: Account, request: HttpRequest, form: dict[str, str]) -> None:
    accounts.erase(account.pk, actor_of(request), form["reason"], confirm=form["confirm"])


ERASE = Act(
    "Erase account",
    "Everything this person has is deleted for good, and so are their name and e-mail address. Nobody can undo this.",
    "Erase for good",
    "The account is erased.",
    _erase,
    ConfirmedForm,
    danger=True,
)


class StatusFilter(admin.SimpleListFilter):
    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(value), str(label)) for value, label in Account.Status.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Account]) -> QuerySet[Account]:
        return queryset.filter(status=self.value()) if self.value() else queryset


class AccountAdmin(StaffAdmin):
    """Find a person, see how they stand, and act with a reason."""

    list_display: tuple[str, ...] = ("id", "person", "state", "seen")
    list_filter = (StatusFilter,)
    ordering = ("-created_at",)
    sortable_by = ("seen",)
    search_fields = ("id", "email", "name")
    search_help_text = "Beginning of subject, e-mail or name"
    fields: tuple[str, ...] = ("id", "email", "name", "state", "created_at", "last_seen_at", "revision")
    readonly_fields: tuple[str, ...] = fields
    actions_detail: tuple[str, ...] = ("suspend", "reinstate", "erase")
    empty_hint = "Nobody has called the API yet. An account is made by a person's first call with a valid token."
    nothing_found = "Nobody's subject, e-mail address or name begins like this. Subjects are case-sensitive."

    def subject_of(self, obj: Account) -> str:
        return obj.pk

    def facts(self, obj: Account) -> list[tuple[str, str]]:
        """What an act's page says of the account."""
        return [
            ("Subject", obj.pk),
            ("E-mail", obj.email or "none"),
            ("Name", obj.name or "none"),
            ("Status", obj.status),
        ]

    @display(description="person", header=True)
    def person(self, account: Account) -> list[str]:
        return [account.name or "no name", account.email or "no e-mail address"]

    @display(description="seen", header=True, ordering="created_at")
    def seen(self, account: Account) -> list[str]:
        return [f"last {account.last_seen_at:%Y-%m-%d %H:%M}", f"first {account.created_at:%Y-%m-%d}"]

    @display(description="status", label=STATUS_LABELS)
    def state(self, account: Account) -> str:
        return account.status

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Account], search_term: str
    ) -> tuple[QuerySet[Account], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        found = find_people(term)
        if not found.complete:
            messages.warning(request, f"These are the first {MATCHES_MAX} matches. Type more to narrow them down.")
        return queryset.filter(pk__in=found.subjects), False

    def has_suspend_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return request.user.has_perm("authn.suspend_account")

    def has_erase_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return request.user.has_perm("authn.erase_account")

    @action(description="Suspend", icon="block", permissions=["suspend"], variant=ActionVariant.WARNING)
    def suspend(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        return perform(self, request, object_id, SUSPEND)

    @action(description="Reinstate", icon="undo", permissions=["suspend"])
    def reinstate(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        return perform(self, request, object_id, REINSTATE)

    @action(description="Erase", icon="delete_forever", permissions=["erase"], variant=ActionVariant.DANGER)
    def erase(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        return perform(self, request, object_id, ERASE)
