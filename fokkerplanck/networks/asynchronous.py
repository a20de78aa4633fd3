"""Asynchronous states of sparse networks: rates that feed themselves, in the units of the laboratory."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..meanfield.balanced import SparseNetwork, input_of, require_network
from ..outcomes import InvalidArgument
from ..stationary import stationary_states
from .lif_modes import DEEPEST, Loop

WORDS = {True: "stable", False: "unstable", None: "stability not resolved"}


@dataclass(frozen=True, eq=False, repr=False)
class BalancedState:
    """A stationary state of a network, every population firing at a constant rate.

    Printed, it says whether it is stable if that is known already or found in a moment; ask `stable` otherwise.

    Attributes
    ----------
    network : BrunelNetwork or LIFNetwork
    rates : array, shape (P,)
        ν_α (1/time).
    mu, sigma : arrays, shape (P,)
        Mean input and intensity of its noise (potential).
    """

    network: SparseNetwork
    rates: np.ndarray
    mu: np.ndarray
    sigma: np.ndarray

    @property
    def rate(self) -> float:
        """The rate of the first population, of a BrunelNetwork the only one."""
        return float(self.rates[0])

    @property
    def cv(self) -> np.ndarray:
        """Coefficient of variation of the intervals between spikes, refractory time included, shape (P,).

        It is that of neurons driven by white noise, the limit of inputs that are Poisson trains. In an actual network
        the inputs are more regular than that wherever this is below 1, and so are the neurons: with J = 0.1 mV, g = 8,
        ν_ext = 20 Hz and C_E = 1000 it is 0.87, and 0.75 to 0.80 among 8000 neurons; with C_E = 80 and g = 5 it is
        0.50, and 0.33 was measured.
        """
        return self.loop.cv

    @cached_property
    def loop(self) -> Loop:
        """The linearised network: its gain at any λ, its modes."""
        return Loop(self.network, self.rates, self.mu, self.sigma, self.network.delays)

    @property
    def growing(self) -> int | None:
        """Number of growing modes, from the turns of det(1 − G) on the axis; None where it could not be found."""
        return self.loop.growing

    @property
    def stable(self) -> bool | None:
        """Whether every uniform perturbation dies out; None where that is not resolved.

        That is so at the onset of one that does not, where almost all noise is the network's own, and where the noise
        is so weak (σ of some hundredths of the distance from μ to the reset) that it would take more than about a
        second.
        """
        return self.loop.stable

    @property
    def eigenvalue(self) -> complex:
        """The leading eigenvalue (1/time), Im λ ≥ 0: of an unstable state that of the fastest growing mode.

        Of a stable state it is the slowest among those modes that are reached from the imaginary axis, at most some
        fifty oscillations per membrane time; if there is none, −4/τ_m, the depth to which they are looked for.

        Raises
        ------
        InvalidArgument
            If no mode can be looked for, the noise being too weak (see `stable`).
        """
        modes = self.loop.modes
        if not self.loop.followed:
            raise InvalidArgument(
                f"`network`: with the noise σ = {self.sigma.round(6).tolist()} its modes cannot be followed; give it "
                f"larger jumps or more external noise."
            )
        deepest = -DEEPEST / min(neuron.tau_m for neuron in self.network.neurons)
        return complex(modes[0]) if len(modes) else complex(deepest)

    @property
    def growth_rate(self) -> float:
        """Real part of `eigenvalue` (1/time)."""
        return self.eigenvalue.real

    @property
    def frequency(self) -> float:
        """Frequency of the leading mode, Im λ/2π (1/time)."""
        return self.eigenvalue.imag / (2.0 * np.pi)

    def __repr__(self) -> str:
        stability = WORDS[self.stable] if self.loop.cheap else "stability not computed"
        rates = ", ".join(f"{name} {rate:.6g}" for name, rate in zip(self.network.names, self.rates, strict=True))
        return f"BalancedState(rates: {rates}; CV {self.cv.round(3).tolist()}; {stability})"


def balanced_states(network: SparseNetwork) -> tuple[BalancedState, ...]:
    """All stationary states of a network, by increasing rate of the first population.

        ν_α = φ_α(μ_α, σ_α),   μ_α = μ_ext,α + Σ_β mean_gain_αβ ν_β,   σ_α² = σ_ext,α² + Σ_β variance_gain_αβ ν_β

    They are those of `fp.stationary_states(network.model())` in the units of the laboratory: every one of them for a
    BrunelNetwork and up to three populations (a theorem), for more those that are found along a path and from random
    starts. Rates beyond 1/τ_ref are impossible; without refractory time nothing bounds them, and where excitation
    prevails there may be no state at all: the tuple is then empty. Delays do not matter here, but for stability.

    Parameters
    ----------
    network : BrunelNetwork or LIFNetwork

    Returns
    -------
    tuple of BalancedState, perhaps empty
        Rates in the inverse of the unit of time of the neurons, potentials in theirs.

    Raises
    ------
    InvalidArgument
        If `network` is neither of the two.

    Source: Brunel, J. Comput. Neurosci. 8 (2000) 183, section 3.1; Amit, Brunel, Cereb. Cortex 7 (1997) 237.

    >>> import fokkerplanck as fp
    >>> neuron = fp.LIF(tau_m=0.02, V_th=20.0, V_r=10.0, tau_ref=0.002)
    >>> (state,) = balanced_states(fp.BrunelNetwork(neuron, 1000, 0.25, 0.1, g=5.0, nu_ext=20.0, delay=0.0015))
    >>> round(state.rate, 9), round(float(state.cv[0]), 9)
    (37.949697086, 0.675328586)
    """
    require_network(network)
    clock = network.neurons[0].tau_m
    return tuple(state_at(network, np.atleast_1d(state.rate) / clock) for state in stationary_states(network.model()))


def state_at(network: SparseNetwork, rates: np.ndarray) -> BalancedState:
    mu, sigma = input_of(network, rates)
    return BalancedState(network, rates, mu, sigma)
