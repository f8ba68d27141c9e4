"""Staff and their groups in the admin's theme, with their changes on record."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from authn.staff.log import AuditedMixin

WITHOUT_PAGES = ("admin", "axes", "contenttypes", "sessions")

admin.site.index_title = "Dashboard"
admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class StaffUserAdmin(AuditedMixin, UserAdmin, ModelAdmin):  # type: ignore[misc, type-arg]
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "is_active", "is_staff", "is_superuser", "last_login")
    compressed_fields = True


@admin.register(Group)
class StaffGroupAdmin(AuditedMixin, GroupAdmin, ModelAdmin):  # type: ignore[misc]
    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest | None = None, **kwargs: Any) -> Any:
        """Without the permissions of tables that no page of the admin shows."""
        field: Any = super().formfield_for_manytomany(db_field, request, **kwargs)
        if db_field.name == "permissions":
            field.queryset = field.queryset.exclude(content_type__app_label__in=WITHOUT_PAGES)
        return field
