"""Finding a person by the beginning of their subject, e-mail address or name: a bounded walk of an index for each."""

from dataclasses import dataclass

from authn.models import Account

MATCHES_MAX = 100


@dataclass(frozen=True, slots=True)
class Matches:
    subjects: list[str]
    complete: bool


def find_people(term: str) -> Matches:
    """Subjects that begin with ``term`` as it is written, and e-mail addresses and names that do in any case.

    Not one query with OR: its cost would hang on the planner's guess, and these three are bounded whatever it guesses.
    """
    found: dict[str, None] = {}
    complete = True
    for lookup in ("pk__startswith", "email__istartswith", "name__istartswith"):
        matching = Account.objects.filter(**{lookup: term}).order_by().values_list("pk", flat=True)
        subjects = list(matching[: MATCHES_MAX + 1])
        complete = complete and len(subjects) <= MATCHES_MAX
        found |= dict.fromkeys(subjects[:MATCHES_MAX])
    return Matches(list(found), complete)
