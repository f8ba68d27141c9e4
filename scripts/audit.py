"""Look the locked packages up among known vulnerabilities: at PyPI, and at OSV if PyPI does not answer for all of them.

The exit code says which of three it is: 0 if all were looked up and nothing is known, 1 if something is known or the
audit itself is broken, 69 (EX_UNAVAILABLE) if no service answered for all. pip-audit alone ends with 0 for the last,
too: behind an index without PyPI's advisories every package is "not found", and so is every vulnerability.
"""

import argparse
import json
import os
import subprocess
import sys
from dataclasses import dataclass

# What pip-audit says when it gets no answer, or none that it can read. Whatever else stops it is an error here.
NO_ANSWER = ("requests.exceptions.", "pip_audit._service.interface.", "your network may be blocking this service")


@dataclass(frozen=True)
class Answer:
    service: str
    looked_up: int = 0
    known: tuple[str, ...] = ()
    gap: str = ""  # why that is not all of them


def ask(service: str, lock: str, *options: str) -> Answer:
    """What ``service`` knows of the packages of ``lock``."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", lock, "--require-hashes", "--disable-pip"]
    command += ["--format", "json", "--progress-spinner", "off", "--vulnerability-service", service, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.stdout.strip():
        return read(service, done.stdout)
    if any(sign in done.stderr for sign in NO_ANSWER):
        return Answer(service, gap=done.stderr.strip().splitlines()[-1])
    raise SystemExit(done.stderr or f"pip-audit has said nothing and ended with {done.returncode}.")


def read(service: str, report: str) -> Answer:
    """pip-audit's JSON report."""
    packages = json.loads(report)["dependencies"]
    skipped = [package["name"] for package in packages if "skip_reason" in package]
    known = [
        f"{package['name']} {package['version']}: {', '.join([found['id'], *found['aliases']])}, fixed in "
        f"{', '.join(found['fix_versions']) or 'no version'}"
        for package in packages
        for found in package.get("vulns", ())
    ]
    if not packages:
        raise SystemExit("The lock file names no packages.")
    gap = f"{len(skipped)} of {len(packages)} packages are unknown there" if skipped else ""
    return Answer(service, len(packages) - len(skipped), tuple(known), gap)


def verdict(answers: list[Answer]) -> tuple[int, str]:
    """The exit code and what to say."""
    known = [line for answer in answers for line in answer.known]
    if known:
        return 1, "Known vulnerabilities:\n  " + "\n  ".join(known)
    complete = [answer for answer in answers if not answer.gap]
    if complete:
        return 0, f"No known vulnerabilities in {complete[0].looked_up} packages, says {complete[0].service}."
    gaps = "\n  ".join(f"{answer.service}: {answer.gap}" for answer in answers)
    return os.EX_UNAVAILABLE, f"NOT AUDITED: a known vulnerability would not be noticed.\n  {gaps}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lock")
    parser.add_argument("--osv-url", help="ask this instance of OSV and nobody else")
    arguments = parser.parse_args()
    ways = [("osv", "--osv-url", arguments.osv_url)] if arguments.osv_url else [("pypi",), ("osv",)]
    answers: list[Answer] = []
    for service, *options in ways:
        answers.append(ask(service, arguments.lock, *options))
        if answers[-1].known or not answers[-1].gap:
            break
    code, said = verdict(answers)
    sys.stderr.write(said + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
