"""Pieces of work in processes that die, are killed, interrupted, or fail."""

import io
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import cloudpickle
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fokkerplanck as fp
from fokkerplanck import pool
from fokkerplanck.ledger import Ledger
from fokkerplanck.outcomes import FokkerPlanckError
from fokkerplanck.pool import Faults, compute

ROOT = Path(fp.__file__).resolve().parent.parent
posix = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")


def squares(start, stop):
    return {"square": np.arange(start, stop) ** 2.0, "name": [f"p{k}" for k in range(start, stop)]}


def deadly(*points):
    """Work that kills its process at these points."""

    def work(start, stop):
        if any(start <= point < stop for point in points):
            os.kill(os.getpid(), signal.SIGKILL)
        return squares(start, stop)

    return work


class Memory:
    """What `compute` asks of a ledger, without a folder."""

    def __init__(self, pieces=()):
        self.pieces = {piece: squares(*piece) for piece in pieces}
        self.known = Faults()

    def finished(self):
        return {piece: pool.checked(*piece, columns) for piece, columns in self.pieces.items()}

    def store(self, start, stop, columns):
        assert not any(a < stop and start < b for a, b in self.pieces), "computed twice"
        self.pieces[start, stop] = columns

    def faults(self):
        return Faults(dict(self.known.strikes), dict(self.known.aside))

    def keep_faults(self, faults):
        self.known = Faults(dict(faults.strikes), dict(faults.aside))


# -- the bookkeeping, without processes ---------------------------------------------------------------------------


class Crew:
    """Ends pieces in an order drawn by hypothesis; those with a point in `deadly` end with a death."""

    forgetful = False

    def __init__(self, size, deadly, weight, draw):
        self.size, self.deadly, self.weight, self.draw = size, deadly, weight, draw
        self.running, self.tried, self.stopped = {}, [], False

    def submit(self, piece):
        future = Future()
        self.running[future] = piece
        assert len(self.running) <= self.size
        self.tried.append((piece, len(self.running) == 1))
        return future

    def end_one(self, futures):
        future = self.draw(st.sampled_from(list(futures)))
        start, stop = self.running.pop(future)
        if any(start <= point < stop for point in self.deadly):
            future.set_exception(RuntimeError("died"))
        else:
            future.set_result(pool.checked(start, stop, squares(start, stop)))
        return type("Done", (), {"done": [future]})

    def deaths(self, future, error):
        return self.weight, str(error)

    def stop(self, running):
        assert not running
        self.stopped = True


@given(st.data())
def test_every_point_is_computed_once_whatever_is_there_and_whoever_dies(data):
    n, piece, size = (data.draw(st.integers(1, top)) for top in (40, 12, 4))
    cuts = sorted(data.draw(st.sets(st.integers(0, n), max_size=6)))
    there = [pair for pair in pairwise(cuts) if data.draw(st.booleans())]
    free = [k for k in range(n) if not any(a <= k < b for a, b in there)]
    killers = data.draw(st.sets(st.sampled_from(free), max_size=4)) if free else set()
    ledger = Memory(there)
    weight = data.draw(st.integers(1, 4))  # deaths that one failure stands for: four with dask
    crew = Crew(size, killers, weight, data.draw)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool, "wait", lambda futures, return_when: crew.end_one(futures))
        book = pool._Book(n, piece, ledger)
        pool._drive(book, crew)  # Memory.store complains about what is computed twice
    outcome = book.outcome(False)
    assert set(outcome.missing) == killers
    assert set(np.flatnonzero(~outcome.done)) == killers
    if outcome.done.any():
        assert np.array_equal(outcome.columns["square"][outcome.done], np.flatnonzero(outcome.done) ** 2.0)
    for point in killers:
        alone = [alone for piece, alone in crew.tried if piece == (point, point + 1)]
        assert len(alone) == max(2, -(-pool.STRIKES // weight))
        assert all(alone[1:])
    assert all(stop - start <= piece for (start, stop), _ in crew.tried)
    again = pool._Book(n, piece, ledger)
    assert not again.queue
    assert not again.alone


def test_a_restart_goes_on_with_the_halves_and_the_strikes():
    ledger = Memory([(0, 4)])
    ledger.known = Faults({(4, 8): 1, (4, 6): 1, (5, 6): 2}, {9: "it kills"})
    book = pool._Book(12, 4, ledger)
    assert list(book.queue) == [(4, 5), (6, 8), (8, 9), (10, 12)]
    assert list(book.alone) == [(5, 6)]


def test_rows_of_points_that_are_missing_are_marked():
    found = {(1, 3): {"f": np.ones(2), "i": np.ones(2, int), "u": np.ones(2, "u1"), "b": np.ones(2, bool)}}
    found[3, 4] = found[1, 3] | {name: values[:1] for name, values in found[1, 3].items()}
    found[1, 3] |= {"s": np.array(["a", "b"]), "r": np.zeros((2, 3))}
    found[3, 4] |= {"s": np.array(["long"]), "r": np.zeros((1, 3))}
    table = pool._assembled(5, found)
    assert np.isnan(table["f"][[0, 4]]).all()
    assert table["i"][0] == np.iinfo(int).min
    assert table["u"].tolist() == [255, 1, 1, 1, 255]
    assert table["b"].tolist() == [False, True, True, True, False]
    assert table["s"].tolist() == ["", "a", "b", "long", ""]
    assert table["r"].shape == (5, 3)


# -- processes ------------------------------------------------------------------------------------------------------


def test_processes_take_lambdas_and_what_they_mention():
    scale = 3.0
    found = compute(lambda a, b: {"x": scale * np.arange(a, b), "pid": [os.getpid()] * (b - a)}, 9, piece=2, workers=2)
    assert found.columns["x"].tolist() == [3.0 * k for k in range(9)]
    assert os.getpid() not in found.columns["pid"]
    assert found.done.all()
    assert not found.missing
    assert not found.interrupted


def test_one_worker_or_one_piece_is_this_process():
    where = lambda a, b: {"pid": [os.getpid()] * (b - a)}  # noqa: E731
    for arguments in ({"piece": 2, "workers": 1}, {"piece": 5, "workers": 2}):
        assert set(compute(where, 5, **arguments).columns["pid"]) == {os.getpid()}


def test_without_a_server_that_forks_it_is_the_same(monkeypatch):
    monkeypatch.setattr(pool.multiprocessing, "get_all_start_methods", lambda: ["spawn"])
    found = compute(lambda a, b: {"pid": [os.getpid()] * (b - a)}, 4, piece=2, workers=2)
    assert os.getpid() not in found.columns["pid"]


def test_a_process_has_one_thread_of_linear_algebra(monkeypatch):
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    with pool._one_thread():
        assert os.environ["OPENBLAS_NUM_THREADS"] == "1"
        assert os.environ["OMP_NUM_THREADS"]
    assert "OPENBLAS_NUM_THREADS" not in os.environ


def test_the_package_travels_in_a_function_that_mentions_it():
    module = fp
    assert cloudpickle.loads(cloudpickle.dumps(lambda: module))() is fp


@posix
def test_strikes_name_the_point_that_kills_and_the_rest_is_finished(tmp_path):
    with Ledger(tmp_path / "sweep", {"n": 24}) as ledger:
        found = compute(deadly(13), 24, piece=8, workers=2, ledger=ledger)
    assert list(found.missing) == [13]
    assert found.missing[13].startswith("3 processes died while they computed it; the last was killed by SIGKILL")
    assert np.array_equal(np.flatnonzero(~found.done), [13])
    assert np.nansum(found.columns["square"]) == sum(k**2 for k in range(24) if k != 13)
    assert np.isnan(found.columns["square"][13])
    assert found.columns["name"][13] == ""

    def never(start, stop):
        raise AssertionError("computed again")

    with Ledger(tmp_path / "sweep", {"n": 24}) as ledger:
        again = compute(never, 24, piece=8, workers=2, ledger=ledger)
    assert again.missing == found.missing
    assert np.array_equal(again.columns["square"], found.columns["square"], equal_nan=True)


@posix
def test_where_every_point_kills_nobody_waits_for_the_last(monkeypatch):
    monkeypatch.setattr(pool, "HOPELESS", 1)
    with pytest.raises(FokkerPlanckError, match="1 points in turn have killed their processes"):
        compute(deadly(*range(4)), 4, piece=1, workers=2)


@posix
def test_a_process_killed_in_the_middle_of_a_large_answer_is_replaced(tmp_path):
    flag = tmp_path / "killed"

    def work(start, stop):
        if start == 0 and not flag.exists():
            flag.touch()
            threading.Thread(target=kill_while_sending, args=(threading.get_ident(),), daemon=True).start()
        return {"x": np.full((stop - start, 1_000_000), float(start))}

    def kill_while_sending(thread):
        while sys._current_frames()[thread].f_code.co_name != "_send":
            time.sleep(0.0005)
        time.sleep(0.002)
        os.kill(os.getpid(), signal.SIGKILL)

    found = compute(work, 4, piece=2, workers=2)
    assert flag.exists()
    assert found.columns["x"][:, -1].tolist() in ([0.0, 0.0, 2.0, 2.0], [0.0, 1.0, 2.0, 2.0])


class TwoNumbers(Exception):
    """Cannot be unpickled: it is built of two numbers and keeps one."""

    def __init__(self, one, two):
        super().__init__(one + two)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    ("kind", "arguments"), [(ZeroDivisionError, ("oh",)), (TwoNumbers, (1, 2)), (SystemExit, (3,))]
)
def test_what_work_raises_ends_it_and_names_the_points(workers, kind, arguments):
    def work(start, stop):
        if start == 4:
            raise kind(*arguments)
        return squares(start, stop)

    ledger = Memory()
    with pytest.raises(FokkerPlanckError if workers == 2 and kind is TwoNumbers else kind) as caught:
        compute(work, 8, piece=2, workers=workers, ledger=ledger)
    assert "while computing points 4 to 5" in "".join(caught.value.__notes__)
    assert ledger.pieces
    assert (4, 6) not in ledger.pieces
    assert not ledger.known.strikes


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (lambda a, b: {"x": np.zeros(b - a + 1)}, r"`x` of points . to . has the shape \(3,\), but must have 2 rows"),
        (lambda a, b: {"x": [object()] * (b - a)}, "`x` must be numbers or text of fixed width, not object"),
        (lambda a, b: np.zeros(b - a), "a piece must be named columns, not ndarray"),
        (lambda a, b: {"x": np.zeros((b - a, 1 + a))}, r"the columns x\(.,\) for points . to ., and x\(.,\) before"),
        (lambda a, b: {f"x{a}": np.zeros(b - a)}, "returned the columns x[02] for points . to ., and x[02] before"),
    ],
)
def test_columns_that_are_none_are_refused(workers, columns, message):
    with pytest.raises(fp.InvalidArgument, match=message):  # of two processes either may be first
        compute(columns, 4, piece=2, workers=workers)


@pytest.mark.parametrize("arguments", [{"n": 0}, {"piece": 0}, {"workers": 0}, {"piece": 2.5}])
def test_numbers_out_of_range_are_refused(arguments):
    with pytest.raises(fp.InvalidArgument, match=f"`{next(iter(arguments))}` must be a whole number of at least 1"):
        compute(squares, **{"n": 4, "piece": 2} | arguments)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_the_bar_counts_points_and_is_for_terminals_only(monkeypatch):
    for stream in (Terminal(), io.StringIO()):
        monkeypatch.setattr(sys, "stderr", stream)
        compute(squares, 6, piece=2, workers=1, progress=True, ledger=Memory([(0, 2)]))
        assert ("6/6" in stream.getvalue()) == stream.isatty()
        assert ("2/6" in stream.getvalue()) == stream.isatty()


# -- executors of the user's ----------------------------------------------------------------------------------------


class Counting(ThreadPoolExecutor):
    """Counts what it was given and has not finished."""

    now = most = 0

    def submit(self, *arguments):
        type(self).now += 1
        type(self).most = max(self.most, self.now)
        future = super().submit(*arguments)
        future.add_done_callback(self.count)
        return future

    @classmethod
    def count(cls, future):
        cls.now -= 1


def test_any_executor_will_do_and_is_not_flooded():
    with Counting(2) as executor:
        found = compute(squares, 40, piece=1, executor=executor, workers=3)
        assert found.columns["square"].tolist() == [k**2 for k in range(40)]
        assert executor.most <= 3
        assert executor.submit(abs, -1).result() == 1  # it is still the user's


def test_what_is_no_executor_is_refused():
    class Client:
        submit = get_executor = None

    for executor in (Client(), 3):
        with pytest.raises(fp.InvalidArgument, match=r"`executor` must have the `submit`.*client.get_executor\(\)"):
            compute(squares, 4, piece=2, executor=executor)


@posix
def test_an_executor_that_breaks_down_is_told():
    from multiprocessing import get_context

    with (
        ProcessPoolExecutor(1, get_context("spawn")) as executor,
        pytest.raises(FokkerPlanckError, match="`executor` has broken down"),
    ):
        compute(deadly(3), 4, piece=2, executor=executor)


# -- whole programs ---------------------------------------------------------------------------------------------------


def program(tmp_path, text):
    path = tmp_path / "program.py"
    path.write_text(textwrap.dedent(text))
    return path


def started(path, *arguments, **keywords):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, str(path), *map(str, arguments)],
        env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, **keywords,
    )  # fmt: skip


def answer(process):
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return out


def test_a_script_without_main_guard_runs_once(tmp_path):
    path = program(
        tmp_path,
        """
        import numpy as np
        from fokkerplanck.pool import compute

        print("once")
        class Model:
            power = 2

        def work(start, stop):
            return {"x": np.arange(start, stop) ** Model.power}

        print(compute(work, 5, piece=1, workers=2).columns["x"].sum(), __file__[-10:], __spec__)
        """,
    )
    assert answer(started(path)) == "once\n30 program.py None\n"


SWEEP = """
    import os, sys, time
    import numpy as np
    from fokkerplanck.ledger import Ledger
    from fokkerplanck.pool import compute

    folder, log, pause = sys.argv[1], sys.argv[2], float(sys.argv[3])

    def work(start, stop):
        with open(log, "a") as file:
            file.write(f"{os.getpid()} {start} {stop}\\n")
        time.sleep(pause)
        return {"x": np.arange(start, stop) ** 2}

    with Ledger(folder, {"points": 60}) as ledger:
        found = compute(work, 60, piece=2, ledger=ledger, workers=2)
    print(found.interrupted, found.done.sum(), found.columns["x"].max())
"""


def until(condition):
    for _ in range(3000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it does not happen")


def pieces(folder):
    return len(list(folder.glob("piece-*.npz")))


@posix
def test_kill9_of_everything_loses_at_most_what_was_running(tmp_path):
    path, folder, log = program(tmp_path, SWEEP), tmp_path / "sweep", tmp_path / "log"
    process = started(path, folder, log, 0.02)
    until(lambda: pieces(folder) >= 7)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert pieces(folder) < 30
    assert answer(started(path, folder, log, 0.0)) == f"False 60 {59**2}\n"
    ranges = [line.split()[1:] for line in log.read_text().splitlines()]
    assert len(ranges) <= 30 + 2  # which were running
    assert {int(start) for start, _ in ranges} == set(range(0, 60, 2))
    assert not [name for name in os.listdir(folder) if name.endswith((".tmp", ".unusable"))]


@posix
def test_ctrl_c_is_the_parents_keeps_what_is_finished_and_says_so(tmp_path):
    path, folder, log = program(tmp_path, SWEEP), tmp_path / "sweep", tmp_path / "log"
    process = started(path, folder, log, 0.1)
    until(lambda: pieces(folder) >= 4)
    for pid in {int(line.split()[0]) for line in log.read_text().splitlines()}:
        os.kill(pid, signal.SIGINT)
    until(lambda: pieces(folder) >= 8 or process.poll() is not None)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all of them
    out, err = process.communicate(timeout=60)
    assert err == ""
    assert out.split()[0] == "True"
    assert 16 <= int(out.split()[1]) == 2 * pieces(folder) < 60


@posix
def test_workers_end_with_a_parent_that_is_killed(tmp_path):
    path, folder, log = program(tmp_path, SWEEP), tmp_path / "sweep", tmp_path / "log"
    process = started(path, folder, log, 30.0)
    until(lambda: log.exists() and log.read_text().count("\n") == 2)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    workers = [int(line.split()[0]) for line in log.read_text().splitlines()]
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))
    process.communicate()


@posix
def test_ctrl_c_in_this_process_is_not_taken_for_a_solution():
    def work(start, stop):
        if start == 2:
            try:
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(10.0)
            except KeyboardInterrupt:  # as `solve` does, which then returns what it has
                pass
        return squares(start, stop)

    found = compute(work, 6, piece=1, workers=1)
    assert found.interrupted
    assert found.done.tolist() == [True, True, False, False, False, False]
