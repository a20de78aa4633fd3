"""How long a run takes. Imports nothing but the standard library: peers need it in environments of their own."""

import time
from collections.abc import Callable
from typing import Any

ENOUGH = 3.0
"""Seconds of all runs together after which no other one begins."""


def fastest(work: Callable[[], Any], repeats: int = 5, warm: Callable[[], Any] | None = None) -> tuple[float, Any]:
    """Shortest processor time of several runs, in seconds, and what the last one returned.

    `warm` (default: `work`) is called first, untimed: what compiles or is imported at first use is no part of a run.
    """
    (warm or work)()
    taken: list[float] = []
    while len(taken) < repeats and sum(taken) < ENOUGH:
        start = time.process_time()
        result = work()
        taken.append(time.process_time() - start)
    return min(taken), result


def of_threads(threads: int) -> Callable[[], float]:
    """The processor's clock of one thread; of several the one on the wall, for processor times add up."""
    return time.process_time if threads == 1 else time.perf_counter
