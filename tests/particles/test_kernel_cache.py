"""The kernels of the particles are compiled once, with one signature each, and the next process finds them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import fokkerplanck

PACKAGE = Path(fokkerplanck.__file__).parent

EVERYTHING_COMPILED = """
import json
import fokkerplanck as fp
waiting, datum = fp.ExponentialRefractory(0.2), fp.compatible_gaussian(1.83, 0.003)
models = [fp.nnlif(b=0.5, refractory=waiting), fp.nnlif(b=0.5), fp.nnlif(b=0.5, threshold=fp.RandomThreshold(0.05)),
          fp.nnlif(b=0.3, V_R=-1.0, drift=fp.QuadraticDrift()), fp.nnlif(b=0.5, a1=0.1)]
print(json.dumps([float(fp.simulate(model, 2000, datum, (0.0, 0.003), dt=1e-4).fired[-1]) for model in models]))
"""


def run(cache):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("NUMBA_", "XDG_", "PYTHON"))}
    environment = kept | {"PYTHONPATH": str(PACKAGE.parent), "NUMBA_CACHE_DIR": str(cache)}
    command = [sys.executable, "-c", EVERYTHING_COMPILED]
    done = subprocess.run(command, env=environment, cwd=PACKAGE.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), {path.name: path.stat().st_mtime_ns for path in cache.rglob("*.nb[ic]")}


def test_a_second_process_compiles_nothing(tmp_path):
    first, files = run(tmp_path)
    indices = [name for name in files if name.endswith(".nbi")]
    assert len(indices) >= 10
    assert len(files) == 2 * len(indices)  # an index and one signature each
    assert run(tmp_path) == (first, files)
