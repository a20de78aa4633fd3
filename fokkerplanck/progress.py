"""A progress bar, where one is wanted."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def progress_bar(wanted: bool | None, total: int, unit: str, begun: int = 0) -> Iterator[Callable[[int], Any]]:
    """A tqdm bar, to be told how many of `total` are done, `begun` of them before; or nothing, without loading tqdm.

    None wants one where somebody watches: on a terminal.
    """
    if wanted is None:
        wanted = sys.stderr is not None and sys.stderr.isatty()
    if not wanted:
        yield lambda done: None
        return
    from tqdm.auto import tqdm

    with tqdm(total=total, unit=unit, initial=begun) as bar:
        yield lambda done: bar.update(done - bar.n)
