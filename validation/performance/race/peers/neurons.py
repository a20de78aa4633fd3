"""Neurons one by one, dV = (−V + bN) dt + √2 dW with V_F = 2 → V_R = 1, in Brian2, NEST, NumPy and fokkerplanck.

Each answers with the seconds of the steps alone, its rate after the transient and the standard error of that. What is
imported differs, so every import is inside of its function.
"""

import math
import resource
import tempfile

import numpy as np

from ..clock import of_threads


def ours(job: dict) -> dict:
    import fokkerplanck as fp

    model, datum, now = fp.nnlif(b=job["b"]), fp.gaussian(0.0, 0.25), of_threads(job["threads"])

    def run(count: int, end: float):
        return fp.simulate(
            model, count=count, initial=datum, t_span=(0.0, end), dt=job["dt"], seed=job["seed"], threads=job["threads"]
        )

    run(100, 10 * job["dt"])  # compiles
    start = now()
    sol = run(job["count"], job["end"])
    seconds = now() - start
    rate, error = sol.mean_rate(job["since"], job["end"])
    return {"seconds": seconds, "rate": float(rate), "error": float(error)}


def numpy_loop(job: dict) -> dict:
    """Euler–Maruyama, as written in ten minutes; the spikes of one step kick everybody in the next one."""
    count, dt, now = job["count"], job["dt"], of_threads(1)
    rng = np.random.default_rng(job["seed"])
    v = 0.5 * rng.standard_normal(count)
    spikes = np.zeros(count, dtype=int)
    kick = 0.0
    start = now()
    for k in range(round(job["end"] / dt)):
        v += -v * dt + kick + math.sqrt(2.0 * dt) * rng.standard_normal(count)
        fired = np.flatnonzero(v >= 2.0)
        v[fired] = 1.0
        kick = job["b"] * len(fired) / count
        if (k + 0.5) * dt > job["since"]:
            spikes[fired] += 1
    return {"seconds": now() - start} | rate_of(spikes, job)


def brian2(job: dict) -> dict:
    """Euler–Maruyama, generated; all spikes of a step are summed in one pool and enter the drift of the next one."""
    import brian2 as b2

    if job["standalone"]:
        b2.set_device("cpp_standalone", build_on_run=False)
        b2.prefs.devices.cpp_standalone.openmp_threads = job["threads"] if job["threads"] > 1 else 0
    b2.seed(job["seed"])
    b2.defaultclock.dt = job["dt"] * b2.second
    coupling = " + b * activity" if job["b"] else ""
    equations = f"dv/dt = (-v{coupling}) / tau + sqrt(2 / tau) * xi : 1"
    if job["b"]:
        equations += "\nactivity : 1 (linked)"
    names = {"tau": b2.second, "b": job["b"]}
    neurons = b2.NeuronGroup(
        job["count"], equations, threshold="v >= 2", reset="v = 1", method="euler", namespace=names
    )
    neurons.v = "0.5 * randn()"
    monitor = b2.SpikeMonitor(neurons)
    network = b2.Network(neurons, monitor)
    if job["b"]:
        pool = b2.NeuronGroup(1, "fired : 1\nactivity : 1", namespace={"per_spike": 1.0 / (job["count"] * job["dt"])})
        pool.run_regularly("activity = fired * per_spike\nfired = 0", when="end")
        synapses = b2.Synapses(neurons, pool, on_pre="fired_post += 1")
        synapses.connect()
        neurons.activity = b2.linked_var(pool, "activity", index=np.zeros(job["count"], dtype=int))
        network.add(pool, synapses)
    with tempfile.TemporaryDirectory() as folder:
        seconds = built(b2, network, job, folder) if job["standalone"] else interpreted(b2, network, job)
        late = np.asarray(monitor.t / b2.second) > job["since"]
        spikes = np.bincount(np.asarray(monitor.i)[late], minlength=job["count"])
    return {"seconds": seconds} | rate_of(spikes, job)


def built(b2, network, job: dict, folder: str) -> float:
    """Of the loop alone, without loading and storing arrays: the clock on the wall, or the processor's if that is less.

    The program is one of its own: its processor time is that of a child, loading and storing included.
    """
    network.run(job["end"] * b2.second)
    b2.device.build(directory=folder, run=False)
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    b2.device.run()
    used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    loop = float(b2.device._last_run_time)
    return min(loop, used) if job["threads"] == 1 else loop


def interpreted(b2, network, job: dict) -> float:
    now = of_threads(job["threads"])
    network.run(2 * b2.defaultclock.dt)  # compiles
    start = now()
    network.run((job["end"] - 2 * job["dt"]) * b2.second)
    return now() - start


def nest(job: dict) -> dict:
    """The exact step of the linear equation for a current that is constant within the step.

    The noise generator draws such a current; its size here makes the variance at the ends of steps that of white noise,
    so that a neuron that does not fire has the exact law there. Coupling through the rate is left out: every spike
    would be delivered to every neuron, also where one parrot neuron hands on all of them: work of the order count².
    """
    if job["b"]:
        raise NotImplementedError("it delivers every spike to every neuron, which takes too long")
    import nest

    tau, capacity = 10.0, 250.0  # ms, pF
    step = tau * job["dt"]
    decay = math.exp(-job["dt"])
    deviation = capacity / tau * math.sqrt((1.0 + decay) / (1.0 - decay))
    nest.local_num_threads = job["threads"]
    nest.resolution = step
    nest.rng_seed = job["seed"]
    neurons = nest.Create(
        "iaf_psc_delta", job["count"],
        {"tau_m": tau, "C_m": capacity, "E_L": 0.0, "V_th": 2.0, "V_reset": 1.0, "t_ref": 0.0, "V_m": 0.0},
    )  # fmt: skip
    neurons.V_m = 0.5 * np.random.default_rng(job["seed"]).standard_normal(job["count"])
    noise = nest.Create("noise_generator", params={"mean": 0.0, "std": deviation, "dt": step})
    recorder = nest.Create("spike_recorder")
    nest.Connect(noise, neurons)
    nest.Connect(neurons, recorder)
    nest.Prepare()
    now = of_threads(job["threads"])
    start = now()
    nest.Run(tau * job["end"])
    seconds = now() - start
    nest.Cleanup()
    late = recorder.events["times"] > tau * job["since"]
    spikes = np.bincount(recorder.events["senders"][late] - neurons[0].global_id, minlength=job["count"])
    return {"seconds": seconds} | rate_of(spikes, job)


def rate_of(spikes: np.ndarray, job: dict) -> dict:
    """Mean rate and its standard error from the number of spikes that each neuron fired since the transient."""
    window = job["end"] - job["since"]
    return {"rate": spikes.mean() / window, "error": spikes.std(ddof=1) / math.sqrt(job["count"]) / window}
