"""Staff who sign in over HTTP, and the database as the arranging half of a test sees it."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar
from uuid import uuid4

import httpx
from django.contrib.auth.models import Group, User
from django.db import connections

from authn.audit import AuditEntry

PASSWORD = "correct horse battery staple"
READ, MANAGE = "Support (read)", "Support (manage)"
T = TypeVar("T")


def in_thread(work: Callable[[], T]) -> T:
    """Run database work aside: a thread in which a browser is driven counts as asynchronous for Django."""

    def closing() -> T:
        try:
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(closing).result()


def make_staff(*groups: str, superuser: bool = False) -> str:
    """A member of the staff with a password that everybody knows; returns the name."""

    def make() -> str:
        name = f"staff-{uuid4().hex[:12]}"
        user = User.objects.create_user(name, password=PASSWORD, is_staff=True, is_superuser=superuser)
        user.groups.set(Group.objects.filter(name__in=groups))
        return name

    return in_thread(make)


def log_of(actor: str) -> list[AuditEntry]:
    """What is on record of somebody, oldest first."""
    return in_thread(lambda: list(AuditEntry.objects.filter(actor=actor).order_by("id")))


def actions_of(actor: str) -> list[str]:
    return [entry.action for entry in log_of(actor)]


class Staff(httpx.Client):
    """Somebody of the staff; paths are relative to ``/admin``."""

    def __init__(self, url: str, name: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(base_url=f"{url}/admin", follow_redirects=True, timeout=30, headers=headers)
        self.name = name

    def sign_in(self, password: str = PASSWORD) -> httpx.Response:
        """Sign in, and go on to a page that takes little to make."""
        return self.send_form("/login/?next=/admin/password_change/", username=self.name, password=password)

    def send_form(self, path: str, **fields: str) -> httpx.Response:
        """Open the page at ``path`` and send its form."""
        found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', self.get(path).text)
        token = {"csrfmiddlewaretoken": found[1]} if found else {}
        return self.post(path, data={**token, **fields})
