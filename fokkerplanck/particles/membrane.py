"""The noisy integrate-and-fire neuron in the units of the laboratory: free moments, Euler–Maruyama, the exact step.

    τ dV = (E_l − V + μ) dt + σ√τ dW

that is, the input current is I(t) = μ + σ√τ η(t) with white noise η. Exercise sheets also print √(τσ) η, which has not
the variance τσ² that they state, leave E_l out of the solution, and give the increments ΔW a density whose variance is
Δt/2: here V relaxes to E_l + μ, ΔW has the variance Δt, and the free stationary variance is σ²/2.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import erfcx, ndtr

from ..inputs import checked_span, checked_step
from ..models.lif import LIF, broadcast_values, require_neuron
from ..outcomes import (
    FokkerPlanckWarning,
    InvalidArgument,
    finite_number,
    frozen,
    named,
    non_negative,
    positive,
    real_array,
    whole_number,
)
from ..spiketrains import SpikeTrains
from . import kernels
from .random import BLOCK, checked_seed, streams, ziggurat

if TYPE_CHECKING:
    from matplotlib.figure import Figure

METHODS = {"euler": "Euler–Maruyama", "exact": "the law of the Ornstein–Uhlenbeck process over a step"}
THRESHOLDS = {
    "none": "no threshold",
    "end of step": "the potential is compared with V_th at the ends of steps",
    "bridge": "between the ends of steps the Brownian bridge is asked as well",
}
WHOLE = 1e-9
"""Relative difference from a whole number of steps that is rounding."""
MOST_VALUES, SAVES = 2e6, 1000
"""Potentials kept by default, and at how many times at most."""
MOST_WORK, STEP_WORK = 2e10, 250
"""Steps of single trials in one run, some minutes; and how many of them the bookkeeping of a step is worth."""
RETURNING = 0.1
"""Probability to come from V_r to V_th within a step from which there is a warning: the rate is then 1 % too low."""


def membrane_moments(
    t: ArrayLike, mu: ArrayLike, sigma: ArrayLike, neuron: LIF, V_0: ArrayLike
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of the membrane potential without threshold.

        ⟨V⟩ = V_0 e^{−t/τ} + (E_l + μ)(1 − e^{−t/τ}),   Var V = (σ²/2)(1 − e^{−2t/τ})

    Parameters
    ----------
    t : float or array
        Times since the potential was V_0, ≥ 0. This, μ, σ and V_0 broadcast.
    mu, sigma : float or array
        Mean input and noise (potential), σ ≥ 0.
    neuron : LIF
        Of which τ_m and E_l count.
    V_0 : float or array
        Potential at time 0.

    Raises
    ------
    InvalidArgument
        If an argument is out of range, or arrays do not broadcast.

    Source: exercise 9 and eq. (4) of the sheet TD3, "Balanced networks", github.com/yfardella/Th_Neuro_TD_2025, where
    E_l is zero.

    >>> neuron = LIF(tau_m=0.02, V_th=20.0, V_r=10.0)
    >>> mean, variance = membrane_moments(0.02, 15.0, 5.0, neuron, V_0=10.0)
    >>> round(float(mean), 6), round(float(variance), 6)
    (13.160603, 10.808309)
    """
    require_neuron(neuron)
    mean_input, noise, start, time = broadcast_values(_named_drive(mu, sigma, V_0) | {"t": (t, 0.0)})
    passed, rest = time / neuron.tau_m, neuron.E_l + mean_input
    mean = start * np.exp(-passed) - rest * np.expm1(-passed)
    return np.asarray(mean), np.asarray(-0.5 * noise**2 * np.expm1(-2.0 * passed))


def euler_moments(
    steps: ArrayLike, dt: ArrayLike, mu: ArrayLike, sigma: ArrayLike, neuron: LIF, V_0: ArrayLike
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance after n steps of Euler–Maruyama, exactly; with h = dt/τ,

        ⟨V_n⟩ = E_l + μ + (V_0 − E_l − μ)(1 − h)^n,   Var V_n = (σ²/2)(1 − (1 − h)^{2n})/(1 − h/2)

    Its stationary variance is too large by the factor 1/(1 − h/2); beyond h = 2 it does not converge.

    Parameters
    ----------
    steps : int or array of int
        n ≥ 0. This, dt, μ, σ and V_0 broadcast.
    dt : float or array
        Step (time), shorter than 2τ.
    mu, sigma, neuron, V_0
        As for `membrane_moments`.

    Raises
    ------
    InvalidArgument
        If an argument is out of range, a number of steps is not whole, or arrays do not broadcast.

    >>> neuron = LIF(tau_m=0.02, V_th=20.0, V_r=10.0)
    >>> _, variance = euler_moments(10_000, 0.002, 15.0, 5.0, neuron, V_0=10.0)
    >>> round(float(variance), 6)
    13.157895
    """
    require_neuron(neuron)
    given = _named_drive(mu, sigma, V_0) | {"steps": (steps, 0.0), "dt": (dt, 0.0)}
    mean_input, noise, start, n, step = broadcast_values(given)
    if np.any(n != np.round(n)):
        raise InvalidArgument(f"`steps` must be whole numbers of steps, not {steps!r:.60}.")
    h, rest = _converging(step, neuron), neuron.E_l + mean_input
    mean = rest + (start - rest) * (1.0 - h) ** n
    return np.asarray(mean), np.asarray(0.5 * noise**2 * (1.0 - (1.0 - h) ** (2.0 * n)) / (1.0 - 0.5 * h))


def _named_drive(mu: ArrayLike, sigma: ArrayLike, V_0: ArrayLike) -> dict[str, tuple[ArrayLike, float]]:
    """Input and initial potential by name, each with its least value."""
    return {"mu": (mu, -np.inf), "sigma": (sigma, 0.0), "V_0": (V_0, -np.inf)}


def _converging(dt: np.ndarray, neuron: LIF, name: str = "dt") -> np.ndarray:
    """h = dt/τ, if Euler–Maruyama converges with every one."""
    h = dt / neuron.tau_m
    if np.any(h <= 0.0):
        raise InvalidArgument(f"`{name}` makes a step of zero; it must be positive.")
    if np.any(h >= 2.0):
        raise InvalidArgument(
            f"`{name}` makes a step of {np.max(dt):g}, which is {np.max(h):.3g} membrane times; from 2 on the scheme "
            f"does not converge. Take shorter steps, below {2.0 * neuron.tau_m:g}."
        )
    return h


@dataclass(frozen=True)
class EulerErrors:
    """Errors of Euler–Maruyama at the end of a run, from paths with common noise; from `euler_errors`.

    Attributes
    ----------
    dt : array, shape (runs,)
    strong, strong_error : array, shape (runs,)
        √⟨(V_euler − V)²⟩ and its standard error.
    weak, weak_error : array, shape (runs,)
        ⟨V_euler⟩ − ⟨V⟩ and its standard error.
    """

    dt: np.ndarray
    strong: np.ndarray
    strong_error: np.ndarray
    weak: np.ndarray
    weak_error: np.ndarray


def euler_errors(
    neuron: LIF, mu: float, sigma: float, duration: float, steps: Sequence[int], V_0: float, trials: int = 1000,
    seed: int = 0,
) -> EulerErrors:  # fmt: skip
    """Euler–Maruyama against the exact solution along the same Brownian paths, without threshold.

    The noise does not depend on V (it is additive), so that strong and weak order are both 1. Over each of the finest
    steps ΔW and ∫ e^{−(t+Δt−s)/τ} dW(s), which the exact solution needs, are drawn together: they are Gaussian with the
    variances Δt, (τ/2)(1 − e^{−2Δt/τ}) and the covariance τ(1 − e^{−Δt/τ}). Longer steps add up the ΔW.

    Parameters
    ----------
    neuron, mu, sigma, V_0
        As for `membrane_moments`.
    duration : float
        Length of the run (time).
    steps : sequence of int
        Numbers of steps, each a divisor of the largest.
    trials : int
        Number of paths.
    seed : int

    Raises
    ------
    InvalidArgument
        If an argument is out of range, a number of steps does not divide the largest, or the longest step has 2τ.

    >>> neuron = LIF(tau_m=0.02, V_th=20.0, V_r=10.0)
    >>> found = euler_errors(neuron, 15.0, 5.0, 0.02, [20, 40], V_0=10.0)
    >>> bool(0.9 < np.log2(found.strong[0] / found.strong[1]) < 1.1)
    True
    """
    numbers = np.array([whole_number("steps", n, 1) for n in steps])
    if not len(numbers) or np.any(numbers.max() % numbers):
        raise InvalidArgument(f"`steps` = {list(steps)} must be numbers of steps of which each divides the largest.")
    rest, sigma, tau = _rest(neuron, mu), non_negative("sigma", sigma), neuron.tau_m
    duration, trials = positive("duration", duration), whole_number("trials", trials, 2)
    _converging(duration / numbers, neuron, "steps")
    finest = int(numbers.max())
    step, rng = duration / finest, np.random.default_rng(checked_seed(seed))
    scale = sigma / np.sqrt(tau)
    exact = np.full(trials, finite_number("V_0", V_0))
    euler = np.tile(exact, (len(numbers), 1))
    path = np.zeros((len(numbers), trials))  # ΔW of the steps under way
    decay = np.exp(-step / tau)
    slope = tau * (1.0 - decay) / step  # regression of the integral on ΔW, and what that leaves
    rest_of = np.sqrt(max(0.5 * tau * (1.0 - decay**2) - slope**2 * step, 0.0))
    for i in range(1, finest + 1):
        increment = np.sqrt(step) * rng.standard_normal(trials)
        integral = slope * increment + rest_of * rng.standard_normal(trials)
        exact = decay * exact + (1.0 - decay) * rest + scale * integral
        path += increment
        for row in np.flatnonzero(i % (finest // numbers) == 0):
            h = duration / numbers[row] / tau
            euler[row] += (rest - euler[row]) * h + scale * path[row]
            path[row] = 0.0
    apart = euler - exact
    square = np.mean(apart**2, axis=1)
    strong = np.sqrt(square)
    return EulerErrors(
        dt=frozen(duration / numbers),
        strong=frozen(strong),
        strong_error=frozen(np.std(apart**2, axis=1, ddof=1) / np.sqrt(trials) / (2.0 * np.maximum(strong, 1e-300))),
        weak=frozen(np.mean(apart, axis=1)),
        weak_error=frozen(np.std(apart, axis=1, ddof=1) / np.sqrt(trials)),
    )


@dataclass(frozen=True, eq=False, repr=False)
class Membrane:
    """Potentials and spikes of one neuron in several trials; from `simulate_membrane`.

    Attributes
    ----------
    neuron : LIF
    mu, sigma : float
    t : array, shape (saves,)
    V : array, shape (trials, saves)
        V_r while the neuron is silent.
    spikes : SpikeTrains
        Without a spike if there is no threshold.
    settings : dict of str to str
    """

    neuron: LIF
    mu: float
    sigma: float
    t: np.ndarray
    V: np.ndarray
    spikes: SpikeTrains
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def trials(self) -> int:
        return len(self.V)

    def plot(self, unit: str | None = None) -> Figure:
        """The potential of a few trials over time, with their spikes; `unit` of time, "s", is written at the axis."""
        from ..plotting.trains import plot_membrane

        return plot_membrane(self, unit=unit)

    def __repr__(self) -> str:
        start, end = self.spikes.t_span
        return (
            f"Membrane: {self.trials} trials from {start:.9g} to {end:.9g}, {self.settings['method']}, threshold "
            f"{self.settings['threshold']}, {len(self.spikes.times)} spikes"
        )


def simulate_membrane(
    neuron: LIF,
    mu: float,
    sigma: float,
    t_span: tuple[float, float],
    dt: float,
    method: str = "exact",
    threshold: str = "bridge",
    trials: int = 1,
    V_0: float | Sequence[float] | np.ndarray | None = None,
    seed: int = 0,
    save_every: int | None = None,
) -> Membrane:
    """Simulate the noisy integrate-and-fire neuron, in independent trials.

        τ dV = (E_l − V + μ) dt + σ√τ dW,   V = V_th: a spike, silence for τ_ref, V = V_r

    Euler–Maruyama takes V + (E_l + μ − V) h + σ√h ξ with h = dt/τ; the exact step has the law of the solution,
    E_l + μ + (V − E_l − μ) e^{−h} + σ√((1 − e^{−2h})/2) ξ. A threshold that is asked at the ends of steps only misses
    what happens between them: to leading order the rate is that of a threshold higher by 0.5826 σ√h, for either
    method. With the bridge a spike is also drawn with the probability that a path between the two ends meets V_th, at
    a time of its own within the step, and the neuron goes on from V_r for the rest of it: the error is O(dt).

    A neuron fires at most once in a step. If it comes back to V_th within the rest of the step, it fires only at the
    start of the next one, so that the rate is too low. There is a warning where a path from V_r, pushed as it is there,
    meets V_th within dt with a probability above 0.1, Φ((m dt − d)/s) + e^{2md/D}Φ(−(m dt + d)/s) with d = V_th − V_r,
    m = (E_l + μ − V_r)/τ, D = σ²/τ, s² = D dt; at 0.1 the rate is about 1 % too low.

    Parameters
    ----------
    neuron : LIF
    mu, sigma : float
        Mean input and noise (potential), σ ≥ 0.
    t_span : (float, float)
        Start and end (time); a whole number of steps.
    dt : float
        Step (time).
    method : str
        "exact" or "euler".
    threshold : str
        "bridge"; "end of step", where the neuron is at V_r at the end of the step in which it fires, and the silence
        is rounded up to whole steps; or "none", the free membrane.
    trials : int
        Number of independent trials.
    V_0 : float or array, shape (trials,), optional
        Where they start; default V_r.
    seed : int
        The same seed gives the same numbers.
    save_every : int, optional
        Steps between saved potentials. Default: such that there are at most 1000, and fewer of very many trials.

    Returns
    -------
    Membrane

    Raises
    ------
    InvalidArgument
        If an argument is out of range, V_0 is not below the threshold, or steps × (trials + 250), a measure of the
        time it takes, is above 2e10.

    Source: exercise 8 of the sheet TD3, "Balanced networks", github.com/yfardella/Th_Neuro_TD_2025; the bridge is that
    of Gobet, Stoch. Process. Appl. 87 (2000) 167; the raised threshold that of Broadie, Glasserman, Kou, Math. Finance
    7 (1997) 325.

    >>> import fokkerplanck as fp
    >>> neuron = fp.LIF(tau_m=0.02, V_th=20.0, V_r=10.0, tau_ref=0.002)
    >>> run = simulate_membrane(neuron, 15.0, 5.0, (0.0, 1.0), dt=1e-4, trials=200)
    >>> found = fp.spike_statistics(run)
    >>> abs(found.rate - 9.4608) < 4 * found.rate_error + 0.1  # the first spikes come sooner than the others
    True
    """
    rest, sigma = _rest(neuron, mu), non_negative("sigma", sigma)
    span = checked_span(t_span)
    dt = checked_step("dt", positive("dt", dt), span)
    named("method", METHODS, method)
    named("threshold", THRESHOLDS, threshold)
    if method == "euler":
        _converging(np.array(dt), neuron)
    trials = whole_number("trials", trials, 1)
    steps = _checked_steps(span, dt, trials)
    if threshold != "none":
        _warn_of_returns(neuron, rest, sigma, dt)
    every = _checked_saves(save_every, steps, trials)
    engine = _Engine(
        neuron, rest, sigma, span[0], dt, method, threshold, _checked_start(neuron, V_0, trials, threshold)
    )
    engine.seed(checked_seed(seed))
    saved, t = [engine.visible()], [span[0]]
    for i in range(1, steps + 1):
        engine.step()
        if i % every == 0:
            saved.append(engine.visible())
            t.append(span[0] + i * dt)
    return Membrane(
        neuron=neuron,
        mu=float(mu),
        sigma=sigma,
        t=frozen(np.array(t)),
        V=frozen(np.array(saved).T),
        spikes=engine.spikes(span),
        settings={"method": method, "threshold": threshold, "dt": repr(dt), "seed": str(seed)},
    )


class _Engine:
    """All trials at one time, moved by the kernels of the network, in the neuron's own units."""

    def __init__(
        self, neuron: LIF, rest: float, sigma: float, start: float, dt: float, method: str, threshold: str,
        V: np.ndarray,
    ) -> None:  # fmt: skip
        h = dt / neuron.tau_m
        self._V, self._neuron, self._start, self._dt = V, neuron, start, dt
        self._ends = threshold == "end of step"
        decay = 1.0 - h if method == "euler" else np.exp(-h)
        variance = h if method == "euler" else -0.5 * np.expm1(-2.0 * h)
        self._leak = (decay, (1.0 - decay) * rest, sigma * np.sqrt(variance))
        # Half the variance of the bridge: what joins the ends of an Euler step is a Brownian path without leak.
        bridge = 0.5 * sigma**2 * (h if method == "euler" else np.sinh(h))
        self._spread = bridge if threshold == "bridge" else 0.0
        self._V_F = neuron.V_th if threshold == "bridge" else np.inf
        self._reset = ((rest - neuron.V_r) / neuron.tau_m, 0.5 * sigma**2 / neuron.tau_m)
        count = len(V)
        self._release = np.full(count, start)
        self._pause = np.zeros(count, dtype=np.int64)
        self._paused = int(np.ceil(neuron.tau_ref / dt * (1.0 - WHOLE)))
        blocks = -(-count // BLOCK)
        self._marks, self._moments = np.empty(count, np.int32), np.empty(count, np.float32)
        self._counts, self._tables, self._blocks = np.zeros((blocks, 3), dtype=np.int64), ziggurat(), blocks
        self._done = 0
        self._times: list[np.ndarray] = [np.empty(0)]
        self._who: list[np.ndarray] = [np.empty(0, dtype=np.int64)]

    def seed(self, seed: int) -> None:
        self._streams = streams(seed, self._blocks)

    def step(self) -> None:
        t, neuron = self._start + self._done * self._dt, self._neuron
        kernels.leaky_blocks(
            0, self._blocks, BLOCK, self._streams, *self._tables, self._V, self._release,
            self._marks, self._moments, self._counts, *self._leak, 0.0, t, self._dt, self._spread, 0.0,
            neuron.V_r, self._V_F, *self._reset, neuron.tau_ref, False,
        )  # fmt: skip
        self._done += 1
        if self._ends:
            self._compare(self._start + self._done * self._dt)
        elif fired := int(self._counts[:, 0].sum()):
            who, when, near = np.empty(fired, np.int32), np.empty(fired, np.float32), np.empty(0, np.int32)
            kernels.collect(BLOCK, self._counts, self._marks, self._moments, who, when, near)
            self._times.append(t + when.astype(float) * self._dt)  # a sum in single precision forgets late times
            self._who.append(who)

    def _compare(self, t: float) -> None:
        """The threshold at the end of a step: who fires, and who is silent, is put at V_r."""
        if self._paused:
            silent = self._pause > 0
            self._V[silent] = self._neuron.V_r
            self._pause[silent] -= 1
        who = np.flatnonzero(self._neuron.V_th <= self._V)
        if len(who):
            self._V[who] = self._neuron.V_r
            self._pause[who] = self._paused
            self._times.append(np.full(len(who), t))
            self._who.append(who)

    def visible(self) -> np.ndarray:
        """The potentials, those of silent trials being V_r."""
        return np.where(np.isnan(self._V), self._neuron.V_r, self._V)

    def spikes(self, span: tuple[float, float]) -> SpikeTrains:
        times, who = np.concatenate(self._times), np.concatenate(self._who)
        order = np.argsort(times, kind="stable")
        end = max(span[1], float(np.max(times, initial=-np.inf)))  # the end of the last step, up to rounding
        return SpikeTrains(times[order], who[order].astype(np.int64), len(self._V), (span[0], end))


def _rest(neuron: LIF, mu: object) -> float:
    """E_l + μ, to which the potential relaxes."""
    require_neuron(neuron)
    return neuron.E_l + finite_number("mu", mu)


def _checked_steps(span: tuple[float, float], dt: float, trials: int) -> int:
    length = span[1] - span[0]
    if length / dt * (trials + STEP_WORK) > MOST_WORK:
        raise InvalidArgument(
            f"`dt` = {dt:g} makes {length / dt:.2g} steps of {trials} trials, which take too long; take dt = "
            f"{length * (trials + STEP_WORK) / MOST_WORK:.2g} or longer, a shorter `t_span` or fewer `trials`."
        )
    steps = round(length / dt)
    if steps < 1:
        raise InvalidArgument(f"`dt` = {dt:g} is longer than `t_span`, {length:g}; take shorter steps.")
    if abs(steps * dt - length) > WHOLE * length:
        raise InvalidArgument(
            f"`dt` = {dt:g} does not divide `t_span`, {length:.9g} long; take dt = {length:.12g} / {steps} for example."
        )
    return steps


def _warn_of_returns(neuron: LIF, rest: float, sigma: float, dt: float) -> None:
    """A neuron fires once in a step; warn where it would fire again."""
    if (again := _returning(neuron, rest, sigma, dt)) > RETURNING:
        good = dt
        while _returning(neuron, rest, sigma, good) > RETURNING:
            good /= 2.0
        warnings.warn(
            f"`dt` = {dt:g} is long: from V_r the threshold is met within one step with the probability {again:.2g}, "
            f"but a neuron fires only once in a step, so that the rate is too low. Take dt = {good:.3g} or shorter.",
            FokkerPlanckWarning,
            stacklevel=3,
        )


def _returning(neuron: LIF, rest: float, sigma: float, dt: float) -> float:
    """Probability that V_r + m t + √D W(t) meets V_th within dt, which is too large by what the leak changes."""
    depth, push, spread = neuron.V_th - neuron.V_r, (rest - neuron.V_r) / neuron.tau_m, sigma**2 / neuron.tau_m
    if spread * dt == 0.0:
        return float(push * dt > depth)
    width = np.sqrt(spread * dt)
    ahead, behind = (push * dt - depth) / width, (push * dt + depth) / width
    if behind > 0.0:  # the exponential and what it multiplies would overflow and underflow
        reflected = 0.5 * np.exp(-0.5 * ahead**2) * erfcx(behind / np.sqrt(2.0))
    else:
        reflected = np.exp(2.0 * push * depth / spread) * ndtr(-behind)
    return float(ndtr(ahead) + reflected)


def _checked_saves(save_every: object, steps: int, trials: int) -> int:
    if save_every is not None:
        return whole_number("save_every", save_every, 1)
    return -(-steps // int(max(2, min(SAVES, MOST_VALUES // trials))))


def _checked_start(neuron: LIF, V_0: object, trials: int, threshold: str) -> np.ndarray:
    V = real_array("V_0", neuron.V_r if V_0 is None else V_0)
    if V.shape not in ((), (trials,)) or not np.all(np.isfinite(V)):
        raise InvalidArgument(f"`V_0` must be one finite potential, or one for each of the {trials} trials.")
    if threshold != "none" and V.max() >= neuron.V_th:
        raise InvalidArgument(f"`V_0` holds {V.max():g}, but must lie below `V_th` = {neuron.V_th:g}.")
    return np.array(np.broadcast_to(V, (trials,)))
