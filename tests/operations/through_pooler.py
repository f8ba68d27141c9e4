"""Run the suite, or a part of it, behind PgBouncer: python -m tests.operations.through_pooler tests/tasks"""

import os
import subprocess
import sys

from .machines import postgres
from .pooler import pgbouncer


def main() -> None:
    with postgres() as database, pgbouncer(database, size=50) as url:
        environment = {**os.environ, "DATABASE_URL": url, "DATABASE_PREPARE": "false"}
        tests = subprocess.run([sys.executable, "-m", "pytest", *sys.argv[1:]], env=environment, check=False)
    raise SystemExit(tests.returncode)


if __name__ == "__main__":
    main()
