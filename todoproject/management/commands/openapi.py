import json
from argparse import ArgumentParser
from typing import Any

import orjson
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from todoproject.api import api


def contract() -> str:
    """The OpenAPI document as it is committed: the one that is served, indented."""
    served = orjson.dumps(api.get_openapi_schema(), option=orjson.OPT_NON_STR_KEYS)
    return json.dumps(json.loads(served), indent=2, ensure_ascii=False) + "\n"


class Command(BaseCommand):
    help = "Write the API's contract to openapi.json."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="only say whether openapi.json is current")

    def handle(self, *args: Any, check: bool, **options: Any) -> str:
        path, text = settings.BASE_DIR / "openapi.json", contract()
        if not check:
            path.write_text(text, encoding="utf-8")
            return f"Wrote {path.name}."
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            raise CommandError(f"{path.name} is not current: run python manage.py openapi.")
        return f"{path.name} is current."
