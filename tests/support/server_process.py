"""The real server in processes of its own, on the test database.

A process listens before it is started, so that whoever connects waits for it and nobody has to ask whether it is up.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
STOP_SECONDS = 30


@dataclass(frozen=True)
class ServerProcess:
    url: str
    pid: int

    @property
    def resident_bytes(self) -> int:
        """Memory of the process (proc(5), ``statm``)."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGESIZE")


def database_url() -> str:
    """The test database, as a child process reaches it."""
    from django.db import connection

    params = connection.get_connection_params()
    known = {name: str(params[name]) for name in ("host", "port", "user", "password") if params.get(name)}
    return f"postgresql:///{params['dbname']}?" + "&".join(f"{name}={value}" for name, value in known.items())


@contextmanager
def server_process(**environment: str) -> Iterator[ServerProcess]:
    """Serve in a process of its own until the block ends; ``environment`` is added to this process's."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        variables = {**os.environ, "DATABASE_URL": database_url(), **environment}
        command = [sys.executable, "-m", __name__, str(listener.fileno())]
        process = subprocess.Popen(command, cwd=ROOT, env=variables, pass_fds=[listener.fileno()])
        host, port = listener.getsockname()
    try:
        yield ServerProcess(f"http://{host}:{port}", process.pid)
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)


def main() -> None:
    import uvicorn

    config = uvicorn.Config(
        "todoproject.asgi:application",
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        timeout_graceful_shutdown=5,
    )
    uvicorn.Server(config).run([socket.socket(fileno=int(sys.argv[1]))])


if __name__ == "__main__":
    main()
