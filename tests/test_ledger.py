"""A folder of finished pieces: what it keeps, what it refuses, and what survives damage."""

import ast
import json
import os
import pickle
import shutil
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fokkerplanck as fp
from fokkerplanck import ledger as module
from fokkerplanck.ledger import Ledger
from fokkerplanck.pool import Faults, compute

ROOT = Path(fp.__file__).resolve().parent.parent
IDENTITY = {"model": {"b": 0.5}, "axes": {"b": [0.1, 0.2, 0.3], "tau": [1]}, "metrics": ["rate"]}
COLUMNS = {
    "rate": np.array([0.1, np.nan, 1e300]),
    "count": np.array([1, 2, -3]),
    "stopped": np.array([True, False, True]),
    "status": np.array(["FINISHED", "", "BLOW_UP"]),
    "initial.mean": np.zeros((3, 2), dtype=np.float32),
    "τ": np.arange(3) + 1j,
    "file": np.arange(3, dtype=np.uint8),
}


@pytest.fixture
def kept(tmp_path):
    """A folder with a piece."""
    with Ledger(tmp_path / "sweep", IDENTITY) as ledger:
        ledger.store(3, 6, COLUMNS)
    return tmp_path / "sweep"


def same(one, other):
    return list(one) == list(other) and all(
        one[name].dtype == other[name].dtype and one[name].tobytes() == other[name].tobytes() for name in one
    )


def test_a_piece_comes_back_bit_by_bit_and_numpy_reads_it(kept):
    with Ledger(kept, IDENTITY) as ledger:
        found = ledger.finished()
    assert list(found) == [(3, 6)]
    assert same(found[3, 6], COLUMNS)
    with np.load(kept / "piece-000000003-000000006.npz") as archive:
        assert archive["status"].tolist() == COLUMNS["status"].tolist()


def test_the_order_of_keys_and_the_kind_of_sequence_do_not_matter(kept):
    reordered = dict(reversed(IDENTITY.items())) | {"metrics": ("rate",)}
    with Ledger(kept, reordered) as ledger:
        assert list(ledger.finished()) == [(3, 6)]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"x": np.zeros(2)}, r"`x` of points 0 to 2 has the shape \(2,\), but must have 3 rows"),
        ({"x": np.float64(1.0)}, r"`x` of points 0 to 2 has the shape \(\)"),
        ({"x": [None, 1, 2]}, "`x` must be numbers or text of fixed width, not object"),
    ],
)
def test_what_is_no_piece_is_not_kept(columns, message, tmp_path):
    with Ledger(tmp_path, {}) as ledger:
        with pytest.raises(fp.InvalidArgument, match=message):
            ledger.store(0, 3, columns)
        assert ledger.finished() == {}


# -- damage -----------------------------------------------------------------------------------------------------


@given(data=st.data())
def test_no_flipped_byte_passes_for_a_result(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("flipped")
    with Ledger(folder, IDENTITY) as ledger:
        ledger.store(3, 6, COLUMNS)
        path = next(folder.glob("piece-*"))
        content = bytearray(path.read_bytes())
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
        path.write_bytes(content)
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            found = ledger.finished()
    if found:  # the date of a member, for example
        assert same(found[3, 6], COLUMNS)
        assert not told
    else:
        assert " is damaged; " in str(told[0].message) or " belongs to another sweep; " in str(told[0].message)
        assert path.with_name(f"{path.name}.unusable").read_bytes() == content


def test_a_damaged_piece_is_named_set_aside_and_computed_again(kept):
    path = kept / "piece-000000003-000000006.npz"
    path.write_bytes(path.read_bytes()[:-30])
    square = lambda a, b: {"x": np.arange(a, b) ** 2}  # noqa: E731
    with (
        Ledger(kept, IDENTITY) as ledger,
        pytest.warns(fp.FokkerPlanckWarning, match=rf"{path.name} is damaged; .* now called {path.name}.unusable"),
    ):
        found = compute(square, 9, piece=3, workers=1, ledger=ledger)
    assert found.columns["x"].tolist() == [k**2 for k in range(9)]
    with Ledger(kept, IDENTITY) as ledger:  # without another warning
        assert list(ledger.finished()) == [(0, 3), (3, 6), (6, 9)]


@pytest.mark.parametrize("name", ["piece-000000003-000000006.npz", "piece-000000000-000000003.npz"])
def test_a_piece_of_another_sweep_or_of_other_points_is_not_taken(name, kept, tmp_path):
    with Ledger(tmp_path / "other", IDENTITY if "00000-0" in name else {}) as other:
        shutil.copy(kept / "piece-000000003-000000006.npz", tmp_path / "other" / name)
        with pytest.warns(fp.FokkerPlanckWarning, match="belongs to another sweep"):
            assert other.finished() == {}
    assert (tmp_path / "other" / f"{name}.unusable").exists()


class Harmful:
    def __reduce__(self):
        return os.abort, ()


def test_reading_a_folder_runs_no_code(kept):
    path = kept / "piece-000000003-000000006.npz"
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    header = b"\x93NUMPY\x01\x00" + (118).to_bytes(2, "little")
    header += b"{'descr': '|O', 'fortran_order': False, 'shape': (3,), }".ljust(117) + b"\n"
    members["rate.npy"] = header + pickle.dumps(Harmful())
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with Ledger(kept, IDENTITY) as ledger, pytest.warns(fp.FokkerPlanckWarning, match="is damaged"):
        assert ledger.finished() == {}


# -- strikes ----------------------------------------------------------------------------------------------------


def test_strikes_survive_a_restart_and_their_damage_is_told(kept):
    faults = Faults({(0, 8): 1, (3, 4): 3}, {3: "it kills"})
    with Ledger(kept, IDENTITY) as ledger:
        assert ledger.faults() == Faults()
        ledger.keep_faults(faults)
    with Ledger(kept, IDENTITY) as ledger:
        assert ledger.faults() == faults
        (kept / "strikes.json").write_bytes(b"{}")
        with pytest.warns(fp.FokkerPlanckWarning, match=r"strikes.json is damaged .* is tried again"):
            assert ledger.faults() == Faults()
        assert ledger.faults() == Faults()


# -- other folders ----------------------------------------------------------------------------------------------


def refusal(folder, identity=IDENTITY):
    before = sorted(os.listdir(folder)) if os.path.isdir(folder) else None
    with pytest.raises(fp.InvalidArgument) as caught, Ledger(folder, identity):
        pass
    after = sorted(os.listdir(folder)) if os.path.isdir(folder) else None
    assert before == after or after == sorted([*before, "lock"])
    return str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"axes": {"b": [0.1, 0.2], "tau": [1]}}, "`axes.b` has 3 values there and 2 here. "),
        ({"axes": {"b": [0.1, 0.2, 0.4], "tau": [1]}}, "`axes.b[2]` is 0.3 there and 0.4 here. "),
        ({"axes": {"b": [0.1, 0.2, 0.3]}}, "`axes.tau` is given only there. "),
        ({"model": {"b": 0.5, "a1": 1}}, "`model.a1` is given only here. "),
        (
            {"model": 3, "metrics": []},
            "`metrics` has 1 values there and 0 here; `model` is {'b': 0.5} there and 3 here",
        ),
        (
            {"axes": {"b": [0.5, 0.6, 0.7], "tau": [2]}},
            "`axes.b[0]` is 0.1 there and 0.5 here; `axes.b[1]` is 0.2 there and 0.6 here; `axes.b[2]` is 0.3 there "
            "and 0.7 here; and 1 more. ",
        ),
    ],
)
def test_a_folder_of_another_sweep_is_refused_with_what_differs(change, message, kept):
    assert message in refusal(kept, IDENTITY | change)


def test_folders_that_are_none_are_refused(tmp_path):
    (tmp_path / "thesis.tex").touch()
    assert "is not the folder of a sweep: it holds thesis.tex" in refusal(tmp_path)
    assert "cannot be made: File exists" in refusal(tmp_path / "thesis.tex")
    assert "cannot be made: Not a directory" in refusal(tmp_path / "thesis.tex" / "inner")


def test_a_description_that_is_damaged_or_newer_is_refused(kept):
    path = kept / "sweep.json"
    whole = json.loads(path.read_bytes())
    path.write_text(json.dumps(whole | {"format": module.FORMAT_VERSION + 1}))
    assert "upgrade it" in refusal(kept)
    for content in (path.read_bytes()[:50], b"3", b"{}"):
        path.write_bytes(content)
        assert f"{path} is damaged" in refusal(kept)


def test_another_version_of_the_program_is_told(kept, monkeypatch):
    monkeypatch.setattr(module, "__version__", "99.0")
    with pytest.warns(fp.FokkerPlanckWarning, match=r"was begun by fokkerplanck .* and is continued by 99.0") as caught:
        Ledger(kept, IDENTITY).__enter__().__exit__()
    assert caught[0].filename == __file__


def test_an_identity_that_is_no_json_is_refused(tmp_path):
    with pytest.raises(fp.InvalidArgument, match="`identity` must be made of what JSON knows"):
        Ledger(tmp_path, {"b": np.zeros(3)})


def test_leftovers_of_a_killed_writer_are_removed_and_nothing_else(kept):
    leftover = kept / "piece-000000006-000000009.npz.4711.0123abcd.tmp"
    others = [kept / "notes.txt", kept / "piece-000000006-000000009.npz.bak", kept / "my.4711.0123abcd.tmp"]
    for path in (leftover, *others):
        path.touch()
    with Ledger(kept, IDENTITY):
        pass
    assert not leftover.exists()
    assert all(path.exists() for path in others)


# -- other processes --------------------------------------------------------------------------------------------

HOLD = """
import sys
from fokkerplanck.ledger import Ledger
with Ledger(sys.argv[1], {}):
    print("held", flush=True)
    sys.stdin.read()
"""


def child(code, *arguments, **keywords):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **keywords,
    )  # fmt: skip


def test_a_folder_in_use_is_refused_and_free_when_its_user_is_killed(tmp_path):
    with child(HOLD, tmp_path) as process:
        assert process.stdout.readline() == "held\n"
        message = refusal(tmp_path, {})
        assert f"{tmp_path} is being used by another sweep (process {process.pid} on " in message
        process.kill()
    with Ledger(tmp_path, {}), pytest.raises(fp.InvalidArgument, match=f"process {os.getpid()} on"):
        Ledger(tmp_path, {}).__enter__()
    with Ledger(tmp_path, {}):
        pass


DISK_FULL = """
import os, resource, sys
import numpy as np
from fokkerplanck.ledger import Ledger
from fokkerplanck.pool import compute

resource.setrlimit(resource.RLIMIT_FSIZE, (20000, resource.RLIM_INFINITY))
with Ledger(sys.argv[1], {}) as ledger:
    try:
        work = lambda a, b: {"x": ["y" * (10_000 if a == 7 else 10)]}
        compute(work, 8, piece=1, ledger=ledger, workers=int(sys.argv[2]))
    except OSError as error:
        print(os.path.basename(error.filename), error.strerror, len(ledger.finished()), sep=";")
print(sorted(os.listdir(sys.argv[1])))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
@pytest.mark.parametrize("workers", [1, 2])
def test_diskfull_names_the_piece_and_keeps_the_finished_ones(workers, tmp_path):
    with child(DISK_FULL, tmp_path, workers) as process:
        out, err = process.communicate()
    told, files = out.splitlines()
    assert err == ""
    name, reason, finished = told.split(";")
    assert name == "piece-000000007-000000008.npz"
    assert reason == "File too large while writing"
    assert int(finished) >= 8 - workers
    left = set(ast.literal_eval(files))
    assert left <= {"lock", "sweep.json", *(f"piece-{k:09d}-{k + 1:09d}.npz" for k in range(7))}
    assert len(left) == int(finished) + 2
