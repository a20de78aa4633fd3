"""Neurons by themselves and coupled through their rate: other simulators beside `simulate`, in the same run.

    python validation/performance/spiking_peers.py --count 100000 --dt 0.01 0.0025 --b 0 0.5 --figure PATH

    dV = (−V + bN) dt + √2 dW,   V_F = 2 → V_R = 1,   N the rate of the population, times in membrane time constants

Every peer gets a virtual environment of its own in a temporary folder, filled from the package registry; one that does
not install or run is skipped with a sentence. Timed are the steps alone: not the installation, compilation, creation
of neurons and connections, nor the first steps of a compiled loop. Printed are the time of one step of one neuron, the
rate after the transient with its standard error, and its bias relative to the rate of the stationary Fokker–Planck
solution, which is that of infinitely many neurons and infinitely short steps. Exits 0: what it prints is judged by eye.

Peers look for spikes at the end of a step, which acts like a threshold that is higher by 0.5826 √(2 dt)
(Broadie, Glasserman, Kou 1997); the bias expected from it is printed above each table. Euler–Maruyama also makes the
variance of V larger by the factor 1 + dt/2, which gives back 0.9 points of it at dt = 0.01 and 0.2 at dt = 0.0025.

The standard error is that of independent neurons, from how the counts of single neurons scatter. Coupling with b = 0.5
widens it by about an eighth (linear response), which is left out.
"""

import argparse
import importlib.metadata
import importlib.util
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

import numpy as np

OURS = "fokkerplanck"
NEEDS = {
    "Brian2, C++ standalone": ["brian2", "numpy<2.4"],  # it does not import beside numpy 2.4
    "Brian2, runtime": ["brian2", "numpy<2.4"],
    "NEST, iaf_psc_delta": ["nest-simulator"],
    "NumPy loop": ["numpy"],
}
SHIFT = 0.5826
"""−ζ(1/2)/√(2π): threshold shift in standard deviations of the noise of one step."""


# The peers. Each runs in its own environment, which has neither fokkerplanck nor the other peers; `job` is the parsed
# command line of that process. What comes back is what the parent prints: version, seconds, rate, error.


def ours(job) -> dict:
    """The one place that knows how `simulate` is called."""
    import fokkerplanck as fp

    model, datum = fp.nnlif(b=job.b), fp.gaussian(0.0, 0.25)

    def run(count: int, end: float):
        return fp.simulate(
            model, count=count, initial=datum, t_span=(0.0, end), dt=job.dt, seed=job.seed, threads=job.threads
        )

    run(100, 10 * job.dt)  # compiles
    start = time.perf_counter()
    sol = run(job.count, job.end)
    seconds = time.perf_counter() - start
    rate, error = sol.mean_rate(job.since, job.end)
    return {"version": fp.__version__, "seconds": seconds, "rate": float(rate), "error": float(error)}


def numpy_loop(job) -> dict:
    """Euler–Maruyama, as written in ten minutes; the spikes of one step kick everybody in the next one."""
    rng = np.random.default_rng(job.seed)
    v = 0.5 * rng.standard_normal(job.count)
    spikes = np.zeros(job.count, dtype=int)
    kick = 0.0
    start = time.perf_counter()
    for k in range(round(job.end / job.dt)):
        v += -v * job.dt + kick + math.sqrt(2.0 * job.dt) * rng.standard_normal(job.count)
        fired = np.flatnonzero(v >= 2.0)
        v[fired] = 1.0
        kick = job.b * len(fired) / job.count
        if (k + 0.5) * job.dt > job.since:
            spikes[fired] += 1
    seconds = time.perf_counter() - start
    return {"version": np.__version__, "seconds": seconds} | rate_of(spikes, job)


def brian2(job) -> dict:
    """Euler–Maruyama, generated; all spikes of a step are summed in one pool and enter the drift of the next one."""
    import brian2 as b2

    standalone = "standalone" in job.worker
    if standalone:
        b2.set_device("cpp_standalone", build_on_run=False)
        b2.prefs.devices.cpp_standalone.openmp_threads = job.threads if job.threads > 1 else 0
    b2.seed(job.seed)
    b2.defaultclock.dt = job.dt * b2.second
    coupling = " + b * activity" if job.b else ""
    equations = f"dv/dt = (-v{coupling}) / tau + sqrt(2 / tau) * xi : 1"
    if job.b:
        equations += "\nactivity : 1 (linked)"
    names = {"tau": b2.second, "b": job.b}
    neurons = b2.NeuronGroup(job.count, equations, threshold="v >= 2", reset="v = 1", method="euler", namespace=names)
    neurons.v = "0.5 * randn()"
    monitor = b2.SpikeMonitor(neurons)
    network = b2.Network(neurons, monitor)
    if job.b:
        pool = b2.NeuronGroup(1, "fired : 1\nactivity : 1", namespace={"per_spike": 1.0 / (job.count * job.dt)})
        pool.run_regularly("activity = fired * per_spike\nfired = 0", when="end")
        synapses = b2.Synapses(neurons, pool, on_pre="fired_post += 1")
        synapses.connect()
        neurons.activity = b2.linked_var(pool, "activity", index=np.zeros(job.count, dtype=int))
        network.add(pool, synapses)
    with tempfile.TemporaryDirectory() as folder:
        if standalone:
            network.run(job.end * b2.second)
            b2.device.build(directory=folder, run=False)
            b2.device.run()
            seconds = b2.device._last_run_time  # of the loop alone, without loading and storing arrays
        else:
            network.run(2 * b2.defaultclock.dt)  # compiles
            start = time.perf_counter()
            network.run((job.end - 2 * job.dt) * b2.second)
            seconds = time.perf_counter() - start
        late = np.asarray(monitor.t / b2.second) > job.since
        spikes = np.bincount(np.asarray(monitor.i)[late], minlength=job.count)
    return {"version": b2.__version__, "seconds": seconds} | rate_of(spikes, job)


def nest(job) -> dict:
    """The exact step of the linear equation for a current that is constant within the step.

    The noise generator draws such a current; its size here makes the variance at the ends of steps that of white noise,
    so that a neuron that does not fire has the exact law there. Coupling through the rate is left out: every spike
    would be delivered to every neuron, also where one parrot neuron hands on all of them: work of the order count².
    """
    if job.b:
        sys.exit("it delivers every spike to every neuron, which takes too long")
    import nest

    tau, capacity = 10.0, 250.0  # ms, pF
    step = tau * job.dt
    decay = math.exp(-job.dt)
    deviation = capacity / tau * math.sqrt((1.0 + decay) / (1.0 - decay))
    nest.local_num_threads = job.threads
    nest.resolution = step
    nest.rng_seed = job.seed
    neurons = nest.Create(
        "iaf_psc_delta", job.count,
        {"tau_m": tau, "C_m": capacity, "E_L": 0.0, "V_th": 2.0, "V_reset": 1.0, "t_ref": 0.0, "V_m": 0.0},
    )  # fmt: skip
    neurons.V_m = 0.5 * np.random.default_rng(job.seed).standard_normal(job.count)
    noise = nest.Create("noise_generator", params={"mean": 0.0, "std": deviation, "dt": step})
    recorder = nest.Create("spike_recorder")
    nest.Connect(noise, neurons)
    nest.Connect(neurons, recorder)
    nest.Prepare()
    start = time.perf_counter()
    nest.Run(tau * job.end)
    seconds = time.perf_counter() - start
    nest.Cleanup()
    late = recorder.events["times"] > tau * job.since
    spikes = np.bincount(recorder.events["senders"][late] - neurons[0].global_id, minlength=job.count)
    version = importlib.metadata.version("nest-simulator")
    return {"version": version, "seconds": seconds} | rate_of(spikes, job)


def rate_of(spikes: np.ndarray, job) -> dict:
    """Mean rate and its standard error from the number of spikes that each neuron fired since the transient."""
    window = job.end - job.since
    return {"rate": spikes.mean() / window, "error": spikes.std(ddof=1) / math.sqrt(job.count) / window}


WORKERS = {"Brian2": brian2, "NEST": nest, "NumPy": numpy_loop, OURS: ours}


# The parent.


def installed(peer: str, needs: list[str], folder: Path) -> Path | None:
    """Python of a new environment with these packages, or None and a sentence."""
    venv.EnvBuilder(with_pip=False, symlinks=os.name != "nt").create(folder)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    if uv:
        command = [uv, "pip", "install", "--quiet", "--python", str(python), *needs]
    elif importlib.util.find_spec("pip"):
        command = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-user", *needs]
    else:
        print(f"{peer}: skipped, because there is neither uv nor pip to install it with")
        return None
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{peer}: skipped, because it does not install here: {last_line(done.stderr)}")
        return None
    return python


def several(peer: str, python: list[str], b: float, options: argparse.Namespace) -> list[dict]:
    """A row for every step, up to the first that fails."""
    rows = []
    for dt in options.dt:
        runs = []
        for _ in range(options.repeats):
            run = measured(peer, python, dt, b, options)
            if run is None:
                return rows
            runs.append(run)
        row = min(runs, key=lambda run: run["seconds"])  # same seed, same rate
        row["step"] = 1e9 * row["seconds"] / (options.count * round(options.end / dt))
        row["bias"] = 100.0 * (row["rate"] / stationary_rate(b) - 1.0)
        rows.append(row)
    return rows


def measured(peer: str, python: list[str], dt: float, b: float, options: argparse.Namespace) -> dict | None:
    """What a process of the peer's own Python reports, or None and a sentence."""
    given = {
        "--worker": peer, "--dt": dt, "--b": b, "--count": options.count, "--end": options.end,
        "--since": options.since, "--seed": options.seed, "--threads": options.threads,
    }  # fmt: skip
    words = [str(word) for pair in given.items() for word in pair]
    threads = {name: str(options.threads) for name in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS")}
    done = subprocess.run(
        [*python, str(Path(__file__).resolve()), *words],
        capture_output=True, text=True, check=False, env=os.environ | threads,
    )  # fmt: skip
    reports = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not reports:
        print(f"{peer}, b = {b:g}: not available: {last_line(done.stderr)}")
        return None
    return json.loads(reports[-1]) | {"peer": peer, "dt": dt, "b": b}


def last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no reason given"])[-1].strip()


def stationary_rate(b: float, shift: float = 0.0) -> float:
    """Rate of the only stationary state, with a threshold that is higher by `shift`."""
    import fokkerplanck as fp

    (state,) = fp.stationary_states(fp.nnlif(b=b, V_F=2.0 + shift))
    return state.rate


def show(rows: list[dict], options: argparse.Namespace) -> None:
    for b in options.b:
        print(f"\nb = {b:g}, {options.count} neurons, N∞ = {stationary_rate(b):.9f}")
        for dt in options.dt:
            bias = stationary_rate(b, SHIFT * math.sqrt(2.0 * dt)) / stationary_rate(b) - 1.0
            print(f"  expected where spikes are looked for at the ends of steps of {dt:g}: {100 * bias:+.1f} %")
        print(
            f"{'':24}{'version':>12}{'dt':>9}{'ns/step':>9}{'M steps/s':>11}{'seconds':>9}{'× ours':>8}"
            f"{'rate':>11}{'± s.e.':>9}{'bias %':>8}{'± s.e.':>7}"
        )
        for dt in options.dt:
            here = [row for row in rows if row["b"] == b and row["dt"] == dt]
            own = next((row["seconds"] for row in here if row["peer"] == OURS), None)
            for row in here:
                ratio = f"{row['seconds'] / own:8.2f}" if own else f"{'–':>8}"
                print(
                    f"{row['peer']:24}{row['version'][:11]:>12}{dt:9g}{row['step']:9.2f}{1e3 / row['step']:11.1f}"
                    f"{row['seconds']:9.2f}{ratio}{row['rate']:11.6f}{row['error']:9.6f}{row['bias']:8.2f}"
                    f"{100 * row['error'] / stationary_rate(b):7.2f}"
                )


def draw(rows: list[dict], options: argparse.Namespace) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5 * len(options.b), 4), layout="constrained")
    peers = list(dict.fromkeys(row["peer"] for row in rows))
    for ax, b in zip(figure.subplots(1, len(options.b), squeeze=False)[0], options.b, strict=True):
        for index, peer in enumerate(peers):
            points = [row for row in rows if row["peer"] == peer and row["b"] == b]
            seconds = [row["seconds"] / options.end for row in points]
            noise = [row["error"] / stationary_rate(b) for row in points]
            errors = [max(abs(row["bias"]) / 100.0, own) for row, own in zip(points, noise, strict=True)]
            ax.errorbar(seconds, errors, yerr=noise, color=f"C{index}", lw=1, capsize=3)
            for x, y, own in zip(seconds, errors, noise, strict=True):
                ax.plot(x, y, "o", color=f"C{index}", mfc="white" if y <= 2.0 * own else None)
            ax.plot([], [], "o-", color=f"C{index}", label=peer)
        ax.set(
            xscale="log", yscale="log", title=f"$b = {b:g}$", xlabel="seconds per membrane time",
            ylabel="error of the rate, relative",
        )  # fmt: skip
        for low, high, limit in ((*ax.get_xlim(), ax.set_xlim), (*ax.get_ylim(), ax.set_ylim)):
            limit(10.0 ** math.floor(math.log10(low)), 10.0 ** math.ceil(math.log10(high)))  # whole decades
    ax.legend(title=f"{options.count} neurons; hollow: within 2 s.e.", fontsize="small", title_fontsize="small")
    figure.savefig(options.figure)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100_000, help="neurons")
    parser.add_argument("--dt", type=float, nargs="+", default=[0.01, 0.0025], help="steps, in membrane times")
    parser.add_argument("--b", type=float, nargs="+", default=[0.0, 0.5], help="connectivities")
    parser.add_argument("--end", type=float, default=20.0, help="end, in membrane times")
    parser.add_argument("--since", type=float, default=8.0, help="end of the transient, which is not counted")
    parser.add_argument("--threads", type=int, default=1, help="threads of every peer that has them")
    parser.add_argument("--repeats", type=int, default=1, help="runs, of which the fastest counts")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--figure", type=Path, help="error of the rate versus time of calculation")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> int:
    options = parsed()
    if options.worker:
        options.dt, options.b = options.dt[0], options.b[0]
        print(json.dumps(WORKERS[options.worker.split()[0].rstrip(",")](options)))
        return 0
    compiler = shutil.which("g++") and shutil.which("make")
    unwanted = "Brian2, runtime" if compiler else "Brian2, C++ standalone"
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        pythons = {OURS: [sys.executable]}
        for peer, needs in NEEDS.items():
            if peer != unwanted and (python := installed(peer, needs, Path(folder) / peer.split()[0].rstrip(","))):
                pythons[peer] = [str(python), "-I"]
        for peer, python in pythons.items():
            for b in options.b:
                rows += several(peer, python, b, options)
    if rows:
        show(rows, options)
        if options.figure:
            draw(rows, options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
