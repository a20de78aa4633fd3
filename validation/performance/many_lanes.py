"""What many lanes cost: labels, learning weights, and neurons on actual synapses. Prints tables; nothing is checked.

    python validation/performance/many_lanes.py [--large]

Times are the best of three in one run, of one process; compare the rows with each other, not with another machine.
`--large` adds 100 000 neurons with 1000 synapses each, which takes 1.6 GB and some ten seconds.
"""

import argparse
import resource
import time

import numpy as np
from scipy.sparse import random_array

import fokkerplanck as fp
from fokkerplanck.models.synapses import Coupling, LowRankMatrix
from fokkerplanck.steppers.protocol import Tolerance

LABELS, CELLS = 4096, 256
SOFT = fp.SoftThreshold(lambda v: 5.0 / (1.0 + np.exp(-(v - 1.0) / 0.2)))
NEURON = fp.nnlif(b=0.0, a0=0.125, V_R=0.0, V_F=1.0, external=0.8, threshold=SOFT)


def best(work, tries: int = 3) -> float:
    """Seconds of processor time."""
    seconds = []
    for _ in range(tries):
        begun = time.process_time()
        work()
        seconds.append(time.process_time() - begun)
    return min(seconds)


def memory() -> float:
    """Largest so far, in gigabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def labels() -> None:
    """A step of 4096 labels by each kind of coupling."""
    rng = np.random.default_rng(0)
    couplings = {
        "dense 4096²": rng.random((LABELS, LABELS)) / LABELS,
        "sparse, 256 a row": random_array((LABELS, LABELS), density=256 / LABELS, format="csr", rng=rng) / 128.0,
        "rank 3": LowRankMatrix(rng.random((LABELS, 3)), rng.random((LABELS, 3)) / LABELS),
    }
    print(f"\n{LABELS} labels × {CELLS} cells          s/step   ns/cell    GB")
    for name, matrix in couplings.items():
        coupling = fp.SynapseMatrix(matrix) if not isinstance(matrix, LowRankMatrix) else equidistant(matrix)
        model = fp.ExtendedPopulation(coupling, NEURON)
        grid = model.grid(CELLS, v_min=-2.0, v_max=6.0)
        for stepper, steps in ((fp.BackwardEuler(0.01), 10), (fp.Rodas5P(), 1)):
            system = fp.ScharfetterGummel().discretize(model, grid)
            y = system.pack(np.tile(fp.gaussian(0.2, 0.09).cell_averages(grid), (LABELS, 1)))
            system.close(y, 0.0)

            def march(stepper=stepper, system=system, y=y, steps=steps) -> None:
                for _ in range(steps):
                    stepper.step(system, y, 0.0, 0.01, Tolerance())

            seconds = best(march) / steps
            per_cell = 1e9 * seconds / (LABELS * CELLS)
            print(f"{name:20s} {type(stepper).__name__:14s} {seconds:8.3f} {per_cell:9.1f} {memory():6.2f}")


def equidistant(matrix: LowRankMatrix) -> Coupling:
    """The matrix as a kernel on labels at the middles of equal cells."""
    xi = (np.arange(LABELS) + 0.5) / LABELS
    return Coupling(xi, np.full(LABELS, 1.0 / LABELS), matrix)


def learning(steps: int = 10_000) -> None:
    """64 weights × 400 cells, 10 000 steps of backward Euler with the transport in w."""
    network = fp.learning(weights=(-1.0, 0.0), lanes=64, signal=1.0, rule=-1.0, speed=0.1)
    start = fp.connectivity(lambda w: np.exp(-50.0 * (w + 0.5) ** 2), fp.gaussian(0.0, 0.25))
    grid, stepper = network.grid(400), fp.BackwardEuler(2e-3)

    def run(end: float = 2e-3 * steps) -> None:
        fp.solve(network, start, (0.0, end), grid=grid, stepper=stepper, save_at=[], estimate_error=False)

    run(0.02)
    seconds = best(run)
    per_cell = 1e9 * seconds / (64 * 400 * steps)
    print(f"\nlearning, 64 weights × 400 cells × {steps} steps: {seconds:.2f} s, {per_cell:.1f} ns a cell and step")


def neurons(count: int, degree: int) -> None:
    """Exact simulation on sparse synapses."""
    begun = time.process_time()
    synapses = fp.erdos_renyi(count, degree, 2.0, seed=1)
    made = time.process_time() - begun
    begun = time.process_time()
    sol = fp.simulate_synapses(synapses, SOFT.rate, fp.gaussian(0.2, 0.09), (0.0, 1.0), sigma=0.5, external=0.8)
    seconds = time.process_time() - begun
    spikes = sol.spikes.mean()
    print(
        f"{count} neurons × {degree} synapses: made in {made:.1f} s, one unit of time ({spikes:.2f} spikes each) in "
        f"{seconds:.1f} s, {memory():.2f} GB"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--large", action="store_true", help="add 100 000 neurons with 1000 synapses each")
    large = parser.parse_args().large
    labels()
    learning()
    print()
    neurons(10_000, 300)
    if large:
        neurons(100_000, 1000)
