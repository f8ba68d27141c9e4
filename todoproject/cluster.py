"""One PostgreSQL data directory: what is in it, how it is made, how a server of it is launched."""

import hashlib
import os
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from todoproject import host
from todoproject.host import EmbeddedDatabaseError

DATABASE = "todo"
SUPERUSER = "postgres"
SOCKET = ".s.PGSQL.5432"
SOCKET_PATH_MAX = 107  # bytes: sockaddr_un.sun_path (unix(7)) without its NUL
LOG_MAX = 10 * 1024 * 1024  # bytes, looked at when a server is launched
ESSENTIAL = ("PG_VERSION", "global/pg_control", "base", "pg_wal", "pg_xact", "postgresql.conf", "pg_hba.conf")
SETTINGS = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# The builtin provider is the same on every machine and knows the case of all of Unicode.
LOCALE = ("--encoding", "UTF8", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--no-locale")


@dataclass(frozen=True, slots=True)
class Postmaster:
    """What `postmaster.pid` says about a server that is really running."""

    pid: int
    socket: Path
    ready: bool


@dataclass(frozen=True, slots=True)
class Launch:
    """An attempt to start a server."""

    pid: int
    position: int  # where its messages begin in the log


class Cluster:
    def __init__(self, data: Path) -> None:
        self.data = Path(os.path.realpath(data))
        self.log = self.beside("log")

    def beside(self, kind: str) -> Path:
        """The path of a helper file: the data directory itself holds nothing but PostgreSQL's own."""
        return self.data.with_name(f"{self.data.name}.{kind}")

    def postmaster(self) -> Postmaster | None:
        """The running server of this directory; a stale file or a reused process id is no server."""
        lines = self._postmaster_file()
        if len(lines) < 8 or not lines[0].isdigit() or not host.works_in(int(lines[0]), self.data):
            return None
        return Postmaster(int(lines[0]), Path(lines[4]) / SOCKET, ready=lines[7].strip() == "ready")

    def _postmaster_file(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return []

    def verify_or_create(self) -> None:
        """Raises EmbeddedDatabaseError when the directory holds something else than a sound cluster."""
        try:
            if not self.data.exists() or (self.data.is_dir() and not any(self.data.iterdir())):
                self._create()
            else:
                self._verify()
        except OSError as error:
            raise EmbeddedDatabaseError(
                f"The embedded database at {self.data} cannot be used ({error.strerror}): "
                "run as the user who owns it, or set DATABASE_URL."
            ) from None

    def _verify(self) -> None:
        if not self.data.is_dir():
            raise EmbeddedDatabaseError(
                f"{self.data} is not a directory, but the embedded database is kept there: "
                "move it away, or set DATABASE_URL."
            )
        missing = [name for name in ESSENTIAL if not (self.data / name).exists()]
        if "PG_VERSION" in missing:
            raise EmbeddedDatabaseError(
                f"{self.data} is not a PostgreSQL data directory (it holds files, but no PG_VERSION): "
                "move it away so that a new one can be made, or set DATABASE_URL."
            )
        version = (self.data / "PG_VERSION").read_text(errors="replace").strip()
        if version != host.MAJOR:
            raise EmbeddedDatabaseError(
                f"{self.data} was made by PostgreSQL {version[:20]!r} and the embedded server is version {host.MAJOR}: "
                "move it away (pg_dump or pg_upgrade carry its data over), or set DATABASE_URL."
            )
        if missing:
            raise EmbeddedDatabaseError(
                f"The embedded database at {self.data} is damaged ({', '.join(missing)} missing): "
                "restore it from a backup, or move it away so that a new one can be made."
            )

    def _create(self) -> None:
        """Make the cluster beside its place and move it there whole, so that a killed process leaves no half of one."""
        making = self.data if self.data.is_mount() else self.beside("making")
        if making != self.data and making.exists():
            shutil.rmtree(making)
        making.mkdir(mode=0o700, exist_ok=True)
        if os.geteuid() == 0:
            owner = host.account()
            os.chown(making, owner.pw_uid, owner.pw_gid)
            host.open_to_others(making)
            host.readable_to_others(host.binaries().parent)
        self._run(making, "initdb", "--pgdata", str(making), "--username", SUPERUSER, "--auth", "trust", *LOCALE)
        create = f"CREATE DATABASE {DATABASE};\n"
        self._run(making, "postgres", "--single", "-D", str(making), "template1", text=create)
        making.replace(self.data)

    def _run(self, directory: Path, program: str, *arguments: str, text: str = "") -> None:
        if os.geteuid() == 0:
            host.open_to_others(host.binaries())
        finished = subprocess.run(
            [str(host.binaries() / program), *arguments],
            input=text,
            capture_output=True,
            text=True,
            check=False,
            cwd=directory,
            **host.identity(directory.stat()),
        )
        if finished.returncode != 0:
            lines = finished.stderr.strip().splitlines() or [f"{program} ended with {finished.returncode}"]
            raise EmbeddedDatabaseError(
                f"The embedded database could not be made at {self.data} ({lines[-1].strip()}): "
                "free the cause, or set DATABASE_URL."
            )

    def socket_directory(self) -> Path:
        """The data directory itself (its mode is 0700), or a short private one when that path is too long."""
        if len(os.fsencode(self.data / SOCKET)) <= SOCKET_PATH_MAX:
            return self.data
        owner = self.data.stat()
        name = hashlib.sha256(f"{self.data}:{owner.st_ino}".encode()).hexdigest()[:12]
        directory = Path(tempfile.gettempdir()) / f"todo-pg-{owner.st_uid}-{name}"
        try:
            directory.mkdir(mode=0o700)
            os.chown(directory, owner.st_uid, owner.st_gid)
        except FileExistsError:
            found = directory.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner.st_uid or found.st_mode & 0o077:
                raise EmbeddedDatabaseError(
                    f"{directory} should be a private directory for the database's socket and is not: remove it."
                ) from None
        return directory

    def launch(self) -> Launch:
        """Start a server apart from this process's terminal and life."""
        if os.geteuid() == 0:
            host.open_to_others(self.data)
            host.open_to_others(host.binaries())
        command = [str(host.binaries() / "postgres"), "-D", str(self.data)]
        for name, value in {**SETTINGS, "unix_socket_directories": str(self.socket_directory())}.items():
            command += ["-c", f"{name}={value}"]
        environment = {**os.environ, "LC_ALL": "C"}
        stale = self._postmaster_file()
        if stale:
            # Its number may belong to another program by now; PostgreSQL disregards a file that names this one.
            environment["PG_GRANDPARENT_PID"] = stale[0]
        begun = self.log.exists() and self.log.stat().st_size < LOG_MAX
        with self.log.open("ab" if begun else "wb") as log:
            position = log.tell()
            shell = subprocess.run(
                ["/bin/sh", "-c", '"$@" >&2 & echo $!', "sh", *command],
                check=True,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
                cwd=self.data,
                **host.identity(self.data.stat()),
            )
        return Launch(int(shell.stdout), position)

    def failure(self, launch: Launch) -> str | None:
        """What a launched server that has ended complained of last; None while it lives."""
        if host.works_in(launch.pid, self.data):
            return None
        with self.log.open("rb") as log:
            log.seek(launch.position)
            lines = log.read().decode(errors="replace").splitlines()
        for line in reversed(lines):
            for level in ("FATAL:", "PANIC:"):
                # Sessions of an earlier, killed server write to this log too.
                if level in line and "terminating connection" not in line:
                    return line.split(level, 1)[1].strip()
        return lines[-1] if lines else "it ended without a message"
