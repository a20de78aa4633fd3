"""Whatever bytes a case or a result file holds: it is read, or refused with an error of ours.

500 inputs in all; 10,000 with `pytest --hypothesis-profile=nightly -k fuzz`.
"""

import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import share_of_examples

import fokkerplanck as fp
from fokkerplanck.cases import load_case

some_inputs = share_of_examples(1.25, at_least=125)  # four tests of 125, nightly of 2,500
CASE = b"""
title = "a case"
model = { kind = "nnlif", b = 0.5, refractory = { kind = "exponential", tau = 0.2 } }
initial = { kind = "compatible-gaussian", mean = 0.0, variance = 0.25 }
grid = { cells = 60, v_min = -6.0, finest = 0.004 }

[run]
t_span = [0.0, 1.0]
scheme = "upwind"
stepper = { kind = "backward-euler", dt = 0.125, self_consistent = true }
save_at = [0, 0.5, 1]
"""
PIECES = [
    b"0", b"1e308", b"-1e-308", b"nan", b"-inf", b"[", b"]", b"{", b"}", b"=", b".", b"\"", b"'''", b"\n", b"\x00",
    b"\xff", b"true", b"1979-05-27T07:32:00Z", b"[[run]]", b"[model]", b"kind", b"CDF\x01", b"CDF\x02",
    b"\x7f\xff\xff\xff", b"\x80\x00\x00\x00", b"\x00\x00\x00\x0a", b"\x7f\xf8\x00\x00\x00\x00\x00\x00", b"null",
    b"Infinity",
]  # fmt: skip
places = st.floats(0.0, 1.0, exclude_max=True)


@st.composite
def mutants(draw, original):
    """A file with one to five spans removed, repeated, exchanged for a piece, or with a bit turned."""
    content = bytearray(original)
    for _ in range(draw(st.integers(1, 5))):
        start = int(draw(places) * max(len(content), 1))
        end = min(start + draw(st.integers(0, 40)), len(content))
        kind = draw(st.sampled_from(["remove", "repeat", "insert", "bit", "cut"]))
        if kind == "remove":
            del content[start:end]
        elif kind == "repeat":
            content[start:start] = content[start:end] * draw(st.integers(1, 3))
        elif kind == "insert":
            content[start:end] = draw(st.sampled_from(PIECES) | st.binary(max_size=12))
        elif kind == "bit" and start < len(content):
            content[start] ^= 1 << draw(st.integers(0, 7))
        elif kind == "cut" and draw(st.booleans()):
            del content[start:]
    return bytes(content)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


@pytest.fixture(scope="module")
def result_file(folder):
    model = fp.nnlif(b=0.5, refractory=fp.ExponentialRefractory(0.2))
    stepper, monitors = fp.BackwardEuler(0.1), {"mean": fp.mean_potential}
    sol = fp.solve(
        model, fp.gaussian(0.0, 0.25), (0.0, 0.5), model.grid(24, v_min=-7.0), stepper=stepper, monitors=monitors
    )
    sol.save(folder / "whole.nc")
    return sol, (folder / "whole.nc").read_bytes()


def read(reader, content, path: Path):
    """What `reader` makes of a file, or None if it refuses it; every other exception is the test's failure."""
    path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return reader(path)
        except fp.InvalidArgument as error:
            refusal = str(error)
    assert str(path) in refusal
    return None


@given(
    st.binary(max_size=400) | st.text(max_size=200).map(str.encode) | st.lists(st.sampled_from(PIECES)).map(b"".join)
)
@some_inputs
def test_fuzz_of_bytes_as_a_case(folder, content):
    assert read(load_case, content, folder / "case.toml") is None


@given(mutants(CASE))
@some_inputs
def test_fuzz_of_a_case(folder, content):
    case = read(load_case, content, folder / "case.toml")
    assert case is None or np.all(np.isfinite([case.model.coupling.b, case.model.V_F, *case.t_span, case.rtol]))


@given(
    st.binary(max_size=400), st.sampled_from([b"", b"CDF\x01", b"CDF\x02" + bytes(7) + b"\x0a" + bytes(3) + b"\x01"])
)
@some_inputs
def test_fuzz_of_bytes_as_a_result_file(folder, head, content):
    assert read(fp.load, head + content, folder / "run.nc") is None


@given(st.data())
@some_inputs
def test_fuzz_of_a_result_file(folder, result_file, data):
    solution, whole = result_file
    loaded = read(fp.load, data.draw(mutants(whole)), folder / "run.nc")
    if loaded is not None:  # then nothing that is read was changed
        assert repr(loaded) == repr(solution)
        assert loaded.density.tobytes() == solution.density.tobytes()
        assert loaded.rate.tobytes() == solution.rate.tobytes()
