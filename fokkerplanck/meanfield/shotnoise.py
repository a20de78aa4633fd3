"""The input of a neuron: spikes that each move the potential, and the white noise that they are taken for.

Spikes of kind j come at the total rate R_j and move the potential by J_j; between them it decays with the membrane time
τ. Without a threshold V = E_l + Σ_i J_i e^{−(t − t_i)/τ} (shot noise), whose stationary law has the cumulants

    κ_n = τ Σ_j R_j J_j^n/n,   and E_l more for n = 1        (Campbell)

and the characteristic function, with a_j = τ R_j,

    log φ(k) = ikE_l + Σ_j a_j ∫_0^1 (e^{ikJ_j u} − 1)/u du = ikE_l + Σ_j a_j [Ci(|kJ_j|) − γ − log|kJ_j| + i Si(kJ_j)].

|φ| decays like k^{−A} only, A = Σ a_j being the number of spikes per membrane time: with few spikes the density is
infinite at E_l and has kinks where whole jumps lead from there, although no potential has a positive probability.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize_scalar
from scipy.special import ndtr, sici

from ..models.lif import broadcast_values, finite_values, known_values
from ..outcomes import InvalidArgument, finite_number, frozen, positive, real_array, whole_number
from ..spiketrains import SpikeTrains
from .poisson import generator

NODES, WEIGHTS = np.polynomial.legendre.leggauss(16)
NEGLIGIBLE = 1e-15
"""Of the characteristic function."""
TRUNCATION = 1e-9
"""What the asymptotic expansion of the characteristic function may leave out of a distribution function."""
MOST_TERMS = 4e9
"""Potentials times nodes of one inversion."""
CHUNK = 2_000_000
"""Terms, or spikes, that are held at a time."""
MEMORY = 40.0
"""Membrane times after which where a path began is below rounding."""
POINTS, REACH = 601, 7.0
"""Potentials at which distribution functions are compared first, and how many standard deviations they reach."""


@dataclass(frozen=True)
class InputMoments:
    """Mean and variance of the input, and the white noise with the same ones; from `input_moments`.

    Attributes
    ----------
    mean : float or array
        Charge per unit time: the mean current (potential).
    variance : float or array
        Variance of the charge per unit time (potential² time). In a time T the charge has the variance `variance`·T,
        the mean current over T the variance `variance`/T.
    mu, sigma : float or array
        Of τ dV = (E_l − V + μ) dt + σ√τ dW (potential): τσ² = `variance`.
    """

    mean: Any
    variance: Any
    mu: Any
    sigma: Any


@dataclass(frozen=True)
class MeasuredInput:
    """Mean and variance of the charge per unit time in actual spike trains, with standard errors.

    Attributes
    ----------
    mean, mean_error, variance, variance_error : float
        As in `InputMoments`; the errors suppose that the charges of different windows are independent.
    windows : int
    """

    mean: float
    mean_error: float
    variance: float
    variance_error: float
    windows: int


def input_moments(
    rate: ArrayLike, J: ArrayLike, C_E: ArrayLike, C_I: ArrayLike, g: ArrayLike, tau_m: ArrayLike
) -> InputMoments:
    """The input from C_E excitatory and C_I inhibitory synapses, each with a Poisson train of its own.

        ⟨Q⟩/T = r τ J (C_E − g C_I),   Var Q/T = r (τJ)² (C_E + g² C_I),
        μ = r τ J (C_E − g C_I),   σ² = r τ J² (C_E + g² C_I)

    A spike brings the charge τJ or −gτJ and so moves the potential by J or −gJ. What has a finite variance is the
    charge Q of a time T, which grows like T; the current itself has none. Arguments are numbers or arrays, which
    broadcast; of numbers the moments are numbers.

    Parameters
    ----------
    rate : float or array
        r ≥ 0 of each train (spikes per time).
    J : float or array
        Jump of the potential by an excitatory spike.
    C_E, C_I : float or array
        Numbers of synapses, ≥ 0.
    g : float or array
        Strength of the inhibitory ones over that of the excitatory ones, ≥ 0.
    tau_m : float or array
        Membrane time τ > 0.

    Raises
    ------
    InvalidArgument
        If an argument is out of range, arrays do not broadcast, or a moment is beyond the floating-point numbers.

    Source: exercises 6 (eq. (2)) and 7 of the sheet TD3, "Balanced networks", github.com/yfardella/Th_Neuro_TD_2025,
    where Var Q/T is called the variance of I; the white noise is that of Brunel, J. Comput. Neurosci. 8 (2000) 183,
    section 3.

    >>> found = input_moments(5.0, 0.1, 1000, 250, 5.0, 0.02)
    >>> round(found.mu, 12), round(found.sigma, 6)
    (-2.5, 2.692582)
    """
    given = {"rate": (rate, 0.0), "J": (J, -np.inf), "C_E": (C_E, 0.0), "C_I": (C_I, 0.0), "g": (g, 0.0)}
    r, j, e, i, k, tau = broadcast_values(given | {"tau_m": (tau_m, 0.0)})
    if np.any(tau == 0.0):
        raise InvalidArgument("`tau_m` must be positive.")
    with np.errstate(over="ignore", invalid="ignore"):
        mean = r * tau * j * (e - k * i)
        variance = r * (tau * j) ** 2 * (e + k**2 * i)
    if not np.all(np.isfinite(mean) & np.isfinite(variance)):
        raise InvalidArgument("the input overflows; take smaller `rate`, `J`, `C_E`, `C_I`, `g` or `tau_m`.")
    found = mean, variance, mean, np.sqrt(variance / tau)
    return InputMoments(*(found if np.ndim(mean) else (float(x) for x in found)))


def measured_input(trains: SpikeTrains, charges: Sequence[float] | np.ndarray, window: float) -> MeasuredInput:
    """Mean and variance of the charge that spike trains bring, from the charges of successive windows.

    Parameters
    ----------
    trains : SpikeTrains
        One for each synapse.
    charges : array, shape (trains.count,)
        Charge of a spike of each: τ_m J_k.
    window : float
        Length of a window (time).

    Raises
    ------
    InvalidArgument
        If there are fewer than four windows, or not one charge for each train.

    >>> import fokkerplanck as fp
    >>> trains = fp.PoissonTrain(5.0).sample(10.0, trials=100, seed=1)
    >>> found = measured_input(trains, np.full(100, 0.002), window=0.02)
    >>> abs(found.mean - 1.0) < 4 * found.mean_error < 0.2
    True
    """
    if not isinstance(trains, SpikeTrains):
        raise InvalidArgument(f"`trains` must be fp.SpikeTrains, not {trains!r:.60}.")
    charge = real_array("charges", charges)
    if charge.shape != (trains.count,) or not np.all(np.isfinite(charge)):
        raise InvalidArgument(f"`charges` must be one finite number for each of the {trains.count} trains.")
    window = positive("window", window)
    whole = int(np.floor(trains.duration / window * (1.0 + 1e-9)))
    if whole < 4:
        raise InvalidArgument(
            f"`window` = {window:g} leaves {whole} windows of {trains.duration:g}; take shorter ones."
        )
    index = np.floor((trains.times - trains.t_span[0]) / window).astype(np.int64)
    Q = np.bincount(index, charge[trains.trains], minlength=whole)[:whole]
    variance, fourth = float(np.var(Q, ddof=1)), float(np.mean((Q - Q.mean()) ** 4))
    of_variance = max(fourth - variance**2 * (whole - 3) / (whole - 1), 0.0) / whole
    return MeasuredInput(
        mean=float(Q.mean()) / window,
        mean_error=float(np.sqrt(variance / whole)) / window,
        variance=variance / window,
        variance_error=float(np.sqrt(of_variance)) / window,
        windows=whole,
    )


@dataclass(frozen=True, eq=False)
class ShotNoise:
    """The potential of a leaky neuron without threshold that receives Poisson spikes of several kinds.

    Parameters
    ----------
    tau_m : float
        Membrane time τ > 0.
    jumps : array, shape (kinds,)
        J_j, by which a spike of kind j moves the potential; not zero.
    rates : array, shape (kinds,)
        R_j > 0, of all synapses of a kind together (spikes per time).
    E_l : float
        Resting potential.

    Raises
    ------
    InvalidArgument
        If a number is out of range, or there is not one rate for each jump.

    Source: cumulants by Campbell's theorem, Rice, Bell Syst. Tech. J. 23 (1944) 282, part I.

    >>> noise = ShotNoise.balanced(5.0, 0.1, 1000, 250, 5.0, 0.02)
    >>> round(noise.mean, 12), round(noise.variance, 12), round(noise.skewness, 6)
    (-2.5, 3.625, -0.146097)
    >>> round(noise.distance(), 4)
    0.0097
    """

    tau_m: float
    jumps: np.ndarray
    rates: np.ndarray
    E_l: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "tau_m", positive("tau_m", self.tau_m))
        object.__setattr__(self, "E_l", finite_number("E_l", self.E_l))
        jumps, rates = np.atleast_1d(real_array("jumps", self.jumps)), np.atleast_1d(real_array("rates", self.rates))
        if jumps.ndim != 1 or not len(jumps) or jumps.shape != rates.shape:
            raise InvalidArgument(
                f"`jumps` and `rates` must be vectors of one length, not {jumps.shape}, {rates.shape}."
            )
        if not np.all(np.isfinite(jumps)) or np.any(jumps == 0.0):
            raise InvalidArgument("`jumps` must be finite and not zero; leave out synapses that do nothing.")
        if not np.all(np.isfinite(rates)) or np.any(rates <= 0.0):
            raise InvalidArgument("`rates` must be finite and positive; leave out synapses that are silent.")
        object.__setattr__(self, "jumps", frozen(jumps))
        object.__setattr__(self, "rates", frozen(rates))

    @classmethod
    def balanced(
        cls, rate: float, J: float, C_E: float, C_I: float, g: float, tau_m: float, E_l: float = 0.0
    ) -> ShotNoise:
        """That of C_E synapses of strength J and C_I of −gJ, each with the rate r: arguments as `input_moments`."""
        for name, value in (("rate", rate), ("J", J), ("C_E", C_E), ("C_I", C_I), ("g", g), ("tau_m", tau_m)):
            finite_number(name, value)
        input_moments(rate, J, C_E, C_I, g, tau_m)
        jumps, rates = np.array([J, -g * J], dtype=float), rate * np.array([C_E, C_I], dtype=float)
        kept = (jumps != 0.0) & (rates > 0.0)
        if not np.any(kept):
            raise InvalidArgument("no spike moves the potential: `rate`, `J` or both numbers of synapses are zero.")
        return cls(tau_m, jumps[kept], rates[kept], E_l)

    @property
    def spikes(self) -> np.ndarray:
        """a_j = τ R_j, spikes of each kind per membrane time."""
        return self.tau_m * self.rates

    def cumulant(self, n: int) -> float:
        """κ_n of the stationary law."""
        n = whole_number("n", n, 1)
        return float(np.sum(self.spikes * self.jumps**n) / n) + (self.E_l if n == 1 else 0.0)

    @property
    def mean(self) -> float:
        """E_l + τ Σ R_j J_j."""
        return self.cumulant(1)

    @property
    def variance(self) -> float:
        """τ Σ R_j J_j²/2."""
        return self.cumulant(2)

    @property
    def skewness(self) -> float:
        """κ_3/κ_2^{3/2}, which vanishes in the diffusion approximation."""
        return float(self.cumulant(3) / self.variance**1.5)

    @property
    def kurtosis(self) -> float:
        """Excess κ_4/κ_2², which vanishes in the diffusion approximation."""
        return float(self.cumulant(4) / self.variance**2)

    @property
    def diffusion(self) -> tuple[float, float]:
        """(μ, σ) of the white noise with the same mean and variance."""
        return self.mean - self.E_l, float(np.sqrt(2.0 * self.variance))

    def log_characteristic(self, k: ArrayLike) -> np.ndarray:
        """log ⟨e^{ikV}⟩ at real k, in closed form."""
        k = finite_values("k", k)
        z = k[..., None] * self.jumps
        size = np.abs(z)
        sine, cosine = sici(size)
        with np.errstate(divide="ignore", invalid="ignore"):
            real = np.where(size > 1e-2, cosine - np.euler_gamma - np.log(size), -(size**2) / 4.0 + size**4 / 96.0)
        return np.asarray((real + 1j * np.sign(z) * sine) @ self.spikes + 1j * k * self.E_l)

    def cdf(self, V: ArrayLike) -> np.ndarray:
        """P(potential ≤ V) in the stationary state, by inversion of the characteristic function.

            F(V) = 1/2 − (1/π) ∫_0^∞ Im[e^{−ikV} φ(k)] dk/k

        The integral is done up to where φ is negligible or follows its expansion in powers of 1/k to the third order;
        from there on it is a sum of exponential integrals. The absolute error is about 1e-9 however few spikes there
        are. It is not relative: far in the tails there is nothing but that error.

        Source: inversion formula: Gil-Pelaez, Biometrika 38 (1951) 481.
        """
        potentials = finite_values("V", V)
        y = potentials.ravel() - self.E_l
        if not len(y):
            return potentials
        F = self._inverted(y)
        if np.all(self.jumps > 0.0):
            F[y <= 0.0] = 0.0
        if np.all(self.jumps < 0.0):
            F[y >= 0.0] = 1.0
        return F.reshape(potentials.shape)

    def gaussian_cdf(self, V: ArrayLike) -> np.ndarray:
        """The distribution function of the diffusion approximation: normal, with the same mean and variance."""
        return np.asarray(ndtr((known_values("V", V) - self.mean) / np.sqrt(self.variance)))

    def distance(self) -> float:
        """Kolmogorov distance sup |F − F_Gauss| between the law and its diffusion approximation.

        For many weak synapses it is |skewness|/(6√(2π)), the leading term of Edgeworth's expansion.
        """
        width = np.sqrt(self.variance)
        kinks = self.E_l + np.concatenate([[0.0], self.jumps, np.add.outer(self.jumps, self.jumps).ravel()])
        grid = self.mean + width * np.linspace(-REACH, REACH, POINTS)
        V = np.unique(np.concatenate([grid, kinks]))
        apart = np.abs(self.cdf(V) - self.gaussian_cdf(V))
        best = int(np.argmax(apart))
        bounds = (V[max(best - 1, 0)], V[min(best + 1, len(V) - 1)])
        finer = minimize_scalar(
            lambda v: -abs(float(self.cdf(v)) - float(self.gaussian_cdf(v))), bounds=bounds, method="bounded",
            options={"xatol": 1e-4 * (bounds[1] - bounds[0])},
        )  # fmt: skip
        return float(max(apart[best], -finer.fun))

    def simulate(
        self, times: Sequence[float] | np.ndarray, trials: int = 1, seed: int = 0, V_0: float | None = None
    ) -> np.ndarray:
        """The potential at given times, exactly: every spike is drawn, and decays from its own time on.

        Parameters
        ----------
        times : array, shape (saves,)
            In increasing order; the paths begin at the first one.
        trials : int
        seed : int
        V_0 : float, optional
            Where the paths begin; default E_l.

        Returns
        -------
        array, shape (trials, saves)
        """
        t = np.atleast_1d(real_array("times", times))
        if t.ndim != 1 or not len(t) or not np.all(np.isfinite(t)) or np.any(np.diff(t) <= 0.0):
            raise InvalidArgument("`times` must be one finite time or several that increase.")
        trials, rng = whole_number("trials", trials, 1), generator(seed)
        V = np.empty((trials, len(t)))
        V[:, 0] = self.E_l if V_0 is None else finite_number("V_0", V_0)
        for i, step in enumerate(np.diff(t), start=1):
            decay = np.exp(-step / self.tau_m)
            V[:, i] = self.E_l + (V[:, i - 1] - self.E_l) * decay + self._arrived(float(step), trials, rng)
        return V

    def sample(self, trials: int, seed: int = 0) -> np.ndarray:
        """Independent potentials of the stationary state, shape (trials,): `simulate` for forty membrane times."""
        return self.simulate([0.0, MEMORY * self.tau_m], trials, seed)[:, 1]

    def _arrived(self, step: float, trials: int, rng: np.random.Generator) -> np.ndarray:
        """What the spikes of a time `step` have left at its end, of each trial."""
        left = np.zeros(trials)
        at_once = max(1, int(CHUNK / max(step * self.rates.max(), 1.0)))
        for first in range(0, trials, at_once):
            part = left[first : first + at_once]
            for jump, rate in zip(self.jumps, self.rates, strict=True):
                numbers = rng.poisson(rate * step, len(part))
                ages = step * rng.random(int(numbers.sum()))
                whose = np.repeat(np.arange(len(part)), numbers)
                part += jump * np.bincount(whose, np.exp(-ages / self.tau_m), minlength=len(part))
        return left

    # -- inversion --------------------------------------------------------------------------------------------------

    def _inverted(self, y: np.ndarray) -> np.ndarray:
        """F(E_l + y), nothing being known about where it is 0 or 1."""
        end, tail = self._cut()
        fastest = np.max(np.abs(y)) + abs(self.mean - self.E_l) + np.max(np.abs(self.jumps))
        panels = int(np.ceil(end * max(fastest / (2.0 * np.pi), np.sqrt(self.variance))))
        if panels * len(NODES) * len(y) > MOST_TERMS:
            raise InvalidArgument(
                f"`jumps` of such different sizes take {panels:.2g} periods to invert; ask for fewer `V`, or take the "
                f"smallest jumps for diffusion."
            )
        half = 0.5 * end / panels
        k = (half * (2.0 * np.arange(panels)[:, None] + 1.0 + NODES)).ravel()
        over_k = np.exp(self.log_characteristic(k) - 1j * k * self.E_l) * np.tile(half * WEIGHTS, panels) / k
        integral = np.empty(len(y))
        for first in range(0, len(y), at_once := max(1, CHUNK // len(k))):
            phase = np.multiply.outer(y[first : first + at_once], k)
            integral[first : first + at_once] = np.cos(phase) @ over_k.imag - np.sin(phase) @ over_k.real
        return 0.5 - (integral + (self._beyond(y, end) if tail else 0.0)) / np.pi

    def _cut(self) -> tuple[float, bool]:
        """Where the quadrature ends, and whether what is beyond counts."""
        k, sizes = 1.0 / np.sqrt(self.variance), np.abs(self.jumps)
        while True:
            height = float(np.exp(self.log_characteristic(k).real))
            if height < NEGLIGIBLE:
                return float(k), False
            if (
                np.all(k * sizes > 10.0)
                and 6.0 * height * np.sum(((1.0 + self.spikes) / (k * sizes)) ** 3) < TRUNCATION
            ):
                return float(k), True
            k *= 1.25

    def _beyond(self, y: np.ndarray, K: float) -> np.ndarray:
        """Im ∫_K^∞ e^{−iky} φ(k) dk/k by the expansion of φ for large k.

        φ = Π_j (e^γ |kJ_j|)^{−a_j} e^{iπ a_j sign(J_j)/2} exp(−Σ_j a_j E_1(−ikJ_j)), E_1(z) = e^{−z}(1/z − 1/z² + …).
        """
        a, J = self.spikes, self.jumps
        A = float(a.sum())
        lead = np.exp(-np.sum(a * (np.euler_gamma + np.log(K * np.abs(J)))) + 0.5j * np.pi * np.sum(a * np.sign(J)))
        total = _exponential_integral(A + 1.0, K * y)
        for i, (a_i, J_i) in enumerate(zip(a, J, strict=True)):
            at = K * (y - J_i)
            total -= 1j * a_i / (K * J_i) * _exponential_integral(A + 2.0, at)
            total -= a_i / (K * J_i) ** 2 * _exponential_integral(A + 3.0, at)
            for j, (a_j, J_j) in enumerate(zip(a, J, strict=True)):
                if j >= i:
                    twice = (0.5 if i == j else 1.0) * a_i * a_j / (K**2 * J_i * J_j)
                    total -= twice * _exponential_integral(A + 3.0, K * (y - J_i - J_j))
        return np.asarray((lead * total).imag)


def _exponential_integral(q: float, z: np.ndarray) -> np.ndarray:
    """E_q(iz) = ∫_1^∞ t^{−q} e^{−izt} dt for real z and q > 1.

    For z > 0 the path is turned to t = 1 − iu, where nothing oscillates; in the variable log(1 + (z + q) u) both the
    exponential and the algebraic decay are smooth.
    """
    result = np.full(z.shape, 1.0 / (q - 1.0), dtype=complex)
    size = np.abs(z)
    for low, high in ((0.0, 1e-8), (1e-8, np.inf)):
        chosen = np.flatnonzero((size > low) & (size <= high))
        if not len(chosen):
            continue
        x = size[chosen, None]
        panels = 2 * int(np.ceil(np.log1p(40.0 * (1.0 + q / x.min()))))
        s = (np.arange(panels)[:, None] + 0.5 * (1.0 + NODES)).ravel() / 2.0
        u = np.expm1(s) / (x + q)
        turned = np.exp(s - x * (u + 1j) - q * np.log(1.0 - 1j * u)) / (x + q)
        result[chosen] = -1j * (turned @ np.tile(0.25 * WEIGHTS, panels))
    return np.where(z < 0.0, result.conj(), result)
