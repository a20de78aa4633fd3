"""What happens at the instant of a blow-up: a fraction of the population fires, at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from .grid import Grid
from .inputs import check_single, check_state, checked_flag, checked_tolerance
from .models.overshoot import checked_overshoot
from .models.population import Population, require_population
from .operators.schemes import FluxScheme, ScharfetterGummel
from .outcomes import InvalidArgument, Jump
from .state import State
from .steppers.location import cut_short
from .steppers.protocol import Step, Tolerance, advance
from .steppers.rosenbrock import Rodas5P

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .operators.dilated import StandingClock

LAYERS = 30.0
"""Thicknesses a/(bN) of the boundary layer at V_F that do not belong to the density outside it."""
CRITICAL = 1e-9
"""A state is at its blow-up if every spike sets off one other, less this at most."""
FRAMES = 101
"""Stages of a cascade that are kept."""
LONGEST = 30.0
"""Rounds, of (V_F − V_R)/b spikes per neuron, after which a cascade that can go on for ever is not followed further."""
SHORTEST = 1e-15
"""Step, in spikes per neuron, from which nothing can be learnt."""
LOST = 1e-2
"""Mass beyond v_min with which an event cannot be followed."""


@dataclass(frozen=True, eq=False, repr=False)
class Cascade:
    """The firing event of a density at one instant, stage by stage.

    Attributes
    ----------
    fraction : float
        Δ, spikes per neuron; zero if the state is not at a blow-up.
    shift : float
        bΔ, by how much those who did not fire were moved.
    overshoot : str
        The convention for those who fired.
    eternal : bool
        The event does not end; then Δ is how far it was followed, and `after` the state before.
    before, after : State
        The rate of `after` is infinite if its density is still critical.
    spikes : array, shape (stages,)
        Spikes z sent so far, per neuron: the time of the standing clock.
    waiting : array, shape (stages,)
        Spikes that neurons at V_F have yet to send: the event ends when none are left.
    density : array, shape (stages, cells)
        Cell averages of the density at each stage; those who wait, or fell silent, are not in it.
    truncated_mass : float
        Largest estimate of the mass that lay beyond v_min; from a hundredth on the event is not followed to its end.
    """

    fraction: float
    shift: float
    overshoot: str
    eternal: bool
    before: State
    after: State
    spikes: np.ndarray
    waiting: np.ndarray
    density: np.ndarray
    truncated_mass: float = 0.0

    @property
    def resolved(self) -> bool:
        """Whether it was followed to its end, or to where it is clear that there is none."""
        return self.eternal or self.fraction == 0.0 or self.after is not self.before

    @property
    def jump(self) -> Jump:
        """The event as a solution lists it."""
        return Jump(self.before.t, self.fraction, self.shift, self.overshoot)

    def __repr__(self) -> str:
        end = "never ends" if self.eternal else "ends" if self.resolved else "leaves the grid"
        if not self.fraction:
            return f"Cascade(none: at t = {self.before.t:.9g} no spike sets off another)"
        return (
            f"Cascade({self.overshoot}: at t = {self.before.t:.9g}, {end} after {self.fraction:.6g} spikes per neuron, "
            f"{len(self.spikes)} stages)"
        )

    def plot(self) -> Figure:
        """The density stage by stage, and the spikes that wait."""
        from .plotting.events import plot_cascade

        return plot_cascade(self)


def cascade(
    model: Population,
    state: State,
    overshoot: str = "discard",
    transport: bool = False,
    scheme: FluxScheme | None = None,
    tolerance: float = 1e-8,
) -> Cascade:
    """The firing event that a state at a blow-up undergoes, while the physical clock stands still.

    Without activity noise (a1 = 0) the density moves by a shift, and the event is known from its distribution alone:

        Δ = inf{z > 0 : ∫_{V_F − bz}^{V_F} n dv < z}.

    With a1 > 0, and on demand, the equation of the standing clock is solved, in the number z of spikes per neuron:

        ∂z n + b ∂v n − a1 ∂vv n = S δ(v − V_R),   B' = F − 1,   F = b n(V_F) or −a1 ∂v n(V_F),

    where S is F ("keep"), 1 ("discard") or 0 ("none"), and B ≥ 0 counts the spikes that wait to be sent. The event ends
    when B = 0.

    Parameters
    ----------
    model : Population
        With an absorbing threshold and no transmission delay: a kick that comes later sets off nothing now.
    state : State
        On cells, at the blow-up: from `sol.before`, or with an infinite rate. For one with a finite rate N that is not
        there yet the boundary layer of width a/(bN) at V_F is left out of account; only the distribution can do that.
    overshoot : "keep", "discard" or "none"
        What fired neurons do with the rest of the cascade. With a refractory state they wait there, whatever it is.
    transport : bool
        Solve the equation of the standing clock where it is not needed, too: of first order in the cells, as
        transport without noise smears; for comparison. The map itself is of second order in the state it is given, but
        a run reaches the blow-up with an error in Δ of first order in the cell at V_F.
    scheme : two-point scheme, optional
        For the standing clock; default `fp.ScharfetterGummel()`.
    tolerance : float
        Relative tolerance per step of the standing clock.

    Raises
    ------
    InvalidArgument
        If the model has no cascades, the state is not one of it on cells, or the equation of the standing clock is to
        start from a state with a boundary layer.

    Source: Delarue, Inglis, Rubenthaler, Tanré (2015), arXiv:1406.1151; Dou, Zhou (2022), arXiv:2206.06972.

    >>> import fokkerplanck as fp
    >>> model = fp.nnlif(b=0.5)
    >>> state = fp.State(0.0, model.grid(800), fp.gaussian(1.9, 0.01).cell_averages(model.grid(800)), rate=np.inf)
    >>> round(fp.cascade(model, state).fraction, 2)
    1.0
    """
    overshoot, transport = checked_overshoot(overshoot), checked_flag("transport", transport)
    model = require_population(model, "events are followed in one population only, so far")
    scheme = checked_scheme("scheme", scheme or ScharfetterGummel())
    allowed = Tolerance(checked_tolerance(tolerance, 1.0).rtol, 1e-3 * tolerance)
    if not model.threshold.absorbing or model.coupling.delay:
        raise InvalidArgument("`model` has no cascades: with a delay or a threshold that is no sharp one N is finite.")
    if not isinstance(state, State) or not isinstance(state.grid, Grid):
        raise InvalidArgument(
            "`state` must be a State on cells, such as sol.before[0] of a run with fp.ActivityClock()."
        )
    check_single(state, "state")
    if np.isnan(state.rate):
        raise InvalidArgument("`state` has a rate that is not a number; for a state at its blow-up use rate=np.inf.")
    model.check_grid(state.grid, "state")
    check_state(model, replace(state, rate=0.0), "state")
    layer = LAYERS * _layer(model, state)
    if model.noise.gain == 0.0 and not transport:
        happened = _shifted(model, state, overshoot, layer)
    elif 0.0 < layer < model.V_F - model.V_R:
        raise InvalidArgument(
            f"`state` has the finite rate {state.rate:.4g} and a boundary layer at V_F: it is not at the blow-up yet, "
            f"where the standing clock begins; take it from sol.before of a run with fp.ActivityClock()."
        )
    else:
        happened = _transported(model, state, overshoot, scheme, allowed)
    return happened if happened.after is state else replace(happened, after=_closed(model, scheme, happened.after))


def checked_scheme(name: str, scheme: object) -> FluxScheme:
    """A two-point flux that follows every drift, as transport by b without noise asks for."""
    if isinstance(scheme, FluxScheme) and np.isinf(scheme.bound):
        return scheme
    raise InvalidArgument(
        f"`{name}` must be a scheme on cells whose flux follows every drift, such as fp.ScharfetterGummel(), "
        f"not {scheme!r}."
    )


def _closed(model: Population, scheme: FluxScheme, state: State) -> State:
    """The state with the rate of its density, which is infinite if the density is still critical."""
    system = scheme.discretize(model, state.grid)
    y = system.pack(state.density, state.refractory)
    return replace(state, rate=float(y[-1, 0]) if system.close(y, state.t) else np.inf)


def _layer(model: Population, state: State) -> float:
    """Thickness a/μ of the boundary layer at V_F, nothing for a rate that is not finite."""
    if not np.isfinite(state.rate):
        return 0.0
    current = float(model.coupling.current(np.asarray(state.rate), state.t))
    drift = current + float(model.drift(np.array([model.V_F]))[0])
    return float(model.noise.diffusion(np.asarray(state.rate))) / drift if drift > 0.0 else np.inf


def _round(model: Population, overshoot: str) -> float:
    """Spikes per neuron that carry a neuron from V_R to V_F, if that can go on for ever; else infinity.

    In the long run a neuron that goes round fires b/(V_F − V_R) times per spike that each sends.
    """
    b, way = model.coupling.gain, model.V_F - model.V_R
    for_ever = b >= way and overshoot != "none" and model.refractory.mean_duration == 0.0
    return way / b if for_ever else np.inf


# -- without activity noise: a shift --------------------------------------------------------------------------------


def _shifted(model: Population, state: State, overshoot: str, layer: float) -> Cascade:
    assert isinstance(state.grid, Grid)
    grid, b, V_R, V_F = state.grid, model.coupling.gain, model.V_R, model.V_F
    below = _cumulative(state)

    def beyond(z: float) -> float:
        """P(V ≥ V_F − b z)."""
        return float(below(V_F) - below(V_F - b * z))

    delta = _least(beyond, (V_F - grid.faces[::-1]) / b, layer / b) if b > 0.0 else 0.0
    silent = model.refractory.mean_duration > 0.0
    eternal = delta >= _round(model, overshoot)
    delta = min(delta, _round(model, overshoot))
    if not delta:
        nothing = np.zeros(1)
        return Cascade(0.0, 0.0, overshoot, False, state, state, nothing, nothing, state.density[None, :].copy())
    stages = np.linspace(0.0, delta, FRAMES)

    def masses(z: float) -> np.ndarray:
        """Of every cell, when z spikes have been sent."""
        v = grid.faces
        moved = below(v - b * z)
        if silent or overshoot == "none":
            return np.diff(moved)
        back = np.clip(v - V_R, 0.0, b * z)
        if overshoot == "discard":
            return np.diff(moved + back / b)
        return np.diff(moved + below(V_F - b * z + back) - below(V_F - b * z))

    frames = np.array([masses(z) / grid.width for z in stages])
    waiting = np.array([beyond(z) - z for z in stages])
    after = state
    if not eternal:
        density, pool = frames[-1].copy(), state.refractory
        if silent:
            pool += delta
        elif overshoot == "none":
            _deposit(grid, density, V_R, delta)
        after = replace(state, density=density, refractory=pool)
    return Cascade(delta, b * delta, overshoot, eternal, state, after, stages, waiting, frames)


def _cumulative(state: State) -> Callable[[np.ndarray | float], np.ndarray]:
    """∫_{v_min}^v n: monotone cubics through the masses of the cells, which keep the density positive."""
    from scipy.interpolate import PchipInterpolator  # only where it is needed: loading it takes long

    grid = state.grid
    mass = np.concatenate([[0.0], np.cumsum(state.density * grid.width)])
    with np.errstate(over="ignore", under="ignore", divide="ignore"):  # slopes so small that their inverse overflows
        curve = PchipInterpolator(grid.faces, mass)
    return lambda v: np.where(np.asarray(v) <= grid.v_min, 0.0, curve(np.clip(v, grid.v_min, grid.v_max)))


def _least(beyond: Callable[[float], float], stages: np.ndarray, first: float) -> float:
    """The least z > `first` with P(V ≥ V_F − bz) < z, looked for between the stages; zero if it holds there already."""
    from scipy.optimize import brentq

    later = stages[stages > first]
    z = first or float(later[0])
    if beyond(z) < z * (1.0 - CRITICAL):
        return 0.0
    for after in later:
        if z < after and beyond(float(after)) < after:
            return float(brentq(lambda x: beyond(x) - x, z, after, xtol=1e-15)) if beyond(z) > z else z
        z = max(z, float(after))
    return max(z, beyond(z))  # everybody is in reach


def _deposit(grid: Grid, density: np.ndarray, v: float, mass: float) -> None:
    cells, shares = grid.deposit(v)
    density[cells] += shares * mass / grid.width[cells]


# -- with activity noise: the equation of the standing clock --------------------------------------------------------


def _transported(model: Population, state: State, overshoot: str, scheme: FluxScheme, allowed: Tolerance) -> Cascade:
    from .operators.dilated import StandingClock  # compiled kernels: only when something is solved

    assert isinstance(state.grid, Grid)
    system, stepper = StandingClock(model, state.grid, scheme, overshoot), Rodas5P()
    y = system.pack(state.density)
    system.close(y, 0.0)
    z, waiting, lost = 0.0, 0.0, float(system.tail(y, 0.0)[0])
    stages, queue, frames = [z], [waiting], [y[:-2, 0].copy()]
    longest = LONGEST * _round(model, overshoot)
    over, dz = float(y[-1, 0]) < 1.0 - CRITICAL, stepper.first_step(system, y, 0.0, allowed)
    while not over and z <= longest and lost <= LOST and dz >= SHORTEST:
        step = advance(stepper, system, y, z, dz, allowed)
        if step is None or step.error > 1.0:
            dz = 0.25 * dz if step is None else stepper.next_step(system, y, z, dz, step.error)
            continue
        if _left(step, waiting) <= 0.0 and float(step.new[-1, 0]) < 1.0:
            last = _ended(stepper, system, step, z, waiting, allowed)
            if last is None:
                dz *= 0.25
                continue
            step, over = last, abs(_left(last, waiting)) <= 1e-12
        y, z, waiting = step.new, z + step.dt, _left(step, waiting)
        lost = max(lost, float(system.tail(y, z)[0]))
        stages.append(z)
        queue.append(waiting)
        frames.append(y[:-2, 0].copy())
        dz = stepper.next_step(system, y, z, step.dt, step.error)
    after, eternal = state, not over and z > longest
    if z and over:
        density, pool = y[:-2, 0].copy(), state.refractory
        if model.refractory.mean_duration > 0.0:
            pool += float(y[-2, 0])
        else:
            _deposit(state.grid, density, model.V_R, float(y[-2, 0]))
        after = replace(state, density=density, refractory=pool)
    kept = np.unique(np.linspace(0, len(stages) - 1, FRAMES).round().astype(int))
    return Cascade(
        z, model.coupling.gain * z, overshoot, eternal, state, after,
        np.array(stages)[kept], np.array(queue)[kept], np.array(frames)[kept], lost,
    )  # fmt: skip


def _ended(
    stepper: Rodas5P, system: StandingClock, step: Step, z: float, waiting: float, allowed: Tolerance
) -> Step | None:
    """The step cut short where nobody waits any more."""

    def sent(step: Step) -> float:
        return -_left(step, waiting)

    def foreseen(step: Step) -> float:  # by the slope F − 1 at the end of the step
        return step.dt + sent(step) / (float(step.new[-1, 0]) - 1.0)

    return cut_short(stepper, system, step, z, allowed, sent, 1e-14, foreseen)


def _left(step: Step, waiting: float) -> float:
    """B at the end of a step that began with B = `waiting`."""
    return waiting + float(step.fired[0]) - step.dt
