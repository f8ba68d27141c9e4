from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.db import DatabaseError, OperationalError
from django.utils import timezone

from authn.commands import FAILED, UNUSABLE, OperatorCommand
from tasks import purge


class Command(OperatorCommand):
    help = (
        "Delete for good the tasks that have been in the trash for longer than TRASH_RETENTION_DAYS, and expired "
        "idempotency records. Safe to run at any time, and twice at once; run it daily."
    )
    example = "python manage.py purge --dry-run"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=int, help="keep trash this long instead of TRASH_RETENTION_DAYS")
        parser.add_argument("--dry-run", action="store_true", help="say what would be deleted, and delete nothing")

    def handle(self, *args: Any, **options: Any) -> str:
        days = settings.TRASH_RETENTION_DAYS if options["days"] is None else options["days"]
        if days < 0:
            raise CommandError("--days must be 0 or more.")
        before = timezone.now() - timedelta(days=days)
        try:
            if options["dry_run"]:
                tasks, records = purge.purgeable_tasks(before).count(), purge.expired_records().count()
                return f"Would delete {tasks} tasks and {records} idempotency records."
            tasks, records = self._run("tasks", purge.purge_tasks(before)), self._run("records", purge.purge_records())
        except DatabaseError as error:
            reason = " ".join(str(error).split())
            raise CommandError(
                f"The database refused ({reason}): what is deleted so far stays deleted, run it again.",
                returncode=UNUSABLE if isinstance(error, OperationalError) else FAILED,
            ) from error
        left = purge.purgeable_tasks(before).count()
        rest = f" {left} are being changed by somebody else: the next run takes them." if left else ""
        return f"Deleted {tasks} tasks and {records} idempotency records.{rest}"

    def _run(self, what: str, batches: Any) -> int:
        total = 0
        for deleted in batches:
            total += deleted
            if self.stderr.isatty():
                self.stderr.write(f"\r{total} {what} deleted", ending="")
        return total
