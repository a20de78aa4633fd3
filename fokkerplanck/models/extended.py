"""Neurons that differ in their synapses: the density f(t, v, ξ) of all labels ξ, coupled through a kernel w(ξ, dζ)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

import numpy as np

from ..outcomes import InvalidArgument, finite_number, frozen, non_negative, real_array
from ..state import InitialDensity, as_density
from .alike import AlikeLanes
from .coupling import MeanFieldCoupling
from .population import Population, require_population
from .synapses import SMOOTH_LANES, ConstantKernel, Coupling, LowRankMatrix, SmoothKernel, SynapseMatrix
from .threshold import Threshold
from .voltage import CURRENT_SAMPLES, rough_rate
from .wiring import AffineWiring, Matrix, Synapses

SETTLING = 60
"""Sweeps of the quick estimate of the currents that the network reaches."""
SETTLED = 1e-3
"""Change of a rate, over the largest one, at which they end."""
FASTEST = 100.0
"""Rate at which that estimate stops: what blows up needs no wider grid."""
OVERSHOOT = 1.5
"""Times the settled rates that a transient is given room for."""
BLOCK = 1 << 22
"""Entries of a matrix whose positive part is made at a time."""


@dataclass(frozen=True)
class ByLabel:
    """The initial density of each label; build it with `by_label`."""

    density: Callable[[float], Any]


def by_label(density: Callable[[float], Any]) -> ByLabel:
    """Initial data f(0, v, ξ) of an `ExtendedPopulation` that depend on the label.

    A plain function given to `fp.solve` is one of the potential, the same for all labels; hence this object.

    Parameters
    ----------
    density : callable
        For a label ξ in [0, 1], one number, the density of its neurons: `fp.gaussian(mean, variance)`, a function of v,
        or cell averages of mass 1.

    Raises
    ------
    InvalidArgument
        If it is no function.

    >>> from fokkerplanck import gaussian
    >>> by_label(lambda xi: gaussian(0.2 + 0.3 * xi, 0.09)).density(1.0).mean
    0.5
    """
    if not callable(density):
        raise InvalidArgument(
            f"`density` must be a function of the label, such as lambda xi: fp.gaussian(xi, 0.1), not {density!r}."
        )
    return ByLabel(density)


@dataclass(frozen=True, eq=False, repr=False)
class ExtendedPopulation(AlikeLanes):
    """The mean-field limit of neurons with synapses of their own: one density f(·, ξ) for each label ξ in [0, 1],

        ∂t f + ∂v[(b(v) + I(ξ) + S(t, ξ)) f] − a0 ∂vv f + ν(v) f = R(t, ξ) δ(v − V_R),   a0 = σ²/2,
        R(t, ξ) = ∫ ν f dv,   S(t, ξ) = ∫ R(t − d, ζ) w(ξ, dζ),   ∫ f dv = 1 for every ξ.

    Of N neurons with synapses w_ij the observables indexed by trees (`fp.tree_observable`) tend to those of f as
    N → ∞, if they do at the start, Σ_j |w_ij| + Σ_i |w_ij| stays bounded and max |w_ij| → 0 (`fp.scaling`).

    Parameters
    ----------
    kernel : kernel, array, sparse array, SynapseMatrix, Coupling or callable
        w: one of the kernels, such as `fp.BlockKernel(...)` or `fp.RingKernel(...)`; a matrix of actual synapses w_ij
        of shape (N, N), row = who receives, with a label for each neuron; a function w(ξ, ζ) of two arrays of labels
        that broadcast; or what a kernel's `quadrature` returned (dimensionless).
    neuron : Population
        One neuron without coupling (b = a1 = delay = 0), which says what b, ν, a0, V_R, V_F, the current common to all
        labels and the refractory law are: for the theorem a bounded smooth rate,
        `fp.nnlif(b=0.0, a0=0.125, V_R=0.0, V_F=1.0, external=0.8, threshold=fp.SoftThreshold(rate))`. Hard thresholds,
        in which N = −a0 ∂v f(V_F), and refractory states are possible, beyond what is proved.
    lanes : int, optional
        Number of labels, the nodes of a quadrature in ξ; by default what suits the kernel. Of actual synapses it is N.
    external : float, array or callable
        Added to the current of the neuron: a number, one for each label in the shape (lanes,), or a function I(ξ) of
        an array of labels.
    delay : float
        Transmission delay d ≥ 0.

    Raises
    ------
    InvalidArgument
        If an argument is out of range or does not fit another one.

    Notes
    -----
    *How a neuron comes back.* With noise, σ > 0, neurons that have fired start again at V_R by the source above, on the
    whole line: f is continuous there and its slope jumps, −a0 [∂v f] = R. Diffusion carries some of them below V_R. In
    the literature the limit is also written on v > V_R with the boundary value

        f(V_R+) = R/(b(V_R) + I + S),

    which is right if and only if σ = 0 and b(V_R) + I + S > 0: then the flux that leaves V_R, all of it upwards, is R.
    That equation is had by a0 = 0. With σ > 0 the boundary value would not conserve mass, for the flux at V_R is
    R − a0 ∂v f. Both meet as σ → 0. Where inhibition makes b(V_R) + I + S negative only the source makes sense.

    *Accuracy in ξ.* Constant and block kernels, ring and permutation kernels whose shifts are multiples of the spacing
    of labels, and actual synapses are exact for data that share their structure; smooth kernels and data converge
    spectrally with Gauss–Legendre labels, else the rule decides. `model.average` integrates over ξ.

    *Cost.* A step is linear in lanes × cells, plus a product of the matrix with a vector: lanes² numbers if it is
    dense, its entries if it is sparse, lanes × rank if it is of low rank.

    Source: P.-E. Jabin, D. Zhou, Ann. Inst. H. Poincaré C (2025), doi 10.4171/AIHPC/157, arXiv:2309.04046; extended
    kernels: Jabin, Poyato, Soler, arXiv:2112.15406.

    >>> import fokkerplanck as fp
    >>> neuron = fp.nnlif(
    ...     b=0.0, a0=0.125, V_R=0.0, V_F=1.0, external=0.8,
    ...     threshold=fp.SoftThreshold(lambda v: 5.0 / (1.0 + np.exp(-(v - 1.0) / 0.2))),
    ... )
    >>> model = ExtendedPopulation(lambda xi, zeta: 1.0 + xi - zeta, neuron, lanes=8)
    >>> sol = fp.solve(model, fp.gaussian(0.2, 0.09), (0.0, 0.5), grid=model.grid(200), estimate_error=False)
    >>> sol.rate.shape[1], round(float(model.average(sol.rate[-1])), 2)
    (8, 0.69)
    """

    kernel: Any
    neuron: Population
    lanes: int = None  # type: ignore[assignment]  # the number of labels, once there is one
    external: Any = 0.0
    delay: float = 0.0
    coupling: Coupling = field(init=False)

    def __post_init__(self) -> None:
        require_population(self.neuron)
        own, gain = self.neuron.coupling, self.neuron.noise.gain
        if own.gain or gain or own.delay:
            raise InvalidArgument(
                f"`neuron` has its own coupling (b = {own.gain:g}, a1 = {gain:g}, delay = {own.delay:g}); build it "
                f"with b=0, and give these by `kernel` and `delay`."
            )
        non_negative("delay", self.delay)
        kernel = as_kernel(self.kernel)
        coupling = _on_labels(kernel, self.lanes, varies=callable(self.external) or np.ndim(self.external) > 0)
        for name, value in {"kernel": kernel, "coupling": coupling, "lanes": coupling.lanes}.items():
            object.__setattr__(self, name, value)
        _ = self.currents  # refuses what does not fit

    def __repr__(self) -> str:
        late = f", delay={self.delay:g}" if self.delay else ""
        return f"ExtendedPopulation({type(self.kernel).__name__}, {self.lanes} labels{late})"

    # -- labels -------------------------------------------------------------------------------------------------

    @property
    def xi(self) -> np.ndarray:
        """The labels, shape (lanes,)."""
        return self.coupling.xi

    @property
    def weight(self) -> np.ndarray:
        """Their weights ω_q of quadrature, of sum 1, shape (lanes,)."""
        return self.coupling.weight

    @cached_property
    def currents(self) -> np.ndarray:
        """I(ξ) beside that of the neuron, shape (lanes,)."""
        if callable(self.external):
            values = real_array("external", self.external(self.xi))
            if values.shape != self.xi.shape or not np.all(np.isfinite(values)):
                raise InvalidArgument(
                    f"`external` must map the array of {self.lanes} labels to finite numbers of its shape, not to "
                    f"{values!r:.60}; for a function of time use that of the neuron, fp.nnlif(external=...)."
                )
            return frozen(values)
        values = real_array("external", self.external)
        if values.shape not in ((), (self.lanes,)) or not np.all(np.isfinite(values)):
            raise InvalidArgument(
                f"`external` must be a finite number, one for each of {self.lanes} labels, or a function of the label."
            )
        return frozen(np.full(self.lanes, values))

    def average(self, values: Any, axis: int = 0) -> Any:
        """∫ g dξ = Σ ω_q g_q.

        Parameters
        ----------
        values : array
            With an axis of length lanes: `state.rate`, `state.density`, or `sol.rate` and `sol.density` with axis=1.
        axis : int
            Which one that is.

        Raises
        ------
        InvalidArgument
            If that axis has another length.
        """
        values = np.asarray(values, dtype=float)
        if not -values.ndim <= axis < values.ndim or values.shape[axis] != self.lanes:
            raise InvalidArgument(
                f"`values` has the shape {values.shape}, whose axis {axis} is not that of {self.lanes} labels."
            )
        return np.tensordot(self.weight, values, axes=(0, axis))[()]

    def drives(self, rates: np.ndarray) -> np.ndarray:
        """S(ξ) = ∫ R(ζ) w(ξ, dζ) at the labels for the rates R, both of shape (lanes,)."""
        rates = np.asarray(rates, dtype=float)
        if rates.shape != (self.lanes,):
            raise InvalidArgument(f"`rates` must be one for each of {self.lanes} labels, not {rates.shape}.")
        return np.asarray(self.coupling.matrix @ rates)

    def densities(self, initial: object) -> tuple[InitialDensity, ...]:
        """One density for all labels, `fp.by_label(...)`, an array (lanes, cells), or a list with one for each."""
        if isinstance(initial, ByLabel):
            if self.lanes == 1 and isinstance(self.kernel, ConstantKernel):
                raise InvalidArgument(
                    "`initial` depends on the label, but there is only one, which is enough for a constant kernel; "
                    "say how many, ExtendedPopulation(..., lanes=32)."
                )
            return tuple(as_density(initial.density(float(xi))) for xi in self.xi)
        if isinstance(initial, np.ndarray) and initial.ndim == 2:
            initial = list(initial)
        if isinstance(initial, list | tuple) and len(initial) and not np.isscalar(initial[0]):
            if len(initial) != self.lanes:
                raise InvalidArgument(f"`initial` has {len(initial)} densities for {self.lanes} labels.")
            return tuple(as_density(datum) for datum in initial)
        return (as_density(initial),)

    # -- what the numerics ask ----------------------------------------------------------------------------------

    @property
    def threshold(self) -> Threshold:
        """The threshold law of the neuron, the same for all labels."""
        return self.neuron.threshold

    @cached_property
    def wiring(self) -> AffineWiring:
        moving = self.neuron.coupling.time_dependent
        return AffineWiring(
            external=partial(_external, self) if moving else _external(self, 0.0),
            a0=np.full(self.lanes, self.neuron.noise.a0),
            synapses=(Synapses(self.delay, self.coupling.matrix),),
        )

    @property
    def restless(self) -> bool:
        return self.threshold.absorbing and _excites(self.coupling.matrix)

    @property
    def may_blow_up(self) -> bool:
        """Whether rates can beget each other at once: excitation without delay, and a threshold that absorbs.

        Else rates follow others with a delay, are at most the largest hazard, or are only inhibited.
        """
        return self.delay == 0.0 and self.restless

    def lowest_potential(self, t_span: tuple[float, float] | None = None) -> float:
        """A potential below which the densities of all labels are negligible, under the inhibition of usual rates."""
        low, _ = self._reach(t_span)
        return self._alone(low).lowest_potential()

    def highest_potential(self, t_span: tuple[float, float] | None = None) -> float:
        """V_F, or where the threshold does not absorb a potential above which the densities are negligible.

        A rate that stays bounded lets neurons under strong excitation travel far above V_F.
        """
        if self.threshold.absorbing:
            return self.V_F
        _, high = self._reach(t_span)
        return self._alone(high).highest_potential()

    def _alone(self, current: float) -> Population:
        return replace(self.neuron, coupling=MeanFieldCoupling(0.0, external=current))

    def _reach(self, t_span: tuple[float, float] | None) -> tuple[float, float]:
        """The smallest current of a label if only inhibition acted, and the largest if only excitation did.

        The rates follow from the drifts and these from the rates: sweeps with a rough rate for each drift find how
        large they get. Rates far above may push further; the solution reports what mass could lie beyond the grid.
        """
        low, high = self._external_range(t_span)
        matrix, lane = self.coupling.matrix, np.arange(self.lanes)
        # Labels that inhibit each other need not fire alike: one half may silence the other, near it or far from it.
        active = [lane < 0, lane >= 0, 2 * lane < self.lanes, 2 * lane >= self.lanes, lane % 2 == 0]
        most = np.zeros(self.lanes)
        for external in {low, high}:
            own = (external + self.currents)[:, None]
            rates = self._rough_rates(own) * np.stack(active, axis=1)
            for _ in range(SETTLING):
                change = 0.5 * (self._rough_rates(own + matrix @ rates) - rates)
                rates = rates + change
                most = np.maximum(most, rates.max(axis=1))
                if np.all(np.abs(change) <= SETTLED * np.max(rates)):
                    break
        most = OVERSHOOT * most
        pushed_down = low + self.currents - _positive_part(matrix, most, -1.0)
        pushed_up = high + self.currents + _positive_part(matrix, most, 1.0)
        return float(pushed_down.min()), float(pushed_up.max())

    def _rough_rates(self, c: np.ndarray) -> np.ndarray:
        """A rate for each current, right to a factor of a few: what the hazard and the refractory time slow down."""
        neuron, gap = self.neuron, self.V_F - self.V_R
        drift = float(np.mean(neuron.drift_of_lanes(np.linspace(self.V_R, self.V_F, 9)))) + c
        rate = np.minimum(rough_rate(drift, np.full(c.shape, neuron.noise.a0), gap), FASTEST)
        wait = neuron.refractory.mean_duration
        if not self.threshold.absorbing:
            ahead = self.V_F + gap * np.linspace(0.01, 2.0, 21)
            wait += 1.0 / max(float(np.max(self.threshold.hazard(ahead))), 1e-300)
        return np.asarray(rate / (1.0 + rate * wait))

    def _external_range(self, t_span: tuple[float, float] | None) -> tuple[float, float]:
        coupling = self.neuron.coupling
        if not coupling.time_dependent:
            return (coupling.external_at(0.0),) * 2
        if t_span is None:
            raise InvalidArgument(
                "`external` of the neuron is a function of time: give `grid` the `t_span` of the run, or `v_min`."
            )
        currents = [coupling.external_at(float(t)) for t in np.linspace(*t_span, CURRENT_SAMPLES)]
        return min(currents), max(currents)


def as_kernel(kernel: object) -> Any:
    """A kernel, or a Coupling; arrays become actual synapses and functions smooth kernels."""
    from scipy.sparse import issparse

    if isinstance(kernel, type):
        raise InvalidArgument(f"`kernel` must be an object such as fp.ConstantKernel(2.0), not {kernel!r}.")
    if isinstance(kernel, Coupling) or hasattr(kernel, "quadrature"):
        return kernel
    if callable(kernel):
        return SmoothKernel(kernel)
    if issparse(kernel) or isinstance(kernel, np.ndarray | list | tuple):
        return SynapseMatrix(kernel)
    if isinstance(kernel, int | float):
        raise InvalidArgument(f"`kernel` = {kernel!r} is a number; for equal synapses use fp.ConstantKernel({kernel}).")
    raise InvalidArgument(
        f"`kernel` must be a kernel such as fp.ConstantKernel(2.0), a matrix of synapses, or a function w(xi, zeta), "
        f"not {kernel!r}."
    )


def _on_labels(kernel: Any, lanes: int | None, varies: bool) -> Coupling:
    if isinstance(kernel, Coupling):
        if lanes not in (None, kernel.lanes):
            raise InvalidArgument(f"`lanes` = {lanes}, but `kernel` is on {kernel.lanes} labels already; leave it out.")
        return kernel
    if lanes is None and varies and isinstance(kernel, ConstantKernel):
        lanes = SMOOTH_LANES  # one label is enough for the kernel, but not for the current
    coupling = kernel.quadrature(lanes)
    if not isinstance(coupling, Coupling):
        raise InvalidArgument(f"`kernel` = {kernel!r:.100} must return a Coupling from its `quadrature`.")
    return coupling


def _external(model: ExtendedPopulation, t: float) -> np.ndarray:
    """I(t) + I(ξ), shape (lanes,)."""
    return model.currents + finite_number("external", model.neuron.coupling.external_at(t))


def _excites(matrix: Matrix) -> bool:
    """Whether some entry is positive."""
    if isinstance(matrix, LowRankMatrix):
        ones = np.ones(matrix.shape[1])
        if not np.any(_positive_part(matrix, ones, 1.0) > 0.0):  # a bound, so this is sure
            return False
        return any(np.any(rows > 0.0) for rows in _row_blocks(matrix))
    return bool(matrix.max() > 0.0)


def _positive_part(matrix: Matrix, rates: np.ndarray, sign: float) -> np.ndarray:
    """max(sign · matrix, 0) @ rates for rates ≥ 0; of low rank a bound, for the entries are not built."""
    if isinstance(matrix, LowRankMatrix):
        left, right = sign * matrix.left, matrix.right
        return np.asarray(
            np.maximum(left, 0.0) @ (np.maximum(right, 0.0).T @ rates)
            + np.minimum(left, 0.0) @ (np.minimum(right, 0.0).T @ rates)
        )
    if isinstance(matrix, np.ndarray):
        return np.concatenate([np.maximum(sign * rows, 0.0) @ rates for rows in _row_blocks(matrix)])
    part = matrix.copy()
    part.data = np.maximum(sign * part.data, 0.0)
    return np.asarray(part @ rates)


def _row_blocks(matrix: np.ndarray | LowRankMatrix) -> Any:
    """The rows, some at a time."""
    rows, columns = matrix.shape
    for first in range(0, rows, max(1, BLOCK // columns)):
        some = slice(first, first + max(1, BLOCK // columns))
        yield matrix[some] if isinstance(matrix, np.ndarray) else matrix.left[some] @ matrix.right.T
