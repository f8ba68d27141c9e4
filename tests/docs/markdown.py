"""Code as a page of the documentation prints it."""

import re
from dataclasses import dataclass
from pathlib import Path

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PLACE = re.compile(r"# (\S+)(, at its end)?\n")


@dataclass(frozen=True)
class Block:
    """A fenced block: commands, or a file whose first line names it."""

    language: str
    text: str

    @property
    def file(self) -> str | None:
        named = PLACE.match(self.text) if self.language == "python" else None
        return named[1] if named else None

    @property
    def appends(self) -> bool:
        named = PLACE.match(self.text)
        return bool(named and named[2])

    @property
    def lines(self) -> int:
        """Lines of code: neither blank nor a comment."""
        return sum(bool(line.strip()) and not line.lstrip().startswith("#") for line in self.text.splitlines())

    def write(self, root: Path) -> None:
        assert self.file is not None
        path = root / self.file
        before = path.read_text() if self.appends else ""
        path.write_text(before + self.text)


def section(page: Path, heading: str) -> list[Block]:
    """The blocks under one heading of the second level."""
    text = page.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return [Block(language, body) for language, body in BLOCK.findall(text)]
