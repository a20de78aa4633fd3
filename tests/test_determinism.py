"""The same problem gives the same bits: twice, in any number of threads, and without the compiler."""

import hashlib
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import fokkerplanck as fp

MODELS = (
    fp.nnlif(b=1.5),
    fp.nnlif(b=-5.0, refractory=fp.ExponentialRefractory(0.2)),
    fp.nnlif(b=0.5, a1=0.3, external=lambda t: 0.3 * t),
)
STEPPERS = (fp.Rodas5P(), fp.BackwardEuler(0.01), fp.BackwardEuler(0.01, self_consistent=True))
JOBS = [(model, stepper) for model in MODELS for stepper in STEPPERS]


def fingerprint(job):
    """What a run computed, every bit of it."""
    model, stepper = job
    grid = model.grid(40, v_min=-6.0)
    sol = fp.solve(model, fp.compatible_gaussian(0.0, 0.25), (0.0, 0.1), grid, stepper=stepper)
    digest = hashlib.sha256()
    for array in (sol.t, sol.rate, sol.refractory, sol.density, sol.bend):
        digest.update(array.tobytes())
    return digest.hexdigest()


@pytest.fixture(scope="module")
def expected():
    return [fingerprint(job) for job in JOBS]


def test_determinism_of_a_second_run(expected):
    assert [fingerprint(job) for job in JOBS] == expected
    assert len(set(expected)) == len(JOBS)


@pytest.mark.parametrize("threads", [1, 2, 8])
def test_determinism_of_runs_side_by_side(expected, threads):
    with ThreadPoolExecutor(threads) as pool:
        assert list(pool.map(fingerprint, JOBS)) == expected


@pytest.mark.parametrize(
    "environment",
    [
        {"OPENBLAS_NUM_THREADS": "8", "OMP_NUM_THREADS": "8", "NUMBA_NUM_THREADS": "1"},
        {"NUMBA_DISABLE_JIT": "1"},
    ],
    ids=["8 threads in the libraries", "not compiled"],
)
def test_determinism_in_another_process(expected, environment):
    folders = os.pathsep.join([str(Path(fp.__file__).parent.parent), str(Path(__file__).parent)])
    code = "import json, test_determinism as t; print(json.dumps([t.fingerprint(job) for job in t.JOBS]))"
    child = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": folders} | environment,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert child.returncode == 0, child.stderr
    assert json.loads(child.stdout) == expected
