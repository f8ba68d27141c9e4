"""The admin of accounts and of the audit log, for projects with django-unfold."""

from django.apps import apps
from django.contrib import admin

from .models import Account, AuditEntry

if apps.is_installed("unfold"):
    from .staff.log import AuditEntryAdmin
    from .staff.people import AccountAdmin

    admin.site.register(Account, AccountAdmin)
    admin.site.register(AuditEntry, AuditEntryAdmin)
