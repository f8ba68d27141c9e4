"""A contestant as a running server: started, asked, watched and stopped."""

import http.client
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

from bench.contestants import Contestant
from bench.database import Database
from bench.places import ROOT, SCRATCH, BenchError
from bench.plan import Line

START_TIMEOUT = 60.0  # seconds


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: str


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """`variables` come on top of the contestant's own. `start` blocks until `first` is answered with success."""

    def __init__(self, contestant: Contestant, database: Database, **variables: str) -> None:
        self.contestant = contestant
        self.port = free_port()
        self.log = SCRATCH / f"server-{contestant.name}.log"
        self.variables = {**contestant.variables(database), **variables}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, first: Line) -> float:
        """Seconds from the start of the process to its first right answer."""
        began = time.perf_counter()
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                self.contestant.serve(self.port),
                cwd=ROOT,
                env={**self.variables, "PORT": str(self.port)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        while time.perf_counter() - began < START_TIMEOUT:
            if self.process.poll() is not None:
                break
            try:
                if self.ask(first).status < 300:
                    return time.perf_counter() - began
            except OSError:
                pass
            time.sleep(0.005)
        self.stop()
        raise BenchError(f"{self.contestant.title} did not answer {first.path}: see {self.log}.")

    def ask(self, line: Line) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            headers = {"Authorization": f"Bearer {line.token}"}
            if line.body:
                headers["Content-Type"] = "application/json"
            if line.etag:
                headers["If-None-Match"] = line.etag
            connection.request(line.method, line.path, line.body or None, headers)
            response = connection.getresponse()
            body = response.read().decode()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, body)
        finally:
            connection.close()

    def processes(self) -> list[int]:
        """The server's process and, with several workers, its children."""
        if self.process is None:
            return []
        root = self.process.pid
        children = Path(f"/proc/{root}/task/{root}/children").read_text().split()
        return [root, *map(int, children)]

    def processor_seconds(self) -> float:
        """User and system time of all threads so far, ended ones included (Linux; counted in hundredths)."""
        ticks = 0
        for pid in self.processes():
            # The name in brackets may hold spaces: utime and stime are fields 14 and 15 of proc_pid_stat(5).
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def memory(self, field: str = "VmHWM") -> list[float]:
        """Resident memory of each process in MiB: VmHWM its peak, VmRSS its present size."""
        return [memory_of(pid, field) for pid in self.processes()]

    def stop(self) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def memory_of(pid: int, field: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) / 1024
    return 0.0
