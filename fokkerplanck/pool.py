"""Many independent points computed in pieces by several processes, of which any may die.

Processes are those of `multiprocessing`, and cloudpickle carries the function to them. What is added here: a process
that dies costs its piece only, the point that kills processes is found and named, and what is finished is kept. A pool
of `concurrent.futures` would break as a whole, and not say which piece it was.
"""

from __future__ import annotations

import functools
import multiprocessing
import os
import pickle
import secrets
import signal
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from .outcomes import FokkerPlanckError, InvalidArgument, whole_number
from .progress import progress_bar

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import ForkServerContext, SpawnContext

    from .ledger import Ledger

STRIKES = 3
"""So many processes may die at a point before it is set aside; at the last it was computed with nothing beside it."""
HOPELESS = 10
"""Points set aside, and nothing finished, before we conclude that it is not the points."""
IN_FLIGHT = 64
"""Pieces that an executor of the user's holds at a time."""
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")

Range = tuple[int, int]
"""The points start, …, stop − 1."""
Columns = dict[str, np.ndarray]
Work = Callable[[int, int], Mapping[str, Any]]


class Executor(Protocol):
    """What is asked of an executor: the `submit` of `concurrent.futures.Executor`."""

    def submit(self, fn: Callable[..., Any], /, *args: Any) -> Future: ...


@dataclass(frozen=True)
class Faults:
    """Which points kill the processes that compute them.

    Attributes
    ----------
    strikes : dict
        How many processes died at a range of points.
    aside : dict
        Points that are not tried again, with the reason.
    """

    strikes: dict[Range, int] = field(default_factory=dict)
    aside: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What `compute` has found.

    Attributes
    ----------
    columns : dict of arrays
        A row for each of the n points. Rows of points that were not computed hold NaN, the smallest integer (of
        unsigned ones the largest), False or the empty string. Without any finished piece there are no columns.
    done : array of bool
        Which points were computed.
    missing : dict
        Points set aside because they kill the processes that compute them, with the reason.
    interrupted : bool
        Ctrl-C came before the end.
    """

    columns: Columns
    done: np.ndarray
    missing: dict[int, str]
    interrupted: bool


def compute(
    work: Work,
    n: int,
    *,
    piece: int,
    ledger: Ledger | None = None,
    executor: Executor | None = None,
    workers: int | None = None,
    progress: bool = False,
) -> Outcome:
    """Compute the points 0 … n − 1 by `work(start, stop)`, in pieces, several at a time.

    A process that dies (killed, crashed, out of memory) is replaced, and the piece it was at is halved until single
    points are left; a point at which three have died, the last of them with nothing else running, is set aside.
    Ctrl-C ends the processes and returns what is finished.

    Parameters
    ----------
    work : callable
        `work(start, stop)` returns a dictionary of columns with `stop` − `start` rows each, of numbers or text. It may
        be anything that cloudpickle can send: a lambda, a function of a notebook or of a script without
        `if __name__ == "__main__"`. An exception that it raises ends the computation.
    n : int
        Number of points.
    piece : int
        Points of a piece, the unit that is sent, kept and at most lost.
    ledger : Ledger, optional
        Keeps every piece as it arrives; what it already has is not computed again. Entered by the caller.
    executor : optional
        Anything with the `submit` of `concurrent.futures.Executor`, such as `dask.distributed.Client(...)
        .get_executor()`; it remains the caller's to shut down. By default processes of this machine.
    workers : int, optional
        Number of processes, by default one for each processor; 1 computes in this process, which then dies with a
        point that kills. With an `executor` the largest number of pieces that are handed over at a time.
    progress : bool
        Show a bar with the remaining time, if stderr is a terminal.

    Raises
    ------
    InvalidArgument
        If an argument is wrong, or `work` does not return such columns.
    FokkerPlanckError
        If processes cannot be started, `executor` breaks down, or every point kills its process.
    OSError
        If a piece cannot be written.
    Exception
        Whatever `work` raises, with a note that names the points.

    >>> found = compute(lambda start, stop: {"square": np.arange(start, stop) ** 2}, 5, piece=2, workers=1)
    >>> found.columns["square"]
    array([ 0,  1,  4,  9, 16])
    """
    n, piece = whole_number("n", n, 1), whole_number("piece", piece, 1)
    book = _Book(n, piece, ledger)
    if workers is not None:
        workers = whole_number("workers", workers, 1)
    interrupted = False
    with progress_bar(progress and sys.stderr.isatty(), n, "point", book.settled) as show:
        book.show = show
        try:
            with stoppable():
                _compute(book, work, executor, workers)
        except KeyboardInterrupt:
            interrupted = True
    return book.outcome(interrupted)


def _compute(book: _Book, work: Work, executor: Executor | None, workers: int | None) -> None:
    if executor is not None:
        if not hasattr(executor, "submit") or hasattr(executor, "get_executor"):
            raise InvalidArgument(
                "`executor` must have the `submit` of concurrent.futures.Executor; of a dask client give "
                "`client.get_executor()`."
            )
        _drive(book, _Given(executor, _sent(work), workers or IN_FLIGHT))
        return
    workers = workers or processors()
    if workers == 1 or (len(book.queue) == 1 and not book.faults.strikes):
        while (piece := book.next(True)) is not None:
            try:
                columns = checked(*piece, work(*piece))
            except BaseException as error:
                error.add_note(f"while computing {_named(piece)}")
                raise
            book.finish(piece, columns)
    elif book.queue or book.alone:
        _drive(book, _Processes(workers, _sent(work)))


class _Book:
    """Which points are finished, which are to be computed, and which kill."""

    def __init__(self, n: int, piece: int, ledger: Ledger | None) -> None:
        self.n, self.ledger = n, ledger
        self.found: dict[Range, Columns] = {} if ledger is None else ledger.finished()
        self.faults = Faults() if ledger is None else ledger.faults()
        self.show: Callable[[int], object] = lambda done: None
        self.queue: deque[Range] = deque()
        self.alone: deque[Range] = deque()  # points with a strike: run at the end and one at a time
        self.settled = sum(stop - start for start, stop in self.found) + len(self.faults.aside)
        self.idle = True  # nothing was finished by this run
        self.hopeless = len(self.faults.aside) + HOPELESS
        for start, stop in _gaps(n, [*self.found, *((point, point + 1) for point in self.faults.aside)]):
            cuts = [start, *range(start - start % piece + piece, stop, piece), stop]
            for part in pairwise(cuts):
                self._plan(part)

    def next(self, nothing_runs: bool) -> Range | None:
        if self.queue:
            return self.queue.popleft()
        return self.alone.popleft() if self.alone and nothing_runs else None

    def finish(self, piece: Range, columns: Columns) -> None:
        here, there = (_layout(part) for part in (columns, next(iter(self.found.values()), columns)))
        if here != there:
            raise InvalidArgument(f"`work` returned the columns {here} for {_named(piece)}, and {there} before.")
        if self.ledger is not None:
            self.ledger.store(*piece, columns)
        self.found[piece] = columns
        self.idle = False
        self.settled += piece[1] - piece[0]
        self.show(self.settled)

    def died(self, piece: Range, deaths: int, how: str) -> None:
        """Halve the piece, or give its only point a strike and, at last, up."""
        start, stop = piece
        alone = piece in self.faults.strikes  # for only a point without a strike is run beside others
        strikes = self.faults.strikes[piece] = self.faults.strikes.get(piece, 0) + deaths
        if stop - start == 1 and strikes >= STRIKES and alone:
            self.faults.aside[start] = f"{strikes} processes died while they computed it; the last was {how}"
            self.settled += 1
            self.show(self.settled)
        else:
            self._plan(piece)
        if self.ledger is not None:
            self.ledger.keep_faults(self.faults)
        if len(self.faults.aside) >= self.hopeless and self.idle:
            raise FokkerPlanckError(
                f"{HOPELESS} points in turn have killed their processes and nothing was finished: `work` or the "
                f"machine's memory is at fault. Try one point with workers=1."
            )

    def outcome(self, interrupted: bool) -> Outcome:
        done = np.zeros(self.n, dtype=bool)
        for start, stop in self.found:
            done[start:stop] = True
        return Outcome(_assembled(self.n, self.found), done, dict(sorted(self.faults.aside.items())), interrupted)

    def _plan(self, piece: Range) -> None:
        start, stop = piece
        if piece not in self.faults.strikes:
            self.queue.append(piece)
        elif stop - start == 1:
            self.alone.append(piece)
        else:
            middle = (start + stop) // 2
            self._plan((start, middle))
            self._plan((middle, stop))


def _gaps(n: int, taken: list[Range]) -> Iterator[Range]:
    """What the ranges `taken` leave of 0 … n − 1."""
    end = 0
    for start, stop in [*sorted(taken), (n, n)]:
        if start > end:
            yield end, start
        end = max(end, stop)


def _layout(columns: Columns) -> str:
    """Names, and the shape of a row where it is not one number."""
    return ", ".join(sorted(f"{name}{values.shape[1:] or ''}" for name, values in columns.items()))


def _assembled(n: int, found: Mapping[Range, Columns]) -> Columns:
    """The pieces as one table."""
    if not found:
        return {}
    columns = {}
    for name in next(iter(found.values())):
        parts = [piece[name] for piece in found.values()]
        dtype = np.result_type(*parts)
        columns[name] = np.full((n, *parts[0].shape[1:]), _nothing(dtype), dtype)
        for (start, stop), part in zip(found, parts, strict=True):
            columns[name][start:stop] = part
    return columns


def _nothing(dtype: np.dtype) -> Any:
    """What stands in the rows of points that were not computed."""
    if dtype.kind in "fc":
        return np.nan
    if dtype.kind == "i":
        return np.iinfo(dtype).min
    return {"u": lambda: np.iinfo(dtype).max, "b": lambda: False, "U": lambda: ""}[dtype.kind]()


def checked(start: int, stop: int, columns: Mapping[str, Any]) -> Columns:
    """The columns of a piece as arrays, or a refusal of what is not `stop` − `start` rows of numbers or text."""
    if not isinstance(columns, Mapping):
        raise InvalidArgument(f"a piece must be named columns, not {type(columns).__name__}.")
    arrays = {name: np.asarray(values) for name, values in columns.items()}
    for name, values in arrays.items():
        if values.ndim == 0 or len(values) != stop - start:
            raise InvalidArgument(
                f"`{name}` of {_named((start, stop))} has the shape {values.shape}, but must have {stop - start} rows."
            )
        if values.dtype.kind not in "biufcU":
            raise InvalidArgument(f"`{name}` must be numbers or text of fixed width, not {values.dtype}.")
    return arrays


# -- who computes -----------------------------------------------------------------------------------------------


class _Crew(Protocol):
    """Takes pieces, at most `size` at a time."""

    size: int
    forgetful: bool
    """Whether a piece can be lost without a word when a process dies that had another one."""

    def submit(self, piece: Range) -> Future: ...

    def deaths(self, future: Future, error: BaseException) -> tuple[int, str]:
        """How many processes died at a piece that ended with `error`, and how; anything else is raised."""

    def stop(self, running: list[Future]) -> None:
        """Give up what is running, and free what this crew has made."""


def _drive(book: _Book, crew: _Crew) -> None:
    running: dict[Future, Range] = {}
    try:
        while True:
            while len(running) < crew.size and (piece := book.next(not running)) is not None:
                running[crew.submit(piece)] = piece
            if not running:
                return
            ended = {future: running.pop(future) for future in wait(running, return_when=FIRST_COMPLETED).done}
            lost = [piece for future, piece in ended.items() if future.cancelled()]
            ended = {future: piece for future, piece in ended.items() if not future.cancelled()}
            died = any(future.exception() is not None for future in ended)
            _settle(book, crew, ended)  # before more is begun, so that no more than `size` pieces are ever lost
            for future in [future for future, piece in running.items() if piece in ended.values()]:
                running.pop(future)  # its piece was handed over twice, and is done
                future.cancel()
            if died and crew.forgetful:  # with a worker that died others may be gone, of which nobody will tell
                lost += list(running.values())
            for piece in dict.fromkeys(lost):
                if piece not in ended.values():
                    running[crew.submit(piece)] = piece
    finally:
        crew.stop(list(running))


def _settle(book: _Book, crew: _Crew, ended: Mapping[Future, Range]) -> None:
    """Keep what has been computed, and only then see to what went wrong."""
    answers = {future: future.result() for future in ended if future.exception() is None}
    for future, answer in answers.items():
        if not isinstance(answer, _Failure):
            book.finish(ended[future], answer)
    for future, answer in answers.items():
        if isinstance(answer, _Failure):
            raise answer.error(ended[future])
    for future, piece in ended.items():
        if (error := future.exception()) is not None:
            book.died(piece, *crew.deaths(future, error))


class _Given:
    """An executor of the user's."""

    forgetful = True

    def __init__(self, executor: Executor, code: bytes, size: int) -> None:
        self.executor, self.code, self.size = executor, code, size

    def submit(self, piece: Range) -> Future:
        # Dask takes equal calls for one, and would answer a second attempt with the failure of the first.
        try:
            return self.executor.submit(_run, self.code, *piece, secrets.token_hex(8))
        except BrokenExecutor as error:
            raise self._broken(error) from error

    def deaths(self, future: Future, error: BaseException) -> tuple[int, str]:
        distributed = sys.modules.get("distributed")
        if distributed is not None and isinstance(error, distributed.KilledWorker):
            return int(error.allowed_failures) + 1, "a KilledWorker of dask"
        if isinstance(error, BrokenExecutor):
            raise self._broken(error) from error
        raise error

    def stop(self, running: list[Future]) -> None:
        for future in running:
            future.cancel()

    @staticmethod
    def _broken(error: BaseException) -> FokkerPlanckError:
        return FokkerPlanckError(
            f"`executor` has broken down ({error}), and cannot be repaired from here; a ledger keeps what is finished. "
            f"Give a new executor, or none: the processes that are made here are replaced when they die."
        )


class _Died(Exception):
    """The end of a process, in words."""


class _Processes:
    """Processes of this machine, started when first needed. A thread for each waits for its answers."""

    forgetful = False

    def __init__(self, size: int, code: bytes) -> None:
        self.size, self.code = size, code
        self.context = _context()
        self.threads = ThreadPoolExecutor(size)
        self.idle: list[_Process] = []
        self.busy: dict[Future, _Process] = {}

    def submit(self, piece: Range) -> Future:
        for future in [future for future in self.busy if future.done() and future.exception() is None]:
            self.idle.append(self.busy.pop(future))
        while self.idle and not self.idle[-1].process.is_alive():  # killed while it had nothing to do
            self.idle.pop().stop(False)
        process = self.idle.pop() if self.idle else _Process(self.context, self.code)
        future = self.threads.submit(process.answer, piece)
        self.busy[future] = process
        return future

    def deaths(self, future: Future, error: BaseException) -> tuple[int, str]:
        process = self.busy.pop(future)
        process.stop(True)
        if not isinstance(error, _Died):
            raise error
        if not process.began:
            raise FokkerPlanckError(
                f"processes cannot be started on this machine: one was {error} before it began. `workers` = 1 computes "
                f"without them."
            ) from None
        return 1, str(error)

    def stop(self, running: list[Future]) -> None:
        for future, process in self.busy.items():
            process.stop(future in running)
        for process in self.idle:
            process.stop(False)
        self.threads.shutdown()


class _Process:
    """A process and the only pipe to it, whose other end is nowhere else: it breaks when the process dies.

    `ProcessPoolExecutor` keeps that end, and waits for ever for the rest of an answer whose sender was killed.
    """

    def __init__(self, context: SpawnContext | ForkServerContext, code: bytes) -> None:
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, code))
        self.began = False
        with _one_thread(), _hidden_main():
            self.process.start()
        theirs.close()

    def answer(self, piece: Range) -> Columns | _Failure:
        try:
            self.began = self.began or self.pipe.recv()
            self.pipe.send(piece)
            return self.pipe.recv()
        except (EOFError, OSError):
            self.process.join()
            raise _Died(_ended(self.process.exitcode)) from None

    def stop(self, at_once: bool) -> None:
        """When it is idle, or else at once; in the latter case `answer` ends with `_Died`."""
        if at_once:
            self.process.kill()
        else:
            with suppress(OSError):
                self.pipe.send(None)
        self.process.join()


def _ended(code: int | None) -> str:
    """How a process ended, from its exit code."""
    if code is None or code >= 0:
        return f"ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"killed by {name}" + (", as happens when memory runs out" if name == "SIGKILL" else "")


def _context() -> SpawnContext | ForkServerContext:
    """Processes forked from a server that has loaded what this process has of the package: they begin sooner."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([name for name in sys.modules if name.startswith(f"{__package__}.")])
    return context


@contextmanager
def _one_thread() -> Iterator[None]:
    """Processes started here load a linear algebra of one thread, unless the user has set another number."""
    new = [name for name in THREADS if name not in os.environ]
    os.environ.update(dict.fromkeys(new, "1"))
    try:
        yield
    finally:
        for name in new:
            del os.environ[name]


@contextmanager
def _hidden_main() -> Iterator[None]:
    """Processes started here do not run the user's script, of which cloudpickle sends what is needed."""
    main = sys.modules["__main__"].__dict__
    kept: dict[str, Any] = {name: main.pop(name) for name in ("__spec__", "__file__") if name in main}
    main["__spec__"] = None
    try:
        yield
    finally:
        del main["__spec__"]
        main.update(kept)


def processors() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


# -- Ctrl-C -----------------------------------------------------------------------------------------------------


class _Stop(BaseException):
    """Ctrl-C. `solve` would turn a KeyboardInterrupt into a partial solution of one run."""


@contextmanager
def stoppable() -> Iterator[None]:
    """Ctrl-C leaves this block as a KeyboardInterrupt, past every `solve` in it."""

    def stop(*_: object) -> None:
        raise _Stop

    try:
        before = signal.signal(signal.SIGINT, stop)
    except ValueError:  # not in the main thread: there Ctrl-C does not arrive
        yield
        return
    try:
        yield
    except _Stop:
        raise KeyboardInterrupt from None
    finally:
        signal.signal(signal.SIGINT, before)


# -- in the process that computes -------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Failure:
    """An exception that `work` has raised, on its way home: not every exception can be sent by pickle."""

    pickled: bytes
    text: str

    @classmethod
    def of(cls, error: BaseException) -> _Failure:
        import cloudpickle

        text = "".join(traceback.format_exception(error))
        try:
            return cls(cloudpickle.dumps(error.with_traceback(None)), text)
        except Exception:
            return cls(b"", text)

    def error(self, piece: Range) -> BaseException:
        """The exception, or what it said if it cannot be had."""
        try:
            error = pickle.loads(self.pickled)
        except Exception:
            error = FokkerPlanckError("`work` has raised an exception that cannot be sent between processes.")
        error.add_note(f"while computing {_named(piece)}, in another process:\n{self.text}")
        return error


def _serve(pipe: Connection, code: bytes) -> None:
    """Answer pieces until None comes. Ctrl-C is the parent's; without a parent there is nobody to answer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with suppress(EOFError, BrokenPipeError):
        pipe.send(True)
        while (piece := pipe.recv()) is not None:
            pipe.send(_run(code, *piece))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _run(code: bytes, start: int, stop: int, attempt: str = "") -> Columns | _Failure:
    """`attempt` only makes calls differ."""
    try:
        return checked(start, stop, _unpickled(code)(start, stop))
    except BaseException as error:
        return _Failure.of(error)


@functools.lru_cache(maxsize=1)
def _unpickled(code: bytes) -> Work:
    return pickle.loads(code)


def _sent(work: Work) -> bytes:
    import cloudpickle

    return cloudpickle.dumps(work)


def _named(piece: Range) -> str:
    start, stop = piece
    return f"points {start} to {stop - 1}" if stop - start > 1 else f"point {start}"
