"""System checks: settings that cannot work, and owned tables that the database does not protect."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig, apps
from django.core.checks import CheckMessage, Error, register
from django.db.migrations import CreateModel
from django.db.migrations.loader import MigrationLoader

from .ownership import OwnedModel
from .rls import IsolateByOwner


@register("authn")
def owned_models_are_isolated(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Every concrete `OwnedModel` has `IsolateByOwner` in its migrations, and an `unscoped` default manager."""
    owned = [model for model in apps.get_models() if issubclass(model, OwnedModel) and model._meta.managed]
    exposed = _exposed_tables() if owned else set()
    problems: list[CheckMessage] = []
    for model in owned:
        label = model._meta.label_lower
        if label in exposed:
            problems.append(
                Error(
                    f"{model._meta.label} has no row-level security policy.",
                    hint=f"Add authn.rls.IsolateByOwner({model.__name__!r}) to a migration of {model._meta.app_label}.",
                    obj=model,
                    id="authn.E001",
                )
            )
        if model._meta.default_manager is None or model._meta.default_manager.name != "unscoped":
            problems.append(
                Error(
                    f"The default manager of {model._meta.label} is not 'unscoped'.",
                    hint="Declare no managers before those of OwnedModel: Django's machinery needs to see all rows.",
                    obj=model,
                    id="authn.E002",
                )
            )
    return problems


def _exposed_tables() -> set[str]:
    """Models that migrations create and do not isolate. One without a migration has no table to protect yet."""
    loader = MigrationLoader(None, ignore_no_migrations=True)
    created: set[str] = set()
    isolated: set[str] = set()
    for (app_label, _), migration in loader.disk_migrations.items():
        for operation in migration.operations:
            if isinstance(operation, CreateModel):
                created.add(f"{app_label}.{operation.name}".lower())
            elif isinstance(operation, IsolateByOwner):
                isolated.add(f"{app_label}.{operation.model_name}".lower())
    return created - isolated
