"""Neurons with a potential and a conductance: the voltage–conductance kinetic equation."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.special import ndtr

from ..grid import MIN_CELLS, Grid, cell_count
from ..outcomes import InvalidArgument, finite_number, frozen, non_negative, positive, real_array, whole_number
from ..state import Gaussian, InitialDensity, State, as_density
from .voltage import VoltageModel
from .wiring import AffineWiring

FEWEST_LANES, MOST_LANES = 4, 10_000
LANES, MOST_BY_DEFAULT, PER_DEVIATION = 64, 512, 4.0
"""Default cells in g: as many as give a standard deviation √a four of them, within these limits."""
DEVIATIONS = 7.0
"""Of a Gaussian in g, beyond which its mass of 1e-12 is left out."""
ROOM = 0.02
"""Where the default grid begins below the lowest potential that a neuron can have, over V_F − V_R."""
TAIL = 23.0
"""A density that falls like e^{−x} is 1e-10 there."""
LOWEST = 30.0
"""Depth of a grid in ln(V_E/(V_E − v)): beyond, potentials are larger than 1e13."""
CELLS = 200
"""Of the default grid, in v."""
UNBOUNDED = 1e300
"""Stands for g_max until it is known."""
MISSED = 1e-9
"""Mass of an initial law of the conductance that may lie outside its lanes."""
GAUSS = np.polynomial.legendre.leggauss(5)


@dataclass(frozen=True)
class VoltageConductance(VoltageModel):
    """Neurons with a potential v and an excitatory conductance g; build it with `voltage_conductance`.

        ∂t p + ∂v[(−g_L v + g (V_E − v)) p] + ∂g[((g_in − g) p − a ∂g p)/σ_E] = J⁺(V_F, g) δ(v − V_R)
        N(t) = ∫ J⁺(V_F, g) dg,   g_in = f_E ν + S_E N,   a = (f_E² ν + S_E² N/N_E)/(2 σ_E)

    Cells of equal width `dg` between `g_min` and `g_max` are the lanes; p, and the flux J⁺(V_F, g), which is the `rate`
    of a solution, are densities in g.

    Attributes
    ----------
    S_E, nu, f_E, sigma_E, N_E, g_L, V_E : float
        As in `voltage_conductance`.
    reset, threshold : float
        V_R and V_F.
    g_min, g_max : float
        Ends of the interval of conductances, through which nothing passes.
    resolution : int
        Number of cells in g, the argument `lanes` of `voltage_conductance`.
    """

    S_E: float
    nu: float
    f_E: float
    sigma_E: float
    N_E: float
    g_L: float
    V_E: float
    reset: float
    threshold: float
    g_min: float
    g_max: float
    resolution: int

    def __post_init__(self) -> None:
        for name in ("S_E", "nu", "f_E"):
            non_negative(name, getattr(self, name))
        for name in ("sigma_E", "g_L"):
            positive(name, getattr(self, name))
        if isinstance(self.N_E, bool) or not isinstance(self.N_E, int | float | np.number) or not self.N_E > 0.0:
            raise InvalidArgument(f"`N_E` must be a positive number of synapses, math.inf for very many: {self.N_E!r}.")
        for name, value in (("V_R", self.reset), ("V_F", self.threshold), ("V_E", self.V_E)):
            finite_number(name, value)
        if not 0.0 <= self.reset < self.threshold < self.V_E:
            raise InvalidArgument(
                f"potentials are measured from the leak, 0 ≤ V_R < V_F < V_E, but V_R = {self.reset:g}, "
                f"V_F = {self.threshold:g}, V_E = {self.V_E:g}."
            )
        if finite_number("g_min", self.g_min) > 0.0:
            raise InvalidArgument(f"`g_min` = {self.g_min:g} must be 0, or negative for Gaussian conductances.")
        if not finite_number("g_max", self.g_max) > self.firing_conductance:
            raise InvalidArgument(
                f"`g_max` = {self.g_max:g} lets nobody fire: use one above g_L V_F/(V_E − V_F) = "
                f"{self.firing_conductance:g}."
            )
        if whole_number("lanes", self.resolution, FEWEST_LANES) > MOST_LANES:
            raise InvalidArgument(f"`lanes` = {self.resolution}, but at most {MOST_LANES} are meant.")

    def __repr__(self) -> str:
        return (
            f"VoltageConductance(S_E = {self.S_E:g}, σ_E = {self.sigma_E:g}, {self.resolution} conductances in "
            f"[{self.g_min:g}, {self.g_max:g}])"
        )

    # -- the conductances ---------------------------------------------------------------------------------------

    @property
    def lanes(self) -> int:
        return int(self.resolution)

    @cached_property
    def dg(self) -> float:
        """Width of the cells in g."""
        return (self.g_max - self.g_min) / self.lanes

    @cached_property
    def g_faces(self) -> np.ndarray:
        """Faces between the cells in g, shape (lanes + 1,)."""
        return frozen(np.linspace(self.g_min, self.g_max, self.lanes + 1))

    @cached_property
    def g(self) -> np.ndarray:
        """Conductances of the lanes: the centres of the cells, shape (lanes,)."""
        return frozen(0.5 * (self.g_faces[1:] + self.g_faces[:-1]))

    @property
    def firing_conductance(self) -> float:
        """g_F = g_L V_F/(V_E − V_F), above which the drift at V_F points outwards."""
        return self.g_L * self.threshold / (self.V_E - self.threshold)

    @property
    def critical_coupling(self) -> float:
        """x_F − x_R = ln((V_E − V_R)/(V_E − V_F)): with S_E below it, stationary rates are bounded by `largest_rate`.

        In x = ln(V_E/(V_E − v)) the drift is g − g_L (eˣ − 1), and every spike takes x back by this much, while it
        adds the integral S_E to the conductance of everyone.
        """
        return math.log((self.V_E - self.reset) / (self.V_E - self.threshold))

    @property
    def monitors(self) -> Mapping[str, Callable[[State], float | np.ndarray]]:
        """N = ∫ J⁺(V_F, g) dg, and the mean conductance ⟨g⟩."""
        return {"N": lambda state: float(self.total_rate(state.rate)), "mean_conductance": self.mean_conductance}

    def mean_conductance(self, state: State) -> float:
        """⟨g⟩ of a state."""
        return float(self.g @ (state.density @ state.grid.width)) * self.dg

    def shown_rate(self, rates: np.ndarray) -> np.ndarray:
        return np.asarray(self.total_rate(rates))

    @property
    def largest_rate(self) -> float:
        """No stationary rate is larger; infinite if S_E reaches `critical_coupling`.

        From the moments of x and g of a stationary state, (x_F − x_R) N = ⟨g⟩ − g_L ⟨eˣ − 1⟩ and ⟨g⟩ = f_E ν + S_E N,
        plus at most √a of it by the reflection at g = 0.
        """
        spare = self.critical_coupling - self.S_E
        if spare <= 0.0:
            return math.inf
        drive = self.f_E * self.nu + (self.g_L if self.g_min < 0.0 else 0.0)
        if self.g_min < 0.0:
            return drive / spare
        # N spare ≤ drive + √(a + b N): the larger root of a quadratic in N.
        a, b = float(self.variance(np.asarray(0.0))), self._variance_gain
        return (2.0 * spare * drive + b + math.sqrt(b * b + 4.0 * spare * (spare * a + b * drive))) / (2.0 * spare**2)

    def total_rate(self, rates: np.ndarray) -> np.ndarray:
        """N = ∫ J⁺(V_F, g) dg of rates J⁺, shape (lanes,) or (steps, lanes)."""
        return np.asarray(np.asarray(rates) @ self._shares_of_total)

    @cached_property
    def _shares_of_total(self) -> np.ndarray:
        return frozen(np.full(self.lanes, self.dg))

    @property
    def _variance_gain(self) -> float:
        return self.S_E**2 / (2.0 * self.sigma_E * self.N_E)

    def drive(self, total: np.ndarray) -> np.ndarray:
        """g_in = f_E ν + S_E N, for a total rate N."""
        return np.asarray(self.f_E * self.nu + self.S_E * np.asarray(total))

    def variance(self, total: np.ndarray) -> np.ndarray:
        """a = (f_E² ν + S_E² N/N_E)/(2 σ_E), for a total rate N: the variance of g if N stayed and g were unbounded."""
        return np.asarray(self.f_E**2 * self.nu / (2.0 * self.sigma_E) + self._variance_gain * np.asarray(total))

    # -- potentials ---------------------------------------------------------------------------------------------

    def additive(self, v: np.ndarray) -> np.ndarray:
        """x = ln(V_E/(V_E − v)), in which conductances act as currents: x' = g − g_L (eˣ − 1)."""
        return np.asarray(-np.log1p(-np.asarray(v) / self.V_E))

    def potential(self, x: np.ndarray) -> np.ndarray:
        """v = V_E (1 − e^{−x})."""
        return np.asarray(-self.V_E * np.expm1(-np.asarray(x)))

    # -- what the numerics ask ----------------------------------------------------------------------------------

    @property
    def V_F(self) -> float:
        return float(self.threshold)

    @property
    def V_R(self) -> float:
        return float(self.reset)

    @cached_property
    def wiring(self) -> AffineWiring:
        """None: rates act on the conductance, and through the drift of the lanes."""
        return AffineWiring(frozen(np.zeros(self.lanes)), frozen(np.zeros(self.lanes)), ())

    @cached_property
    def absorbing(self) -> np.ndarray:
        return frozen(np.full(self.lanes, True))

    @cached_property
    def silence(self) -> np.ndarray:
        return frozen(np.zeros(self.lanes))

    @cached_property
    def latencies(self) -> np.ndarray:
        return frozen(np.zeros(self.lanes))

    def drift_of_lanes(self, v: np.ndarray) -> np.ndarray:
        return np.asarray(-self.g_L * v[:, None] + self.g * (self.V_E - v[:, None]))

    def hazard_of_lanes(self, v: np.ndarray) -> np.ndarray:
        return np.zeros((len(v), 1))

    @property
    def lane_names(self) -> tuple[str, ...]:
        return tuple(f"g = {g:.4g}" for g in self.g)

    @property
    def exchanges(self) -> bool:
        return True

    @property
    def may_blow_up(self) -> bool:
        """Solutions are known to be global, but that is to be seen: the detector of a blow-up listens."""
        return True

    @property
    def quiet_diffusion(self) -> float:
        return 0.0

    @property
    def always_noisy(self) -> bool:
        return False

    def mass_errors(self, masses: np.ndarray, start: np.ndarray) -> np.ndarray:
        """∫∫ p dv dg − 1."""
        return np.array([float(self._shares_of_total @ masses) - 1.0])

    def densities(self, initial: object) -> tuple[InitialDensity, ...]:
        return (_start(initial).voltage,)

    def shares(self, initial: object) -> np.ndarray:
        """∫ p dv at the start, averaged over each lane."""
        return _start(initial).lane_averages(self)

    def lowest_potential(self, t_span: tuple[float, float] | None = None) -> float:
        """A potential below which p is negligible: a little below the leak if conductances are not negative.

        Else the density falls like e^{(g_L + g_in) x/D}, D = a σ_E, towards low x, as it does with white noise.
        """
        if self.g_min >= 0.0:
            return -ROOM * (self.V_F - self.V_R)
        noise = 0.5 * self.f_E**2 * self.nu
        depth = TAIL * noise / (self.g_L + self.f_E * self.nu) + 2.0 * math.sqrt(noise) + ROOM
        return float(self.potential(np.asarray(-min(depth, LOWEST))))

    def highest_potential(self, t_span: tuple[float, float] | None = None) -> float:
        return self.V_F

    def grid(
        self,
        cells: int = CELLS,
        v_min: float | None = None,
        finest: float | None = None,
        t_span: tuple[float, float] | None = None,
        v_max: float | None = None,
    ) -> Grid:
        """A grid on [v_min, V_F] with cells of equal width in x = ln(V_E/(V_E − v)), a face at V_R.

        In x the drift due to g is g itself, so that no cell makes the time step shorter than another.

        Parameters
        ----------
        cells : int
            Number of cells.
        v_min : float, optional
            Lower end, below V_R; a little below the leak potential by default, where nobody is.
        finest : float, optional
            Width of the cell next to V_F, of a grid that is graded geometrically in v.
        t_span, v_max :
            Not needed here.

        >>> voltage_conductance(0.2, nu=5.0, f_E=0.2, sigma_E=0.5).grid(cells=100)
        Grid(100 cells on [-0.0230244, 1], widths 0.00903 to 0.0115, V_R = 0 on a face)
        """
        if finest is not None or v_max is not None:
            return super().grid(cells, v_min, finest, t_span, v_max)
        cells = cell_count(cells, MIN_CELLS)
        v_min = self.lowest_potential(t_span) if v_min is None else finite_number("v_min", v_min)
        if v_min >= self.V_R:
            raise InvalidArgument(f"`v_min` = {v_min:g} must lie below V_R = {self.V_R:g}.")
        ends = self.additive(np.array([v_min, self.V_F]))
        above = min(int(cells * self.critical_coupling / float(ends[1] - ends[0])), cells - 1)
        if above < 2:
            raise InvalidArgument(f"`cells` = {cells} leaves fewer than two cells above V_R; use more of them.")
        steps = np.arange(cells, -1, -1) * (self.critical_coupling / above)
        faces = self.potential(ends[1] - steps)
        faces[cells - above], faces[-1] = self.V_R, self.V_F
        return Grid(faces, self.V_R)


def voltage_conductance(
    S_E: float,
    nu: float,
    f_E: float,
    sigma_E: float,
    N_E: float = math.inf,
    g_L: float = 1.0,
    V_E: float = 14.0 / 3.0,
    V_R: float = 0.0,
    V_F: float = 1.0,
    g_min: float = 0.0,
    g_max: float | None = None,
    lanes: int | None = None,
) -> VoltageConductance:
    """The voltage–conductance kinetic equation of an excitatory network.

        ∂t p + ∂v[(−g_L v + g (V_E − v)) p] + ∂g[((g_in − g) p − a ∂g p)/σ_E] = J⁺(V_F, g) δ(v − V_R),   v ≤ V_F,
        J⁺(V_F, g) = (−g_L V_F + g (V_E − V_F))₊ p(V_F, g),   N = ∫ J⁺(V_F, g) dg,
        g_in = f_E ν + S_E N,   a = (f_E² ν + S_E² N/N_E)/(2 σ_E)

    A neuron's conductance jumps by f_E/σ_E at each of the spikes that arrive from outside at the rate ν, and by
    S_E/(N_E σ_E) at the spikes of N_E neurons of the network, and decays with the time constant σ_E; the equation is
    the diffusion limit of this. Potentials are measured from that of the leak, V_L = 0. A neuron that fires keeps g.

    Parameters
    ----------
    S_E : float
        Coupling, zero or positive (integral of the conductance that one spike of everybody causes).
    nu, f_E : float
        Rate of the spikes from outside, and the integral of the conductance that one of them causes.
    sigma_E : float
        Time constant of the conductance.
    N_E : float
        Number of synapses, from which the network's own noise stems; math.inf leaves it out.
    g_L : float
        Conductance of the leak: the membrane time constant is 1/g_L.
    V_E, V_R, V_F : float
        Potentials of excitatory reversal, reset and threshold, 0 ≤ V_R < V_F < V_E.
    g_min : float
        Lower end of the conductances. 0, as published: conductances are reflected there. Negative, and far below what
        g does: the Gaussian theory, of which the NNLIF model is the limit of fast conductances.
    g_max : float, optional
        Upper end, from the largest possible mean conductance of a stationary state, one volley of everybody and seven
        standard deviations. A solution that gets there says so.
    lanes : int, optional
        Number of cells in g; 64, or as many as give √a four of them.

    Raises
    ------
    InvalidArgument
        If a parameter is out of range; or S_E ≥ ln((V_E − V_R)/(V_E − V_F)), from which on nothing bounds the
        conductance in the long run, and no `g_max` is given.

    Notes
    -----
    Steps are as long as no neuron crosses a cell, so that a high `g_max`, which a strong or nearly critical coupling
    asks for, makes them short: a unit of time takes seconds to minutes. A default run has an error of some percent,
    whatever `rtol` is; `grid=model.grid(cells)` and `lanes` make it finer. The lanes are not in `error_estimate`.

    This a is that of Campbell's theorem for jumps of f_E/σ_E. Where the equation is written with (f² ν + S² N/M)/2
    instead and g_in = f ν + S N, the same equation has here f_E = σ_E f, ν/σ_E in place of ν, and N_E = M/σ_E.

    Source: D. Cai, L. Tao, A. V. Rangan, D. W. McLaughlin, Commun. Math. Sci. 4 (2006) 97; B. Perthame, D. Salort,
    Kinet. Relat. Models 6 (2013) 841; M. J. Cáceres, J. A. Carrillo, L. Tao, J. Comput. Phys. 230 (2011) 1084.

    >>> model = voltage_conductance(S_E=0.1, nu=10.0, f_E=0.1, sigma_E=0.2, lanes=64)
    >>> float(model.drive(2.0)), round(float(model.variance(0.0)), 6)
    (1.2, 0.25)
    """
    model = VoltageConductance(
        S_E=non_negative("S_E", S_E),
        nu=non_negative("nu", nu),
        f_E=non_negative("f_E", f_E),
        sigma_E=positive("sigma_E", sigma_E),
        N_E=N_E,
        g_L=positive("g_L", g_L),
        V_E=V_E,
        reset=V_R,
        threshold=V_F,
        g_min=g_min,
        g_max=UNBOUNDED if g_max is None else g_max,
        resolution=LANES if lanes is None else lanes,
    )
    top = _largest_conductance(model) if g_max is None else float(g_max)
    deviation = math.sqrt(float(model.variance(np.asarray(0.0))))
    if lanes is None and deviation > 0.0:
        lanes = min(max(math.ceil(PER_DEVIATION * (top - g_min) / deviation), LANES), MOST_BY_DEFAULT)
    model = replace(model, g_max=top, resolution=LANES if lanes is None else lanes)
    below = round((model.firing_conductance - g_min) / model.dg)
    if g_max is None and below:  # a face at g_F, where the flux through V_F has its kink
        model = replace(model, g_max=g_min + model.lanes * (model.firing_conductance - g_min) / below)
    return model


def _largest_conductance(model: VoltageConductance) -> float:
    """What g hardly exceeds: the mean of the fastest stationary state, one volley, and seven standard deviations."""
    rate = model.largest_rate
    if math.isinf(rate):
        raise InvalidArgument(
            f"`S_E` = {model.S_E:g} is at least ln((V_E − V_R)/(V_E − V_F)) = {model.critical_coupling:.4g}: each "
            f"spike can beget more than one, and conductances may grow without bound; say with `g_max=` how far to "
            f"follow them."
        )
    deviation = math.sqrt(float(model.variance(np.asarray(rate))))
    top = float(model.drive(np.asarray(rate))) + model.S_E / model.sigma_E + DEVIATIONS * deviation
    return max(top, 2.0 * model.firing_conductance)


# -- initial data -----------------------------------------------------------------------------------------------

Conductance = float | Gaussian | np.ndarray | Callable[[np.ndarray], np.ndarray]
"""A law of the conductance: a number, fp.gaussian(mean, variance), averages over the lanes or a function."""


@dataclass(frozen=True, eq=False)
class KineticDensity:
    """An initial density p(v, g) = n(v) ρ(g); build it with `kinetic_density`."""

    voltage: InitialDensity
    conductance: Conductance | None

    def lane_averages(self, model: VoltageConductance) -> np.ndarray:
        """ρ averaged over the lanes, shape (lanes,), of mass one."""
        law = self.conductance
        if law is None:
            quiet = float(model.variance(np.asarray(0.0)))
            at_rest = float(model.drive(np.asarray(0.0)))
            law = Gaussian(at_rest, quiet) if quiet > 0.0 else at_rest
        if isinstance(law, Gaussian):
            return _gaussian_averages(law, model)
        if callable(law):
            return _function_averages(law, model)
        if isinstance(law, np.ndarray):
            return _given_averages(law, model)
        return _single_conductance(float(law), model)


def kinetic_density(voltage: object, conductance: object = None) -> KineticDensity:
    """An initial density p(v, g) = n(v) ρ(g) of neurons with a potential and a conductance.

    Parameters
    ----------
    voltage : initial density
        n, as `fp.solve` takes it for one population: `fp.gaussian(mean, variance)`, a function of v, an array.
    conductance : None, Gaussian, float, callable or array, optional
        ρ: None for its stationary law in a silent network, `fp.gaussian(mean, variance)`, a number that all have
        (shared by two lanes such that it is their mean), a function of g up to a factor, or averages over the lanes.

    Raises
    ------
    InvalidArgument
        If it is none of these. What depends on the lanes is refused when they meet it.

    >>> from fokkerplanck import gaussian
    >>> start = kinetic_density(gaussian(0.5, 0.01), gaussian(1.0, 0.1))
    >>> model = voltage_conductance(S_E=0.1, nu=10.0, f_E=0.1, sigma_E=0.2)
    >>> round(float(start.lane_averages(model).sum() * model.dg), 12)
    1.0
    """
    if isinstance(conductance, list | tuple):
        conductance = real_array("conductance", conductance)
    if conductance is None or isinstance(conductance, Gaussian | np.ndarray):
        return KineticDensity(as_density(voltage), conductance)
    if callable(conductance) and not isinstance(conductance, type):
        return KineticDensity(as_density(voltage), conductance)
    return KineticDensity(as_density(voltage), finite_number("conductance", conductance))


def _start(initial: object) -> KineticDensity:
    return initial if isinstance(initial, KineticDensity) else KineticDensity(as_density(initial), None)


def _gaussian_averages(law: Gaussian, model: VoltageConductance) -> np.ndarray:
    """Exact averages; at g_min = 0, where conductances are reflected, the law is cut and normalised."""
    z = (model.g_faces - law.mean) / math.sqrt(law.variance)
    masses = np.where(z[:-1] > 0.0, -np.diff(ndtr(-z)), np.diff(ndtr(z)))
    held = float(masses.sum())
    if held < MISSED:
        raise InvalidArgument(
            f"hardly any of the conductances {law!r} of `initial` lies in [{model.g_min:g}, {model.g_max:g}]: a mass "
            f"of {held:.2g}; move its mean."
        )
    beyond = float(ndtr(-z[-1])) + (float(ndtr(z[0])) if model.g_min < 0.0 else 0.0)
    if not beyond <= MISSED * (held + beyond):
        raise InvalidArgument(
            f"a mass of {beyond / (held + beyond):.2g} of the conductances of `initial` lies outside "
            f"[{model.g_min:g}, {model.g_max:g}]; use a larger `g_max=`"
            + (" or a lower `g_min=`." if model.g_min < 0.0 else ".")
        )
    return masses / (held * model.dg)


def _function_averages(law: Callable[[np.ndarray], np.ndarray], model: VoltageConductance) -> np.ndarray:
    nodes, weights = GAUSS
    g = model.g[:, None] + 0.5 * model.dg * nodes
    values = real_array("conductance", law(g.ravel()))
    if values.shape != (g.size,) or not np.all(np.isfinite(values)) or np.any(values < 0.0):
        raise InvalidArgument("`conductance` must map an array of g to finite numbers that are not negative.")
    averages = values.reshape(g.shape) @ (0.5 * weights)
    mass = float(averages.sum()) * model.dg
    if not mass > 0.0:
        raise InvalidArgument("`conductance` is zero on all lanes and cannot be normalised.")
    return averages / mass


def _given_averages(law: np.ndarray, model: VoltageConductance) -> np.ndarray:
    averages = real_array("conductance", law)
    if averages.shape != (model.lanes,) or not np.all(np.isfinite(averages)) or np.any(averages < 0.0):
        raise InvalidArgument(
            f"`conductance` must be {model.lanes} averages over the lanes, none negative, not of shape "
            f"{averages.shape}."
        )
    mass = float(averages.sum()) * model.dg
    if abs(mass - 1.0) > MISSED:
        raise InvalidArgument(f"`conductance` has mass {mass:.9g}, not 1; divide it by its sum times model.dg.")
    return averages


def _single_conductance(g: float, model: VoltageConductance) -> np.ndarray:
    """All mass in two neighbouring lanes, such that g is its mean; at the very ends, in the lane there is."""
    if model.g_min <= g < model.g[0] or model.g[-1] < g <= model.g_max:
        return np.where(model.g == model.g[0 if g < model.g[0] else -1], 1.0 / model.dg, 0.0)
    if not model.g[0] <= g <= model.g[-1]:
        raise InvalidArgument(
            f"the conductance {g:g} of `initial` lies outside the lanes, {model.g[0]:.4g} to {model.g[-1]:.4g}; use a "
            f"larger `g_max=`, or more `lanes` where it is small."
        )
    left = min(int((g - model.g[0]) / model.dg), model.lanes - 2)
    share = (g - model.g[left]) / model.dg
    averages = np.zeros(model.lanes)
    averages[left], averages[left + 1] = (1.0 - share) / model.dg, share / model.dg
    return averages
