"""The guide's table of refusals names every code there is, in the words of the API."""

import re
from pathlib import Path

from authn.problems import NotAuthenticated
from authn.token_errors import REASONS

GUIDE = Path(__file__).parents[2] / "docs" / "better-auth.md"
BEFORE_THE_TOKEN = {
    "not_authenticated": NotAuthenticated.default_detail,
    "several_tokens": "Send exactly one Authorization header with one token.",
}


def test_every_reason_for_a_401_has_a_fix_in_the_guide() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+?) \|$", GUIDE.read_text(), re.MULTILINE)

    assert {code: detail.replace("\\", "") for code, detail, _ in rows} == {**REASONS, **BEFORE_THE_TOKEN}
    assert all(fix.endswith(".") for _, _, fix in rows)
