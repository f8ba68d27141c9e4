from argparse import ArgumentParser
from time import perf_counter
from typing import Any

from django.core.management.base import CommandError
from django.db import DatabaseError, OperationalError

from authn.commands import FAILED, INTERRUPTED, UNUSABLE, OperatorCommand
from tasks.demo import seed


class Command(OperatorCommand):
    help = (
        "Fill the database with the users demo-1 … demo-N, each with M tasks. Users that exist already stay as they "
        "are, so an interrupted run goes on where it stopped."
    )
    example = "python manage.py seeddemo --users 1000 --tasks 20"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--users", type=int, required=True, help="how many users there should be")
        parser.add_argument("--tasks", type=int, required=True, help="how many tasks each new one gets")

    def handle(self, *args: Any, **options: Any) -> str:
        users, tasks = options["users"], options["tasks"]
        if users < 0 or tasks < 0:
            raise CommandError("--users and --tasks must be 0 or more.")
        started, done = perf_counter(), 0
        try:
            for done in seed(users, tasks):
                self._show(done, users)
        except DatabaseError as error:
            code = UNUSABLE if isinstance(error, OperationalError) else FAILED
            raise CommandError(
                f"Stopped after {done} users ({error}). Run it again to go on from there.", returncode=code
            ) from error
        except KeyboardInterrupt:
            raise CommandError(
                f"Interrupted after {done} users. Run it again to go on from there.", returncode=INTERRUPTED
            ) from None
        return f"{users} users with {tasks} tasks each are there, after {perf_counter() - started:.1f} s."

    def _show(self, done: int, users: int) -> None:
        if self.stderr.isatty():
            width = 40 * done // users
            end = "\n" if done == users else ""
            self.stderr.write(f"\r[{'#' * width}{' ' * (40 - width)}] {done}/{users} users", ending=end)
