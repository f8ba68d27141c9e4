"""Filters of the tasks in the admin; each goes along with an index."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from .models import Task


class StateFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"
    conditions: dict[str, dict[str, Any]] = {
        "open": {"deleted_at": None, "completed": False},
        "completed": {"deleted_at": None, "completed": True},
        "trash": {"deleted_at__isnull": False},
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("open", "Open"), ("completed", "Completed"), ("trash", "In the trash")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Task]) -> QuerySet[Task]:
        return queryset.filter(**self.conditions.get(str(self.value()), {}))


class CreatedFilter(admin.SimpleListFilter):
    title = "created"
    parameter_name = "created"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("1", "In the past day"), ("7", "In the past 7 days"), ("30", "In the past 30 days")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Task]) -> QuerySet[Task]:
        if self.value() not in ("1", "7", "30"):
            return queryset
        return queryset.filter(created_at__gte=timezone.now() - timedelta(days=int(str(self.value()))))
