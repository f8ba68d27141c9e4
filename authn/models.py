from django.db import models
from django.db.models.functions import Now


class Account(models.Model):
    """A person who has called, by their token's subject; made on first sight and owner of what they make."""

    class Status(models.TextChoices):
        ACTIVE = "active"
        SUSPENDED = "suspended"
        ERASED = "erased"

    # "C" compares byte by byte: subjects that differ in case or Unicode form are different people.
    id = models.CharField("subject", primary_key=True, max_length=255, db_collation="C")
    email = models.CharField(max_length=320, null=True, blank=True)
    name = models.CharField(max_length=255, null=True, blank=True)
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.ACTIVE, db_default=Status.ACTIVE)
    revision = models.BigIntegerField(default=0, db_default=0, editable=False)
    purged_revision = models.BigIntegerField(default=0, db_default=0, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    last_seen_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(status__in=["active", "suspended", "erased"]), name="authn_account_status_known"
            ),
            models.CheckConstraint(condition=~models.Q(id=""), name="authn_account_id_not_empty"),
        ]

    def __str__(self) -> str:
        return self.pk
