"""The admin of accounts and of the audit log, for projects with django-unfold."""

from django.apps import apps
from django.contrib import admin

from .models import Account, AuditEntry

if apps.is_installed("unfold"):  # pragma: no branch  (tests/docs uses authn/ without it, in a project of its own)
    from .staff.log import AuditEntryAdmin
    from .staff.people import AccountAdmin

    admin.site.register(Account, AccountAdmin)
    admin.site.register(AuditEntry, AuditEntryAdmin)
