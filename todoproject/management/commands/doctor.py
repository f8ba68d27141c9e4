from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser

from authn.commands import FAILED, OperatorCommand, add_json, as_json
from todoproject.doctor.examination import examine
from todoproject.doctor.findings import Finding, Level


class Command(OperatorCommand):
    help = (
        "Examine the installation: settings, database, isolation (proven with a row that is rolled back), key set, "
        "clocks and limits. Exit code: 0 without errors, 1 with at least one."
    )
    example = "python manage.py doctor --json"
    requires_system_checks = []  # they are among the findings

    def add_arguments(self, parser: CommandParser) -> None:
        add_json(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        findings: list[Finding] = []
        for finding in examine():
            findings.append(finding)
            if not options["json"]:
                self.stdout.write(self._line(finding))
                self.stdout.flush()
        if options["json"]:
            self.stdout.write(as_json([asdict(finding) for finding in findings]))
        if any(finding.level is Level.ERROR for finding in findings):
            self.stdout.flush()
            raise SystemExit(FAILED)

    def _line(self, finding: Finding) -> str:
        styles = {Level.OK: self.style.SUCCESS, Level.WARNING: self.style.WARNING, Level.ERROR: self.style.ERROR}
        line = f"{styles[finding.level](f'{finding.level:8}')} {finding.check}: {finding.message}"
        return f"{line}\n{'':9}→ {finding.fix}" if finding.fix else line
