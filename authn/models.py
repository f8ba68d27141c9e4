from django.contrib.postgres.indexes import OpClass
from django.db import models
from django.db.models.functions import Now, Upper

from .activity import Activity
from .audit import AuditEntry

__all__ = ["Account", "Activity", "AuditEntry"]


class AccountQuerySet(models.QuerySet["Account", "Account"]):
    """Transitions are conditional updates; the number of rows says whether there was anything to change."""

    def suspend(self) -> int:
        return self.filter(status=Account.Status.ACTIVE).update(status=Account.Status.SUSPENDED)

    def reinstate(self) -> int:
        return self.exclude(status=Account.Status.ACTIVE).update(status=Account.Status.ACTIVE)


class Account(models.Model):
    """A person who has called, by their token's subject; made on first sight and owner of what they make."""

    class Status(models.TextChoices):
        ACTIVE = "active"
        SUSPENDED = "suspended"
        ERASED = "erased"

    # "C" compares byte by byte: subjects that differ in case or Unicode form are different people.
    id = models.CharField("subject", primary_key=True, max_length=255, db_collation="C")
    # Null: the person's tokens have never said.
    email = models.CharField(max_length=320, null=True, blank=True)
    name = models.CharField(max_length=255, null=True, blank=True)
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.ACTIVE, db_default=Status.ACTIVE)
    revision = models.BigIntegerField(default=0, db_default=0, editable=False)
    purged_revision = models.BigIntegerField(default=0, db_default=0, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    last_seen_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = AccountQuerySet.as_manager()

    class Meta:
        default_permissions = ("view",)
        permissions = [
            ("suspend_account", "Can suspend and reinstate accounts"),
            ("export_account", "Can export everything held about an account"),
            ("erase_account", "Can erase accounts for good"),
        ]
        indexes = [
            models.Index(fields=["created_at", "id"], name="authn_account_created"),
            models.Index(OpClass(Upper("email"), name="text_pattern_ops"), name="authn_account_email"),
            models.Index(OpClass(Upper("name"), name="text_pattern_ops"), name="authn_account_name"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(status__in=["active", "suspended", "erased"]), name="authn_account_status_known"
            ),
            models.CheckConstraint(condition=~models.Q(id=""), name="authn_account_id_not_empty"),
        ]

    def __str__(self) -> str:
        return self.pk
