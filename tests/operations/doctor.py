"""What `manage.py doctor` says of a database."""

import json
import os
import subprocess
import sys

from todoproject.env import BASE_DIR


def examined(url: str, check: str, **variables: str) -> dict[str, str]:
    """The one finding of a check."""
    report = subprocess.run(
        [sys.executable, "manage.py", "doctor", "--json"],
        cwd=BASE_DIR,
        env={**os.environ, "DATABASE_URL": url, **variables},
        capture_output=True,
        timeout=60,
        check=False,
    )
    (finding,) = [finding for finding in json.loads(report.stdout) if finding["check"] == check]
    return dict(finding)
