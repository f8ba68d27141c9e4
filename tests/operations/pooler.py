"""PgBouncer in front of a server, as Debian ships it."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg

from todoproject import host
from todoproject.cluster import DATABASE, SUPERUSER

from .machines import Postgres, free_port, short_directory, until

CONFIGURATION = """
[databases]
* = host={sockets} user={user}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = {size}
max_client_conn = 200
server_idle_timeout = 1
logfile = {directory}/pgbouncer.log
{more}
"""


def connects(url: str) -> bool:
    with suppress(psycopg.OperationalError), psycopg.connect(url):
        return True
    return False


@contextmanager
def pgbouncer(database: Postgres, size: int = 4, mode: str = "transaction", more: str = "") -> Iterator[str]:
    """The address of a pooler that has ``size`` connections to ``database`` for all its clients."""
    directory, port = short_directory(), free_port()
    settings = CONFIGURATION.format(
        sockets=database.sockets, user=SUPERUSER, port=port, size=size, directory=directory, mode=mode, more=more
    )
    (directory / "pgbouncer.ini").write_text(settings)
    owner = database.cluster.data.stat()
    os.chown(directory, owner.st_uid, owner.st_gid)
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin") or "pgbouncer"
    process = subprocess.Popen(
        [program, "--quiet", str(directory / "pgbouncer.ini")], cwd=directory, **host.identity(owner)
    )
    url = f"postgresql://{SUPERUSER}@127.0.0.1:{port}/{DATABASE}"
    try:
        until(lambda: connects(url), "PgBouncer answers")
        yield url
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(directory)
