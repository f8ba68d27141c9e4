"""Pages of an admin for big tables: nothing is counted, nothing edited in place, and everything opened is on record."""

from typing import Any

from django.contrib.admin import ShowFacets
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.paginator import EmptyPage, Page, Paginator
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from unfold.admin import ModelAdmin
from unfold.views import ChangeList

from authn.audit import Actor, AuditEntry, record
from authn.ownership import OWNER

PAGES_MAX = 100


class UncountedPaginator(Paginator):  # type: ignore[type-arg]
    """Pages that know whether another one follows, and not how many rows there are."""

    template_name = "admin/authn/uncounted_pages.html"
    count = 0
    num_pages = PAGES_MAX

    def page(self, number: Any) -> Page[Any]:
        """Raises `EmptyPage` far down, where a search is what helps."""
        wanted = self.validate_number(number)
        if wanted > PAGES_MAX:
            raise EmptyPage("search instead of paging this far")
        start = (wanted - 1) * self.per_page
        rows = list(self.object_list[start : start + self.per_page + 1])
        self.has_next = len(rows) > self.per_page and wanted < PAGES_MAX
        return Page(rows[: self.per_page], wanted, self)

    def validate_number(self, number: Any) -> int:
        return max(1, int(number))


class StaffChangeList(ChangeList):  # type: ignore[misc]
    def get_results(self, request: HttpRequest) -> None:
        self.paginator = self.model_admin.get_paginator(request, self.queryset, self.list_per_page)
        try:
            self.result_list = self.paginator.page(self.page_num).object_list
        except EmptyPage as error:
            raise IncorrectLookupParameters from error
        self.result_count = len(self.result_list)
        self.show_full_result_count = False
        self.full_result_count = self.result_count  # equal, so that the page does not speak of results at all
        self.show_admin_actions = False
        self.can_show_all = False
        self.multi_page = self.paginator.has_next or self.page_num > 1
        self.model_admin.fill(self.result_list)


class StaffAdmin(ModelAdmin):  # type: ignore[misc]
    """Read-only. Subclasses say what may be done instead, with a permission of its own for each act."""

    actions = None
    list_per_page = 25
    ordering: tuple[str, ...] = ("-pk",)
    sortable_by: tuple[str, ...] = ()
    paginator = UncountedPaginator
    show_full_result_count = False
    show_facets = ShowFacets.NEVER  # they count the table once a choice
    empty_hint = "Nothing is here yet."
    nothing_found = "Nothing matches. Check the spelling, or take away a filter."

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[StaffChangeList]:
        return StaffChangeList

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """None for a key that PostgreSQL could not even look for."""
        return None if "\0" in object_id else super().get_object(request, object_id, from_field)

    def fill(self, rows: list[Any]) -> None:
        """Add to the rows of a page what one more query for all of them brings."""

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def note(self, request: HttpRequest, act: str, obj: Model | None = None, reason: str = "", **details: Any) -> None:
        """Put an act of the signed-in person on record, under the name of the model."""
        action = f"{self.model._meta.model_name}.{act}"
        owner = self.subject_of(obj) if obj is not None else ""
        target = obj.pk if obj is not None and obj.pk != owner else ""
        record(actor_of(request), action, account=owner, target=target, reason=reason, **details)

    def subject_of(self, obj: Any) -> str:
        """Whose account the row belongs to; nobody's unless it is owned."""
        return str(getattr(obj, OWNER, ""))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response: Any = super().changelist_view(request, extra_context)
        changes = getattr(response, "context_data", {}).get("cl")
        if changes is not None:
            self.note(request, "list", shown=[str(row.pk) for row in changes.result_list])
        return response  # type: ignore[no-any-return]

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        response: Any = super().changeform_view(request, object_id, form_url, extra_context)
        opened = getattr(response, "context_data", {}).get("original")
        if opened is not None:
            self.note(request, "open", opened)
        return response  # type: ignore[no-any-return]


def actor_of(request: HttpRequest) -> Actor:
    return Actor(request.user.get_username(), AuditEntry.Source.ADMIN)
