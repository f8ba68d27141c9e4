"""What staff and operators do to an account. Each act and its entry in the audit log are one transaction."""

from dataclasses import dataclass

from django.db import connection, transaction

from .audit import Actor, Refused, record
from .models import Account
from .ownership import OwnedModel, owned_models


class UnknownAccount(Refused):
    def __init__(self, subject: str) -> None:
        super().__init__(f"There is no account with the subject {subject!r}. Subjects are compared byte by byte.")


class WrongStatus(Refused):
    """The account is in a status that the act does not start from."""


class NotConfirmed(Refused):
    """An erasure without the account's subject typed as confirmation."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """How many rows of each model an erasure deletes."""

    subject: str
    rows: dict[str, int]

    @property
    def total(self) -> int:
        return sum(self.rows.values())


def find(subject: str) -> Account:
    """The account of ``subject``. Raises `UnknownAccount`."""
    try:
        return Account.objects.get(pk=subject)
    except Account.DoesNotExist:
        raise UnknownAccount(subject) from None


@transaction.atomic
def suspend(subject: str, actor: Actor, reason: str = "") -> None:
    """Refuse the account's calls from now on. Raises `UnknownAccount`, and `WrongStatus` unless it is active."""
    if not Account.objects.filter(pk=subject).suspend():
        raise WrongStatus(f"{subject} is {find(subject).status} already; only an active account can be suspended.")
    record(actor, "account.suspend", account=subject, reason=reason)


@transaction.atomic
def reinstate(subject: str, actor: Actor, reason: str = "") -> None:
    """Let a suspended or erased account call again. Raises `UnknownAccount`, and `WrongStatus` when it is active."""
    before = find(subject).status
    if not Account.objects.filter(pk=subject).reinstate():
        raise WrongStatus(f"{subject} is active; there is nothing to reinstate.")
    record(actor, "account.reinstate", account=subject, reason=reason, before=before)


@transaction.atomic
def erase(subject: str, actor: Actor, reason: str = "", *, confirm: str) -> Erasure:
    """Delete what the account owns and all that is personal about it; its bare subject stays, marked as erased.

    Raises `UnknownAccount`, `NotConfirmed` unless ``confirm`` is the subject, `WrongStatus` when it is erased already.
    """
    # The row is taken first, as every write of the owner does: none of them can slip in between.
    account = Account.objects.select_for_update().filter(pk=subject).first()
    if account is None:
        raise UnknownAccount(subject)
    _must_not_be_erased(account)
    if confirm != subject:
        raise NotConfirmed(f"The confirmation does not match: type the subject, {subject}, exactly as it is.")
    erasure = Erasure(subject, {model._meta.label: _delete_all(model, subject) for model in _dependents_first()})
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.user_id', %s, true), authn_erase()", [subject])
    record(actor, "account.erase", account=subject, reason=reason, rows=erasure.rows)
    return erasure


def erasure(subject: str) -> Erasure:
    """What `erase` would delete. Raises `UnknownAccount` and `WrongStatus` as it does."""
    _must_not_be_erased(find(subject))
    return Erasure(
        subject, {model._meta.label: model.unscoped.filter(user=subject).count() for model in _dependents_first()}
    )


def _must_not_be_erased(account: Account) -> None:
    if account.status == Account.Status.ERASED:
        raise WrongStatus(f"{account.pk} is erased already.")


def _dependents_first() -> list[type[OwnedModel]]:
    """Models of later apps may refer to those of earlier ones, so theirs go first."""
    return list(reversed(owned_models()))


def _delete_all(model: type[OwnedModel], subject: str) -> int:
    deleted, _ = model.unscoped.filter(user=subject).delete()
    return deleted
