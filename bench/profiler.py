"""Where the time of one call goes, in the product's own process.

    python -m bench.profiler list [--count 2000] [--lines 45]

The profiler itself slows small functions down: read the order, and measure the gain with bench.cpu.
"""

import argparse
import asyncio
import cProfile
import io
import os
import pstats
from collections.abc import Callable

from bench import command, cpu
from bench.contestants import CONTESTANTS
from bench.database import Database, running
from bench.inprocess import Runner, lifespan, load_application
from bench.places import SCRATCH, BenchError, say
from bench.plan import CALLS, Call, lines_of, write

PRODUCT = CONTESTANTS["product"]


async def profile(call: Call, file: str, count: int) -> cProfile.Profile:
    app = load_application(str(PRODUCT.asgi))
    stop, started = asyncio.Event(), asyncio.Event()
    life = asyncio.create_task(lifespan(app, stop, started))
    await started.wait()
    runner = Runner(app)
    runner.load(call.name, file)
    if call.name == "unchanged":
        await runner.fetch_etags(call.name)
    await runner.run(call.name, cpu.CLIENTS, call.status)
    profiler = cProfile.Profile()
    profiler.enable()
    answer = await runner.run(call.name, count, call.status)
    profiler.disable()
    if "error" in answer:
        raise BenchError(answer["error"])
    stop.set()
    await life
    return profiler


def requests(database: Database, call: Call, count: int) -> str:
    with database.connect() as connection:
        lines = lines_of(call.name, PRODUCT.table, connection, clients=cpu.CLIENTS, spare=count + cpu.CLIENTS)
    return str(write(SCRATCH / "profile.tsv", lines))


def main() -> None:
    parser = argparse.ArgumentParser(description="Where the time of one call goes.")
    parser.add_argument("call", choices=list(CALLS))
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--lines", type=int, default=45)
    options = parser.parse_args()
    call = CALLS[options.call]
    with running() as database:
        cpu.populate(database, [PRODUCT], users=2000)
        file = requests(database, call, options.count)
        os.environ.update(PRODUCT.variables(database))
        import uvloop

        run: Callable[..., cProfile.Profile] = uvloop.run
        profiler = run(profile(call, file, options.count))
    text = io.StringIO()
    pstats.Stats(profiler, stream=text).strip_dirs().sort_stats("tottime").print_stats(options.lines)
    say(text.getvalue())


if __name__ == "__main__":
    command.run(main)
