"""Fixed windows counted in this process: one dictionary entry a key, dropped when its window is over."""

from collections.abc import Callable
from time import monotonic

ENTRIES_MAX = 200_000


class Windows:
    """Counts per key; a key's window begins with its first hit, as in the `limits` package's fixed-window strategy.

    That package's memory storage starts a thread, or a task, to scan every key. All windows here last equally long, so
    they end in the order of the dictionary: a hit drops what has ended from its front.
    """

    def __init__(self, seconds: int, clock: Callable[[], float] = monotonic) -> None:
        self.seconds = seconds
        self._clock = clock
        self._windows: dict[str, list[float]] = {}  # key -> [count, end]

    def __len__(self) -> int:
        return len(self._windows)

    def hit(self, key: str) -> tuple[int, float]:
        """Count one; return how many the window has by now, and the seconds until it ends."""
        now = self._clock()
        windows = self._windows
        window = windows.get(key)
        if window is not None and window[1] > now:
            window[0] += 1
            return int(window[0]), window[1] - now
        windows.pop(key, None)
        self._drop_ended(now)
        windows[key] = [1, now + self.seconds]
        return 1, float(self.seconds)

    def _drop_ended(self, now: float) -> None:
        """Drop up to two windows that have ended, and the oldest one when there are too many: bounded work a hit."""
        windows = self._windows
        for _ in range(2):
            first = next(iter(windows), None)
            if first is None or (windows[first][1] > now and len(windows) < ENTRIES_MAX):
                return
            del windows[first]
