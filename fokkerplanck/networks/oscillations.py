"""Where an asynchronous state of a sparse network gives way to oscillations, and how fast these are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import root

from ..meanfield.balanced import BrunelNetwork, SparseNetwork, require_network
from ..outcomes import InvalidArgument, finite_number
from .asynchronous import BalancedState, balanced_states

PARAMETERS = ("delay", "g", "nu_ext")
NARROW = 1e-4
"""Width of the bracket, over its size, at which bisection gives way to Newton's iteration."""
SMALLEST = 1e-6
"""ω τ_m below which an onset is one without oscillation."""


@dataclass(frozen=True, eq=False)
class OscillationOnset:
    """Where a pair of eigenvalues ±2πi f crosses the imaginary axis.

    Attributes
    ----------
    parameter : str
    value : float
        Of the parameter, in its own unit.
    frequency : float
        f (1/time).
    state : BalancedState
        The stationary state there.
    """

    parameter: str
    value: float
    frequency: float
    state: BalancedState


def oscillation_onset(
    network: SparseNetwork, parameter: str, bracket: tuple[float, float], branch: int = -1
) -> OscillationOnset:
    """The value of `parameter` at which the asynchronous state begins to oscillate, and the frequency.

        det(1 − G(2πi f)) = 0,   G_αβ(λ) = (χ^μ_α τ_α C_αβ J_αβ + χ^σ_α τ_α C_αβ J_αβ²) e^{−λ d_αβ}

    Parameters
    ----------
    network : BrunelNetwork or LIFNetwork
        Its own value of the parameter plays no role.
    parameter : str
        "delay" (one for all synapses), or of a BrunelNetwork "g" or "nu_ext".
    bracket : (float, float)
        Two values, at one of which the state is stable, while it oscillates at the other.
    branch : int
        Which of `fp.balanced_states` is followed: an index, by default the state of the highest rate.

    Returns
    -------
    OscillationOnset
        If the bracket holds several onsets, one of them.

    Raises
    ------
    InvalidArgument
        If the parameter is none of the three, the stability at the ends of the bracket is the same or not known, the
        branch ends within it, or stability is lost without oscillation.

    Source: Brunel, Hakim, Neural Comput. 11 (1999) 1621, section 4; Brunel, J. Comput. Neurosci. 8 (2000) 183, section
    4.

    >>> import fokkerplanck as fp
    >>> neuron = fp.LIF(tau_m=0.02, V_th=20.0, V_r=10.0, tau_ref=0.002)
    >>> network = fp.BrunelNetwork(neuron, 1000, 0.25, 0.1, g=6.0, nu_ext=40.0, delay=0.0015)
    >>> onset = oscillation_onset(network, "delay", (0.0005, 0.0015))
    >>> round(1000 * onset.value, 4), round(onset.frequency, 2)
    (1.2269, 219.44)
    """
    require_network(network)
    _check(network, parameter, branch)
    low, high = _bracket(bracket)

    still = balanced_states(network_with(network, parameter, low)) if parameter == "delay" else ()

    def state(value: float) -> BalancedState:
        changed = network_with(network, parameter, value)
        states = tuple(replace(at, network=changed) for at in still) or balanced_states(changed)
        if not -len(states) <= branch < len(states):
            raise InvalidArgument(
                f"at {parameter} = {value:g} there are {len(states)} states, none with the number `branch` = {branch}; "
                f"narrow the `bracket`."
            )
        return states[branch]

    ends = [state(low), state(high)]
    stable = [end.stable for end in ends]
    if None in stable or stable[0] == stable[1]:
        words = {True: "stable", False: "unstable", None: "not known to be stable or unstable"}
        raise InvalidArgument(
            f"`bracket`: the state is {words[stable[0]]} at {parameter} = {low:g} and {words[stable[1]]} at {high:g}; "
            f"one of them must be stable and the other not."
        )
    width = NARROW * (high - low)
    while high - low > width:
        middle = 0.5 * (low + high)
        if state(middle).stable == stable[0]:
            low = middle
        else:
            high = middle
    unstable = state(low if not stable[0] else high)
    if abs(unstable.eigenvalue.imag) * network.neurons[0].tau_m < SMALLEST:
        raise InvalidArgument(
            f"`bracket`: stability is lost at {parameter} = {high:.6g} without oscillation (two states meet there); "
            f"choose another bracket or `branch`."
        )

    def residual(unknowns: np.ndarray) -> list[float]:
        at = state(low + float(unknowns[0]) * (high - low))
        D = at.loop.determinant(np.array([1j * unknowns[1] * unstable.eigenvalue.imag]))[0]
        return [D.real, D.imag]

    answer = root(residual, [0.5, 1.0], tol=1e-12)
    value = low + float(answer.x[0]) * (high - low)
    if np.abs(answer.fun).max() > 1e-7 or not -1.0 < answer.x[0] < 2.0:
        raise InvalidArgument(f"the onset next to {parameter} = {high:.6g} could not be located; narrow the `bracket`.")
    return OscillationOnset(parameter, value, float(answer.x[1]) * unstable.frequency, state(value))


def network_with(network: SparseNetwork, parameter: str, value: float) -> SparseNetwork:
    """The network with another delay, g or ν_ext."""
    if isinstance(network, BrunelNetwork):
        return replace(network, **{parameter: value})  # type: ignore[arg-type]  # one of PARAMETERS
    return network.with_delay(value)


def _bracket(bracket: object) -> tuple[float, float]:
    if not isinstance(bracket, Sequence | np.ndarray) or isinstance(bracket, str) or len(bracket) != 2:
        raise InvalidArgument(f"`bracket` must be two values of the parameter, as (low, high), not {bracket!r:.60}.")
    low, high = sorted(finite_number("bracket", value) for value in bracket)
    return low, high


def _check(network: SparseNetwork, parameter: object, branch: object) -> None:
    allowed = PARAMETERS if isinstance(network, BrunelNetwork) else PARAMETERS[:1]
    if parameter not in allowed:
        raise InvalidArgument(
            f"`parameter` must be one of {', '.join(map(repr, allowed))} for a {type(network).__name__}, not "
            f"{parameter!r}."
        )
    if isinstance(branch, bool) or not isinstance(branch, int | np.integer):
        raise InvalidArgument(f"`branch` must be a whole number, not {branch!r}.")
