"""A primary dies and its synchronous standby takes over: an outage of seconds, and no acknowledged write is lost."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

from todoproject.cluster import DATABASE, SUPERUSER

from .load import under_load
from .machines import Postgres, api, postgres, run_as_owner, until


@contextmanager
def standby_of(primary: Postgres) -> Iterator[Postgres]:
    """A streaming copy of ``primary``, without which the primary acknowledges nothing from now on."""
    data = primary.cluster.data.with_name("standby")
    origin = ["-h", str(primary.sockets), "-U", SUPERUSER]
    data.mkdir(mode=0o700)
    owner = primary.cluster.data.stat()
    os.chown(data, owner.st_uid, owner.st_gid)
    run_as_owner(data, "pg_basebackup", *origin, "-D", str(data), "-R", "-X", "stream", "--checkpoint=fast")
    (data / ".s.PGSQL.5432.lock").unlink()  # the primary's socket is in its data directory, and was copied
    standby = Postgres(data)
    try:
        standby.start()
        until(lambda: streaming(primary), "the standby follows")
        primary.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
        primary.execute("SELECT pg_reload_conf()")
        until(lambda: primary.execute("SHOW synchronous_standby_names") == [("*",)], "writes wait for the standby")
        yield standby
    finally:
        standby.remove()


def streaming(primary: Postgres) -> bool:
    return primary.execute("SELECT state FROM pg_stat_replication") == [("streaming",)]


def test_a_failover_takes_seconds_and_loses_no_acknowledged_write() -> None:
    with postgres() as primary, standby_of(primary) as standby:
        hosts = f"{primary.sockets},{standby.sockets}"
        url = f"postgresql://{SUPERUSER}@/{DATABASE}?host={hosts}&target_session_attrs=read-write"
        with api(url) as server:
            with under_load(server.url) as load:
                until(lambda: load.statuses[201] > 50, "load")
                primary.kill()
                standby.execute("SELECT pg_promote()")
                enough = load.statuses[201] + 100
                until(lambda: load.statuses[201] > enough, "the standby serves")

            assert set(load.statuses) <= {200, 201, 503}
            assert load.lost == []
            assert load.wrong == []
            assert max(after - before for before, after in pairwise(sorted(load.successes))) < 10
            assert load.missing(server.url) == set()
