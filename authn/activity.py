"""Who called on which day, for the count of active users. A trigger on the account's row writes it."""

from django.db import models

KEPT_DAYS = 400


class Activity(models.Model):
    """An account called on this day (UTC). Kept for `KEPT_DAYS`, and until the account is erased."""

    pk = models.CompositePrimaryKey("account_id", "day")
    account = models.ForeignKey("authn.Account", on_delete=models.CASCADE, related_name="+", db_index=False)
    day = models.DateField()

    class Meta:
        verbose_name_plural = "activity"
        default_permissions = ()
        indexes = [models.Index(fields=["day"], name="authn_activity_day")]

    def __str__(self) -> str:
        return f"{self.account_id} on {self.day}"
