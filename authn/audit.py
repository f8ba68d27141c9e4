"""The audit log: who of the staff did or opened what, and why. It only grows; a trigger of the database sees to it."""

from dataclasses import dataclass
from typing import Any

from django.db import models
from django.db.models.functions import Now


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a staff user in the admin, or an operator at a shell."""

    name: str
    source: "AuditEntry.Source"


class Refused(Exception):
    """Why an act was not done, in words for the person who asked."""


class AuditEntry(models.Model):
    """One act. It names people by subject only, so that erasing an account leaves nothing personal behind here."""

    class Source(models.TextChoices):
        ADMIN = "admin"
        COMMAND = "command"

    at = models.DateTimeField(db_default=Now(), editable=False)
    actor = models.CharField(max_length=255)
    source = models.CharField(max_length=7, choices=Source.choices)
    action = models.CharField(max_length=64)
    # Not a foreign key: the log outlives what it is about.
    account = models.CharField(max_length=255, blank=True, db_collation="C")
    target = models.CharField("object", max_length=255, blank=True)
    reason = models.TextField(blank=True)
    details = models.JSONField(default=dict, blank=True)

    class Meta:
        verbose_name = "audit entry"
        verbose_name_plural = "audit log"
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["account", "-id"], name="authn_audit_account"),
            models.Index(fields=["actor", "-id"], name="authn_audit_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.action} by {self.actor}"


def record(
    actor: Actor, action: str, *, account: str = "", target: object = "", reason: str = "", **details: Any
) -> None:
    """Write one entry, in the transaction of what it tells of."""
    AuditEntry.objects.create(
        actor=actor.name[:255],
        source=actor.source,
        action=action,
        account=account,
        target=str(target)[:255],
        reason=reason,
        details=details,
    )
