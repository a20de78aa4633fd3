"""Compiled kernels are kept on disk, so that only the first process compiles; where nothing can be kept, all works."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np

import fokkerplanck

PACKAGE = Path(fokkerplanck.__file__).parent

EVERYTHING_COMPILED = """
import json, sys, time
import fokkerplanck as fp
import fokkerplanck.meanfield.passage_kernels, fokkerplanck.operators.affine_weights, fokkerplanck.particles.kernels
start = time.perf_counter()
model = fp.nnlif(b=0.5, external=lambda t: 0.1 * t, refractory=fp.ExponentialRefractory(0.2))
grid = model.grid(40, v_min=-6.0)
runs = [(None, fp.BackwardEuler(0.01)), (None, fp.Rodas5P()), (None, fp.BackwardEuler(0.01, self_consistent=True)),
        (fp.Weno5(), None)]
rates = [
    float(fp.solve(model, fp.gaussian(0.0, 0.25), (0.0, 0.1), grid, scheme, stepper=stepper).rate[-1])
    for scheme, stepper in runs[:int(sys.argv[1])]
]
print(json.dumps({"rates": rates, "seconds": time.perf_counter() - start, "file": fp.__file__}))
"""


def run(folder, runs=4, **environment):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("NUMBA_", "XDG_", "PYTHON"))}
    environment = kept | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"} | environment
    command = [sys.executable, "-c", EVERYTHING_COMPILED, str(runs)]
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def cache_files(folder):
    return {path.name: path.stat().st_mtime_ns for path in folder.rglob("*.nb[ic]")}


def test_a_second_process_compiles_nothing(tmp_path):
    first = run(PACKAGE.parent, NUMBA_CACHE_DIR=str(tmp_path))
    files = cache_files(tmp_path)
    kernels = [name for name in files if name.endswith(".nbi")]
    assert len(kernels) >= 6
    assert len(files) == 2 * len(kernels)  # an index and one signature each
    second = run(PACKAGE.parent, NUMBA_CACHE_DIR=str(tmp_path))
    assert cache_files(tmp_path) == files
    assert second["rates"] == first["rates"]
    assert second["seconds"] < 0.5 * first["seconds"]


def test_a_readonly_installation_without_a_home_works(tmp_path):
    copy = tmp_path / "installation" / "fokkerplanck"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for folder in [copy, *(path for path in copy.rglob("*") if path.is_dir())]:
        (folder / "__pycache__").write_text(
            "in the way, since the permissions of a folder do not stop an administrator"
        )
    # Where nothing can be kept, numba says so when it sees a kernel for the first time, not when it compiles it.
    answer = run(copy.parent, runs=1, HOME="/dev/null", XDG_CACHE_HOME="/dev/null", NUMBA_OPT="0")
    assert Path(answer["file"]).parent == copy
    assert np.isfinite(answer["rates"]).all()
    assert cache_files(tmp_path) == {}
