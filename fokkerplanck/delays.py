"""What a transmission delay does: when it makes a stationary state oscillate, and where a long one leads.

Stationary states do not depend on the delay d; their stability does. At a fixed activity the linearised equation turns
a perturbation A e^{λt} into the rate G(λ) A e^{λt}, so that with A(t) = N(t − d) the eigenvalues solve

    1 = e^{−λd} G(λ),   G(λ) = −⟨1, u⟩/((1 − L(λ))/λ + L(λ) ⟨1, z⟩),   (λ − T) u = k,   (λ − T) z = δ(v − V_R),

k = ∂(T p)/∂A, L the Laplace transform of the refractory time. (N = ⟨e, u⟩ A + L ⟨e, z⟩ N + η A, freed from the
cancellations for small λ by conservation of mass.) Oscillations e^{iωt} set in where |G(iω)| = 1, at d = arg G(iω)/ω.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.linalg import solve_banded
from scipy.optimize import brentq, minimize_scalar

from .meanfield.passage import passage_of
from .models.network import Network
from .models.population import Population, require_population
from .operators.schemes import ScharfetterGummel
from .outcomes import InvalidArgument, finite_number, non_negative
from .spectrum import fitted_grid, linear_parts
from .stationary import FASTEST, StationaryState, stationary_states

if TYPE_CHECKING:
    from .networks.states import NetworkState

CELLS, HALVINGS = 100, 2
FREQUENCIES = np.concatenate([[0.0], np.geomspace(1e-4, 1e4, 161)])
"""Where |G(iω)| − 1 is looked at for changes of sign."""
FLAT = 1e-9
"""Between two of them a change of |G| by less is none."""


class Hopf(NamedTuple):
    """The onset of oscillations: the value of the parameter, and the angular frequency ω of the pair ±iω."""

    value: float
    frequency: float

    @property
    def period(self) -> float:
        """2π/ω."""
        return 2.0 * math.pi / self.frequency if self.frequency else math.inf


def critical_delay(model: Population | Network, at: StationaryState | NetworkState) -> Hopf:
    """The smallest transmission delay at which a stationary state begins to oscillate.

    Parameters
    ----------
    model : Population or Network
        Its own delays play no role; of a network, one delay for all pairs is asked for.
    at : StationaryState or NetworkState
        One of `fp.stationary_states(model)`, stable without delay.

    Returns
    -------
    Hopf
        `value` is the delay; infinite, with frequency 0, if the state is stable for every delay.

    Raises
    ------
    InvalidArgument
        If `at` is no stationary state of `model`, or is unstable without delay, or the sign of its growth rate without
        delay cannot be resolved (as at a fold).

    Source: Cáceres, Cañizo, Ramos-Lora (2024); Ikeda, Roux, Salort, Smets (2022), who prove periodic solutions. The
    characteristic equation for the leak and the hard threshold: Brunel, Hakim, Neural Comput. 11 (1999) 1621.

    >>> from fokkerplanck import nnlif
    >>> model = nnlif(b=-20.0)
    >>> round(critical_delay(model, stationary_states(model)[0]).value, 4)
    1.8332
    """
    if getattr(at, "model", None) != model:
        raise InvalidArgument(f"`at` must be one of fp.stationary_states(model) for this very model, not {at!r}.")
    if isinstance(model, Network):
        from .networks.linear import critical_delay as of_network

        return Hopf(*of_network(model, at))  # type: ignore[arg-type]  # its model is a network
    assert isinstance(at, StationaryState)
    _check_prompt(at)
    return _onset(at)


def critical_connectivity(model: Population, bracket: tuple[float, float]) -> Hopf:
    """The connectivity b at which the transmission delay of `model` makes its stationary state oscillate.

    Parameters
    ----------
    model : Population
        With a delay; its b plays no role.
    bracket : (float, float)
        Two values of b, of which one is stable and the other is not. Each must have one stationary state.

    Returns
    -------
    Hopf
        `value` is b.

    Raises
    ------
    InvalidArgument
        If the model has no delay, or the bracket is none, or a state at its ends is not stable without delay.

    Source: as for `critical_delay`.

    >>> from fokkerplanck import nnlif
    >>> round(critical_connectivity(nnlif(b=0.0, delay=1.0), (-60.0, -30.0)).value, 3)
    -41.964
    """
    of_networks = "fp.critical_delay, at fp.stationary_states(network)[0], takes networks"
    delay = require_population(model, of_networks).coupling.delay
    if delay == 0.0:
        raise InvalidArgument("`model` has no transmission delay; give it one, as in fp.nnlif(b=-40.0, delay=1.0).")
    low, high = (finite_number("bracket", b) for b in bracket)

    def state(b: float) -> StationaryState:
        states = stationary_states(replace(model, coupling=replace(model.coupling, b=b)))
        if len(states) != 1:
            raise InvalidArgument(f"at b = {b:g} there are {len(states)} stationary states; choose another `bracket`.")
        return states[0]

    def margin(b: float) -> float:  # of the inverse, because the critical delay may be infinite
        return 1.0 / delay - 1.0 / _onset(state(b)).value

    for b in (low, high):
        _check_prompt(state(b))
    if margin(low) * margin(high) > 0.0:
        raise InvalidArgument(f"`bracket` = {bracket} does not change stability at the delay {delay:g}; widen it.")
    b = brentq(margin, low, high, xtol=1e-12, rtol=1e-12)
    return Hopf(b, _onset(state(b)).frequency)


def pseudo_equilibria(model: Population, start: float = 0.0, count: int = 50) -> np.ndarray:
    """The rates that a network with a very long delay takes in one delay after the other.

        N_{k+1} = 1/(τ + I(b N_k + I_ext, a0 + a1 N_k))

    Within a long delay the activity that arrives is constant, and the density settles in the equilibrium of that
    constant input. Fixed points are the stationary states, of which those with a slope in (−1, 1) attract; where the
    slope at the stationary state of an inhibitory network passes −1, the sequence ends in a cycle of two rates.

    Parameters
    ----------
    model : Population
        Its delay plays no role.
    start : float
        N_0 ≥ 0.
    count : int
        Number of rates after N_0.

    Returns
    -------
    array, shape (count + 1,)
        N_0, …; infinite from where they exceed 1e10.

    Raises
    ------
    InvalidArgument
        If an argument is out of range, or the external current depends on time.

    Source: Cáceres, Cañizo, Ramos-Lora (2024).

    >>> from fokkerplanck import nnlif
    >>> pseudo_equilibria(nnlif(b=-20.0), count=200)[-2:].round(9).tolist()
    [0.119511105, 0.000110579]
    """
    passage, tau = (
        passage_of(require_population(model, "fp.solve takes networks with delays")),
        model.refractory.mean_duration,
    )
    if model.coupling.time_dependent:
        raise InvalidArgument("`external` is a function of time; give the model a number.")
    if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < 1:
        raise InvalidArgument(f"`count` must be a whole number of at least 1, not {count!r}.")
    rates = np.full(count + 1, np.inf)
    rates[0] = non_negative("start", start)
    for k in range(count):
        if rates[k] > FASTEST:
            break
        c, a = model.coupling.current(rates[k], 0.0), model.noise.diffusion(rates[k])
        rates[k + 1] = 1.0 / (tau + math.exp(min(float(passage.log_time(c, a)), 709.0)))
    return rates


# -- the response G -----------------------------------------------------------------------------------------------


def _check_prompt(at: StationaryState) -> None:
    """Refuse a state that is not known to be stable without delay: no delay is its onset then."""
    prompt = replace(at, model=replace(at.model, coupling=replace(at.model.coupling, delay=0.0)))
    if prompt.stable:
        return
    if prompt.stable is None:
        raise InvalidArgument(
            f"whether the state (N = {at.rate:.6g}) is stable without delay is not resolved (λ = "
            f"{prompt.eigenvalue:.3g}); move away from the fold, or bring the potentials to the order of 1."
        )
    raise InvalidArgument(f"the state (N = {at.rate:.6g}) is unstable without delay already.")


def _onset(at: StationaryState) -> Hopf:
    """Of all ω at which |G(iω)| = 1, the one that the shortest delay turns into an eigenvalue.

    |G(iω)| − 1 is sampled at FREQUENCIES and at the extrema that they bracket, so that two crossings between samples
    are found as well; not found are crossings beyond 1e4, and more than one extremum within three samples.
    """
    response = _response(at)

    def excess(w: float) -> float:
        return abs(response(1j * w)) - 1.0

    sampled = np.array([excess(w) for w in FREQUENCIES])
    change = np.diff(sampled)
    # Only extrema towards 1 can hide a pair of crossings.
    hiding = (change[:-1] * change[1:] < 0.0) & (change[:-1] * sampled[1:-1] < 0.0) & (np.abs(change[1:]) > FLAT)
    hidden = []
    for i in np.flatnonzero(hiding):
        sign, ends = np.sign(sampled[i + 1]), (FREQUENCIES[i], FREQUENCIES[i + 2])
        hidden.append(minimize_scalar(lambda w, sign=sign: sign * excess(w), bounds=ends, method="bounded").x)
    frequencies = np.union1d(FREQUENCIES, hidden)
    values = np.array([excess(w) for w in frequencies]) if hidden else sampled
    onsets = [Hopf(math.inf, 0.0)]
    for i in np.flatnonzero(values[:-1] * values[1:] < 0.0):
        w = brentq(excess, frequencies[i], frequencies[i + 1], xtol=1e-13, rtol=1e-13)
        onsets.append(Hopf(float(np.angle(response(1j * w)) % (2.0 * np.pi)) / w, w))
    return min(onsets)


def _response(at: StationaryState) -> Callable[[complex], complex]:
    """G(λ), extrapolated over grids of which each has half the cell width of the one before."""
    model, grid, systems = at.model, fitted_grid(at, CELLS), []
    for _ in range(HALVINGS + 1):
        system = ScharfetterGummel().discretize(model, grid)
        linear = linear_parts(system, at.cell_averages(grid), at.rate)
        bands = np.array([np.append(0.0, np.diag(linear.transport, 1)), np.diag(linear.transport),
                          np.append(np.diag(linear.transport, -1), 0.0)])  # fmt: skip
        systems.append((bands, np.column_stack([linear.response, linear.reset])))
        grid = grid.refined()
    refractory = model.refractory

    def on_grid(bands: np.ndarray, sources: np.ndarray, lam: complex) -> complex:
        matrix = -bands.astype(complex)
        matrix[1] += lam
        u, z = solve_banded((1, 1), matrix, sources).sum(axis=0)
        passed = refractory.transform(lam)
        silence = (1.0 - passed) / lam if lam else refractory.mean_duration
        return complex(-u / (silence + passed * z))

    def response(lam: complex) -> complex:
        table = [on_grid(*system, lam) for system in systems]
        for order in range(1, len(table)):
            table = [y + (y - x) / (4.0**order - 1.0) for x, y in pairwise(table)]
        return table[0]

    return response
