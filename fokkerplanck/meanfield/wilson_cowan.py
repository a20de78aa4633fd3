"""The Wilson–Cowan equations with Hebbian learning: the finite-dimensional companion of the learning network."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import solve_ivp
from scipy.optimize import root

from ..models.learning import HyperbolicTangent, Saturation
from ..outcomes import InvalidArgument, finite_number, frozen, non_negative, positive, real_array

STARTS = 200
"""Points from which equilibria are looked for, besides those near zero and near saturation."""
SAME = 1e-7
"""Equilibria closer than this, relative to the largest rate, are one."""
CONVERGED = 1e-10


@dataclass(frozen=True, eq=False)
class WilsonCowan:
    """Populations that excite, inhibit and learn from one another.

        N_i' = −N_i + σ(Σ_j w_ij N_j + s_i),   w_ij' = ε (k_ij N_i N_j − w_ij)

    Parameters
    ----------
    signal : array, shape (populations,)
        Inputs s_i (dimensionless).
    rule : float or array, shape (populations, populations)
        k_ij of any sign: what is active together is reinforced with the sign of k_ij.
    speed : float
        ε ≥ 0, the rate of learning (per membrane time constant); 0 freezes the weights.
    saturation : Saturation
        σ, with its slope: fp.HyperbolicTangent() unless it is given. Under inhibition its argument may be negative.

    Raises
    ------
    InvalidArgument
        If an entry is not finite, a shape does not fit or the speed is negative.

    Source: H. R. Wilson, J. D. Cowan, Biophys. J. 12 (1972) 1; the learning rule as in Perthame, Salort,
    Wainrib (2017).

    >>> network = WilsonCowan(signal=[0.5], rule=-1.0, speed=0.1)
    >>> [round(float(state.rates[0]), 9) for state in network.equilibria()]
    [0.407336378]
    """

    signal: np.ndarray
    rule: np.ndarray
    speed: float = 1.0
    saturation: Saturation = field(default_factory=HyperbolicTangent)

    def __init__(
        self,
        signal: ArrayLike,
        rule: float | ArrayLike = -1.0,
        speed: float = 1.0,
        saturation: Saturation | None = None,
    ) -> None:
        s, k = real_array("signal", signal), real_array("rule", rule)
        if s.ndim != 1 or not len(s) or not np.all(np.isfinite(s)):
            raise InvalidArgument("`signal` must be a vector of finite numbers, one for each population.")
        if k.shape not in ((), (len(s), len(s))) or not np.all(np.isfinite(k)):
            raise InvalidArgument(f"`rule` must be a finite number or of shape {(len(s), len(s))}, not {k.shape}.")
        law = HyperbolicTangent() if saturation is None else saturation
        if isinstance(law, type) or not callable(law) or not hasattr(law, "slope"):
            raise InvalidArgument(f"`saturation` must be a law with a slope such as fp.Saturating(), not {law!r}.")
        object.__setattr__(self, "signal", frozen(s))
        object.__setattr__(self, "rule", frozen(np.array(np.broadcast_to(k, (len(s), len(s))))))
        object.__setattr__(self, "speed", non_negative("speed", speed))
        object.__setattr__(self, "saturation", law)

    @property
    def populations(self) -> int:
        """Number of populations."""
        return len(self.signal)

    def slopes(self, rates: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(N', w'), of the shapes of the rates (populations,) and of the weights (populations, populations)."""
        change = self.speed * (self.rule * np.outer(rates, rates) - weights)
        return self.saturation(weights @ rates + self.signal) - rates, change

    def simulate(
        self,
        t_end: float,
        rates: ArrayLike | None = None,
        weights: ArrayLike | None = None,
        times: ArrayLike | None = None,
        rtol: float = 1e-9,
    ) -> WilsonCowanRun:
        """Integrate from t = 0 with SciPy's LSODA, which copes with fast rates and slow weights.

        Parameters
        ----------
        t_end : float
            End of the run, positive.
        rates, weights : array, optional
            N_i(0), shape (populations,), and w_ij(0), shape (populations, populations); zero unless they are given.
        times : array, optional
            Increasing times in [0, t_end] at which the solution is kept; 201 equally spaced ones by default.
        rtol : float
            Relative tolerance of a step; the absolute one is a thousandth of it.

        Raises
        ------
        InvalidArgument
            If an argument is not finite or has the wrong shape, or the integration fails.
        """
        t_end, rtol, n = positive("t_end", t_end), positive("rtol", rtol), self.populations
        N = np.zeros(n) if rates is None else real_array("rates", rates)
        W = np.zeros((n, n)) if weights is None else real_array("weights", weights)
        for name, value, shape in (("rates", N, (n,)), ("weights", W, (n, n))):
            if value.shape != shape or not np.all(np.isfinite(value)):
                raise InvalidArgument(f"`{name}` must be finite numbers of shape {shape}, not of shape {value.shape}.")
        t = np.linspace(0.0, t_end, 201) if times is None else real_array("times", times)
        if t.ndim != 1 or not len(t) or not (np.all(np.diff(t) > 0.0) and t[0] >= 0.0 and t[-1] <= t_end):
            raise InvalidArgument(f"`times` must be a vector that increases within [0, {t_end:g}].")

        def right_side(_: float, y: np.ndarray) -> np.ndarray:
            by_rate, by_weight = self.slopes(y[:n], y[n:].reshape(n, n))
            return np.concatenate([by_rate, by_weight.ravel()])

        def jacobian(_: float, y: np.ndarray) -> np.ndarray:
            return self.jacobian(y[:n], y[n:].reshape(n, n))

        run = solve_ivp(
            right_side, (0.0, t_end), np.concatenate([N, W.ravel()]), method="LSODA", t_eval=t, rtol=max(rtol, 3e-14),
            atol=1e-3 * rtol, jac=jacobian,
        )  # fmt: skip
        sound = np.all(np.isfinite(run.y), axis=0)
        if not run.success or not np.all(sound):
            last = run.t[sound][-1] if np.any(sound) else 0.0
            why = (
                run.message
                if not run.success
                else "the rates grow beyond all bounds; use a `saturation` that saturates"
            )
            raise InvalidArgument(f"The integration fails after t = {last:g}: {why}")
        return WilsonCowanRun(self, frozen(t), frozen(run.y[:n].T.copy()), frozen(run.y[n:].T.reshape(-1, n, n).copy()))

    def jacobian(self, rates: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """The derivative of (N', w') by (N, w), rows of w one after another; shape (n + n², n + n²)."""
        n = self.populations
        gain = np.asarray(self.saturation.slope(weights @ rates + self.signal))
        out = np.zeros((n + n * n, n + n * n))
        out[:n, :n] = gain[:, None] * weights - np.eye(n)
        for i in range(n):
            block = slice(n + i * n, n + (i + 1) * n)
            out[i, block] = gain[i] * rates
            out[block, i] += self.speed * self.rule[i] * rates
            out[block, :n] += self.speed * np.diag(self.rule[i] * rates[i])
            out[block, block] -= self.speed * np.eye(n)
        return out

    def equilibria(self, largest: float = 10.0, seed: int = 0) -> tuple[WilsonCowanState, ...]:
        """The equilibria with learned weights and rates N_i ≥ 0 that Newton's iteration finds, by increasing Σ N_i.

            w_ij = k_ij N_i N_j,   N_i = σ(N_i Σ_j k_ij N_j² + s_i)

        It starts from 200 random points of [0, largest]ⁿ and the corners next to 0 and `largest`. For one population
        that finds all of them as a rule, for many it may miss some: there is no theorem that counts them. For speed 0
        weights do not change, and these are the equilibria of the infinitely slow rule.

        Parameters
        ----------
        largest : float
            Largest rate that is looked for, positive.
        seed : int
            Of the random numbers.

        Raises
        ------
        InvalidArgument
            If `largest` is not positive.
        """
        largest, n = positive("largest", largest), self.populations
        finite_number("seed", seed)

        def balance(N: np.ndarray) -> np.ndarray:
            return np.asarray(self.saturation(N * (self.rule @ N**2) + self.signal) - N)

        def slope(N: np.ndarray) -> np.ndarray:
            gain = np.asarray(self.saturation.slope(N * (self.rule @ N**2) + self.signal))
            by_rate = np.diag(self.rule @ N**2) + 2.0 * N[:, None] * self.rule * N
            return gain[:, None] * by_rate - np.eye(n)

        random = np.random.default_rng(seed)
        # Half of the starts are spread over the decades: equilibria crowd near zero.
        spread = largest * np.concatenate(
            [random.uniform(size=(STARTS // 2, n)), 10.0 ** random.uniform(-4.0, 0.0, (STARTS // 2, n))]
        )
        found: list[np.ndarray] = []
        for start in [np.zeros(n), np.full(n, largest), *spread]:
            with np.errstate(all="ignore"):
                attempt = root(balance, start, jac=slope, tol=1e-14)
            N = np.asarray(attempt.x)
            if not np.all(np.abs(balance(N)) <= CONVERGED * (1.0 + np.abs(N))) or np.any((N < 0.0) | (largest < N)):
                continue
            if all(np.max(np.abs(N - other)) > SAME * (1.0 + np.max(np.abs(N))) for other in found):
                found.append(N)
        return tuple(self._state(N) for N in sorted(found, key=lambda N: (float(np.sum(N)), tuple(N))))

    def _state(self, N: np.ndarray) -> WilsonCowanState:
        W = self.rule * np.outer(N, N)
        growth = float(np.max(np.linalg.eigvals(self.jacobian(N, W)).real))
        return WilsonCowanState(frozen(N), frozen(W), growth)


@dataclass(frozen=True, eq=False)
class WilsonCowanRun:
    """A solution of the Wilson–Cowan equations.

    Attributes
    ----------
    network : WilsonCowan
    t : array, shape (times,)
    rates : array, shape (times, populations)
        N_i(t).
    weights : array, shape (times, populations, populations)
        w_ij(t).
    """

    network: WilsonCowan
    t: np.ndarray
    rates: np.ndarray
    weights: np.ndarray


@dataclass(frozen=True, eq=False)
class WilsonCowanState:
    """An equilibrium, and how fast the fastest small perturbation grows.

    Attributes
    ----------
    rates : array, shape (populations,)
    weights : array, shape (populations, populations)
    growth_rate : float
        Largest real part of an eigenvalue of the linearised equations; negative where the state is stable.
    """

    rates: np.ndarray
    weights: np.ndarray
    growth_rate: float

    @property
    def stable(self) -> bool:
        """Whether every small perturbation decays."""
        return self.growth_rate < 0.0
