"""A sweep that is killed again and again: nothing unreadable, little computed twice, and the right end."""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim
from fokkerplanck.ledger import Ledger

CLAIM = Claim(
    title="A sweep that is killed twenty times loses what was running, and nothing else",
    statement=(
        "The whole group of processes of a sweep is killed by SIGKILL at random times and the sweep is started again, "
        "twenty times over. No file becomes unreadable and none is left over, each kill costs at most the pieces that "
        "were running, one a worker, and the table at the end is that of a sweep that nobody has disturbed, bit by bit."
    ),
    source="pieces begun, as the workers log them, beside pieces kept; CRC-32 of every array on reading",
    parameters={"points": 240, "points of a piece": 2, "workers": 2, "kills": "20 (quick: 3)"},
)

POINTS, PIECE, WORKERS = 240, 2, 2
IDENTITY = {"points": POINTS}
SWEEP = """
import json, os, sys, time
import numpy as np
from fokkerplanck.ledger import Ledger
from fokkerplanck.pool import compute

folder, log, facts = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])

def work(start, stop):
    with open(log, "a") as file:
        file.write(f"{start} {stop}\\n")
    time.sleep(0.02)
    return {"x": np.sin(np.arange(start, stop)), "name": [f"point {k}" for k in range(start, stop)]}

with Ledger(folder, facts["identity"]) as ledger:
    compute(work, facts["points"], piece=facts["piece"], workers=facts["workers"], ledger=ledger)
"""


def run(quick: bool) -> dict:
    kills = 3 if quick else 20
    draw = random.Random(13)
    with tempfile.TemporaryDirectory() as temporary:
        folder, log = Path(temporary, "sweep"), Path(temporary, "log")
        kept = []
        for kill in range(kills):
            # Somewhere in this share of the sweep, and not in its last pieces: every kill meets one that is running.
            target = int((kill + draw.random()) * (POINTS / PIECE - 10) / kills)
            kept.append(_killed(folder, log, target, 0.02 * draw.random()))
        _started(folder, log).wait()
        begun = len(log.read_text().splitlines())
        left = [path.name for path in folder.iterdir() if path.suffix in (".tmp", ".unusable")]
        with Ledger(folder, IDENTITY) as ledger:
            found = ledger.finished()
    undisturbed = np.sin(np.arange(POINTS))
    right = sum(np.array_equal(columns["x"], undisturbed[slice(*piece)]) for piece, columns in found.items())
    return {
        "kills": kills,
        "kept": kept,
        "repeated": begun - POINTS // PIECE,
        "left over": len(left),
        "right": right,
    }


def _started(folder: Path, log: Path) -> subprocess.Popen:
    facts = {"identity": IDENTITY, "points": POINTS, "piece": PIECE, "workers": WORKERS}
    environment = os.environ | {"PYTHONPATH": str(Path(fp.__file__).resolve().parent.parent)}
    command = [sys.executable, "-c", SWEEP, str(folder), str(log), json.dumps(facts)]
    return subprocess.Popen(command, env=environment, start_new_session=True)


def _killed(folder: Path, log: Path, target: int, pause: float) -> int:
    """Start the sweep, kill all of its processes when `target` pieces are there, and say how many there are then."""
    process = _started(folder, log)
    while process.poll() is None and (not log.exists() or len(list(folder.glob("piece-*.npz"))) < target):
        time.sleep(0.001)
    time.sleep(pause)
    if hasattr(os, "killpg"):
        os.killpg(process.pid, signal.SIGKILL)
    else:  # the workers end with their parent
        process.kill()
    process.wait()
    return len(list(folder.glob("piece-*.npz")))


def check(result: dict) -> list[Check]:
    pieces = POINTS // PIECE
    return [
        Check(
            "kills that met a running sweep",
            result["kills"],
            sum(kept < pieces for kept in result["kept"]),
            0.0,
            "equal",
        ),
        Check("pieces begun twice for each kill", WORKERS, result["repeated"] / result["kills"], 0.0, "at most"),
        Check("damaged or left over files", 0, result["left over"], 0.0, "equal"),
        Check("pieces of an undisturbed sweep", pieces, result["right"], 0.0, "equal"),
    ]


def plot(result: dict):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3.2), layout="constrained")
    axes = figure.subplots()
    kept = [0, *result["kept"], POINTS // PIECE]
    axes.plot(range(len(kept)), kept, "C0o-")
    axes.set(xlabel="kills", ylabel="pieces on the disk", title=f"{result['repeated']} pieces were begun twice")
    return figure
