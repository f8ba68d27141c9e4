"""Groups of staff and their permissions, for migrations: those run before Django makes the permissions itself."""

from collections.abc import Callable
from typing import Any

SUPPORT_READ = "Support (read)"
SUPPORT_MANAGE = "Support (manage)"

Step = Callable[[Any, Any], None]


def grant(group: str, app_label: str, model: str, permissions: dict[str, str]) -> Step:
    """A step for ``migrations.RunPython``: ``group`` is made and gets ``permissions`` (codename: name) on ``model``."""

    def step(apps: Any, schema_editor: Any) -> None:
        database = schema_editor.connection.alias
        kinds = apps.get_model("contenttypes", "ContentType").objects.using(database)
        kind, _ = kinds.get_or_create(app_label=app_label, model=model)
        made = apps.get_model("auth", "Group").objects.using(database).get_or_create(name=group)[0]
        for codename, name in permissions.items():
            known = apps.get_model("auth", "Permission").objects.using(database)
            made.permissions.add(known.get_or_create(content_type=kind, codename=codename, defaults={"name": name})[0])

    return step


def revoke(app_label: str, model: str) -> Step:
    """The reverse of every `grant` on ``model``; the groups stay, because people are in them."""

    def step(apps: Any, schema_editor: Any) -> None:
        permissions = apps.get_model("auth", "Permission").objects.using(schema_editor.connection.alias)
        permissions.filter(content_type__app_label=app_label, content_type__model=model).delete()

    return step
