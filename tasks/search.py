"""Search by the beginnings of words, in an index that is partitioned by owner.

A word is a run of characters between separators, folded to one case. The trigger writes a task's words into its
``search`` column, each behind a short digest of the owner, so that a look-up never visits other owners' entries.
"""

import re

from django.db import models

from authn.statements import Param

# ASCII and Latin-1 punctuation, symbols and white space, general and CJK punctuation, full-width forms: the same class
# in PostgreSQL's regular expressions and in Python's, whatever the database's locale.
SEPARATORS = (
    r"\u0001-\u002F\u003A-\u0040\u005B-\u0060\u007B-\u00A9\u00AB-\u00B1\u00B4\u00B6-\u00B8\u00BB\u00BF\u00D7\u00F7"
    r"\u1680\u2000-\u206F\u2E00-\u2E7F\u3000-\u3004\u3008-\u3020\u3030\uFE30-\uFE4F"
    r"\uFF01-\uFF0F\uFF1A-\uFF20\uFF3B-\uFF40\uFF5B-\uFF65"
)

_WORD = re.compile(f"[^{SEPARATORS}]+")


def words(text: str) -> tuple[str, ...]:
    """The words of ``text`` as the index has them, but for case."""
    return tuple(_WORD.findall(text))


class Matching(models.Func):
    """Ids of the scope's tasks that contain every word of a text."""

    function = "tasks_search"
    template = "(SELECT %(function)s(%(expressions)s))"
    output_field = models.UUIDField()

    def __init__(self, text: Param) -> None:
        super().__init__(text)
