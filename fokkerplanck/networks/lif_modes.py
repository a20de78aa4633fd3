"""Small uniform perturbations of an asynchronous state: which of them grow, and the eigenvalue that leads.

A perturbation e^{λt} of the rates comes back, after the delays, as a modulation of mean and variance of the inputs:

    δν = G(λ) δν,   G_αβ(λ) = (χ^μ_α(λ) τ_α C_αβ J_αβ + χ^σ_α(λ) τ_α C_αβ J_αβ²) e^{−λ d_αβ},   det(1 − G(λ)) = 0

with the responses χ of `meanfield.linear_response` in closed form. They are analytic for Re λ ≥ 0, so that growing
modes are counted by the turns of det(1 − G(iω)), as in `networks.linear`, whose finite volumes serve any neuron. Here
the noise of the network's own spikes is most of the noise, and G does not tend to zero but to a number below one in
modulus as ω → ∞ (white noise is passed on at any frequency). So the axis is followed to where the spectral radius of
G stays below one: beyond, 1 − G cannot turn.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..meanfield.balanced import SparseNetwork
from ..meanfield.intervals import isi_moments
from ..meanfield.linear_response import rate_response, response_work
from ..outcomes import frozen

HIGHEST, ENOUGH = 3e4, 300.0
"""Angular frequency, in units of the shortest membrane time, up to which the axis may be followed to count modes; and
up to which it is looked at if that is not far enough."""
DEEPEST = 4.0
"""Modes that decay faster than this, in units of the shortest membrane time, are not looked for."""
TURN = 0.35
"""Largest turn of det(1 − G) from one frequency to the next, in radians."""
ASTRAY = 0.3
"""Spectral radii above 1 − this (1 − r) count as ones that may reach 1 between two frequencies; r < 1 is the one to
which they tend, the share of the noise that is the network's own."""
NEAR_ZERO, MOST_FREQUENCIES = 1e-9, 60_000
"""Where |det(1 − G)| is smaller on the axis its turns mean nothing; and how many frequencies are looked at."""
MOST_WORK, CHEAP_WORK = 4_000_000, 400_000
"""Taylor steps (`meanfield.linear_response`) that may be spent on the axis, about a second; and on the first look at it
if that is to be called cheap."""
SILENT = 1e-12
"""A population with a smaller rate times its membrane time is not felt by others."""
NEARBY = np.array([-4.0, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 4.0])
"""Where a resonance is looked at, in its half-widths."""
CANDIDATES, NEWTON = 12, 30
"""Minima of |det(1 − G)| on the axis from which modes are looked for; steps of the iteration."""
SHIFTS = (0.0, 0.5, 2.0, 10.0, 50.0)
"""Real parts, in units of the shortest membrane time, of the starts; the first two if no more modes can be had."""


@dataclass(frozen=True, eq=False)
class Loop:
    """The linearised network about given rates; `delays` may differ from those of the network."""

    network: SparseNetwork
    rates: np.ndarray
    mu: np.ndarray
    sigma: np.ndarray
    delays: np.ndarray

    def responses(self, lam: np.ndarray) -> np.ndarray:
        """(χ^μ, χ^σ), shape (2, P, len(lam))."""
        chi = np.zeros((2, len(self.rates), len(lam)), dtype=complex)
        for k, neuron in enumerate(self.network.neurons):
            if self.felt[k]:
                chi[:, k] = rate_response(
                    neuron, float(self.mu[k]), float(self.sigma[k]), float(self.rates[k]), np.asarray(lam)
                )
        return chi

    def work(self, lam: np.ndarray) -> float:
        """Taylor steps that `responses` takes for all these λ."""
        inputs = zip(self.network.neurons, self.mu, self.sigma, self.felt, strict=True)
        return float(sum(response_work(neuron, mu, sigma, lam).sum() for neuron, mu, sigma, felt in inputs if felt))

    @cached_property
    def felt(self) -> np.ndarray:
        """Which populations fire and receive from the network; a perturbation goes through no others."""
        tau = np.array([neuron.tau_m for neuron in self.network.neurons])
        receives = (self.network.mean_gain != 0.0) | (self.network.variance_gain != 0.0)
        return np.asarray((self.rates * tau > SILENT) & receives.any(axis=1))

    @cached_property
    def cv(self) -> np.ndarray:
        """Coefficient of variation of the intervals between spikes, shape (P,)."""
        cv = np.empty(len(self.rates))
        for neuron in set(self.network.neurons):
            alike = [k for k, other in enumerate(self.network.neurons) if other == neuron]
            cv[alike] = isi_moments(self.mu[alike], self.sigma[alike], neuron).cv
        return frozen(cv)

    def gain(self, lam: np.ndarray) -> np.ndarray:
        """G(λ), shape (len(lam), P, P)."""
        lam = np.atleast_1d(np.asarray(lam, dtype=complex))
        by_mean, by_variance = self.responses(lam)
        network = self.network
        G = by_mean.T[:, :, None] * network.mean_gain + by_variance.T[:, :, None] * network.variance_gain
        return np.asarray(G * np.exp(-lam[:, None, None] * self.delays))

    def determinant(self, lam: np.ndarray) -> np.ndarray:
        """det(1 − G(λ)), shape (len(lam),)."""
        G = self.gain(lam)
        return np.asarray(1.0 - G[:, 0, 0] if G.shape[1] == 1 else np.linalg.det(np.eye(G.shape[1]) - G))

    @cached_property
    def axis(self) -> Axis | None:
        """det(1 − G(iω)) from ω = 0 to where it turns no more, dense enough to be followed; None if that fails.

        It fails as well where it would take too long, at noise that is weak against the distance to the threshold.
        """
        w, fastest = self.first_look, 1.0 / min(neuron.tau_m for neuron in self.network.neurons)
        work = self.work(1j * w)
        if work > MOST_WORK:
            return None
        loops = _eigenvalues(self.gain(1j * w))
        own = (self.rates / self.sigma**2)[:, None] * self.network.variance_gain
        margin = ASTRAY * (1.0 - float(np.abs(np.linalg.eigvals(own)).max()))
        loud = np.flatnonzero(np.abs(loops).max(axis=1) >= 1.0 - margin)
        last = int(loud[-1]) + 1 if len(loud) else 0
        closed = last < len(w)
        last = (
            max(last, int(np.searchsorted(w, 10.0 * fastest))) if closed else int(np.searchsorted(w, ENOUGH * fastest))
        )
        w, D = w[: last + 1], np.prod(1.0 - loops[: last + 1], axis=1)
        lag = float(self.delays.max()) + max(neuron.tau_ref for neuron in self.network.neurons)
        while True:
            if not np.all(np.isfinite(D)) or len(w) > MOST_FREQUENCIES:
                return None
            coarse = np.flatnonzero((np.abs(np.angle(D[1:] / D[:-1])) > TURN) | (np.diff(w) * lag > 1.0))
            coarse = coarse[np.diff(w)[coarse] > 1e-9 * (w[coarse] + fastest)]  # else a zero lies on the axis
            if not len(coarse):
                break
            middle = 0.5 * (w[coarse] + w[coarse + 1])
            work += self.work(1j * middle)
            if work > MOST_WORK:
                return None
            more = self.determinant(1j * middle)
            w, D = np.insert(w, coarse + 1, middle), np.insert(D, coarse + 1, more)
        return Axis(w, D, float(np.angle(1.0 - loops[last]).sum()) if closed else None)

    @cached_property
    def growing(self) -> int | None:
        """Number of modes with Re λ > 0, with multiplicity.

        None where one of them is on the axis, to rounding, or where the axis cannot be followed far enough: almost all
        noise is the network's own, and it may amplify frequencies without an end in sight; or the noise is so weak that
        it would take too long.
        """
        if not self.felt.any():
            return 0
        if self.axis is None or self.axis.end is None or np.abs(self.axis.D).min() < NEAR_ZERO:
            return None
        count = (self.axis.end - float(np.angle(self.axis.D[1:] / self.axis.D[:-1]).sum())) / np.pi
        whole = round(count)
        return whole if abs(count - whole) < 0.05 and whole >= 0 else None

    @cached_property
    def first_look(self) -> np.ndarray:
        """The frequencies with which `axis` begins."""
        return _frequencies(self)

    @property
    def followed(self) -> bool:
        """Whether there are no modes at all, or an axis from which they are looked for."""
        return not self.felt.any() or self.axis is not None

    @property
    def cheap(self) -> bool:
        """Whether `stable` is known already or will be in a moment."""
        return "stable" in self.__dict__ or self.work(1j * self.first_look) < CHEAP_WORK

    @cached_property
    def stable(self) -> bool | None:
        """Whether no mode grows: by their number, or, where that is not known, because one that grows was found."""
        if self.growing is not None:
            return self.growing == 0
        return False if len(self.modes) and self.modes[0].real > 1e-9 * abs(self.modes[0]) else None

    @cached_property
    def modes(self) -> np.ndarray:
        """Eigenvalues with Im λ ≥ 0 found by Newton's iteration from the axis, largest real part first (1/time).

        Growing ones are looked for until there are as many as are counted.
        """
        found: list[complex] = []
        if not self.felt.any() or self.axis is None:
            return np.array(found, dtype=complex)
        w, size = self.axis.w, np.abs(self.axis.D)
        inner = np.flatnonzero((size[1:-1] <= size[:-2]) & (size[1:-1] <= size[2:])) + 1
        nearest = inner[np.argsort(size[inner])][:CANDIDATES]
        fastest = 1.0 / min(neuron.tau_m for neuron in self.network.neurons)
        starts = [complex(0.0, w[i]) for i in nearest] or [complex(0.0, w[np.argmin(size)])]
        countable = self.growing is not None and self.growing <= 2 * CANDIDATES
        for shift in SHIFTS if countable else SHIFTS[:2]:
            for start in [*starts, 0j] if shift else starts:
                self._add(found, start + shift * fastest)
            if found and self._grow(found) >= (self.growing or 0):
                break
        return np.array(sorted(found, key=lambda z: (-z.real, z.imag)), dtype=complex)

    @property
    def complete(self) -> bool:
        """Whether all growing modes were found."""
        return self.growing is not None and self._grow(list(self.modes)) == self.growing

    def _grow(self, found: list[complex]) -> int:
        return sum(1 if z.imag == 0.0 else 2 for z in found if z.real > 0.0)

    def _add(self, found: list[complex], start: complex) -> None:
        z = self._newton(start, found)
        if z is None:
            return
        z = complex(z.real, abs(z.imag) if abs(z.imag) > 1e-7 * abs(z) else 0.0)
        if all(abs(z - other) > 1e-6 * (abs(z) + abs(other)) for other in found):
            found.append(z)

    def _newton(self, z: complex, found: list[complex]) -> complex | None:
        """Newton's iteration for det(1 − G), divided by the zeros that are known; None if it leads nowhere."""
        fastest = 1.0 / min(neuron.tau_m for neuron in self.network.neurons)
        for _ in range(NEWTON):
            h = 1e-5 * (abs(z) + fastest)
            with np.errstate(all="ignore"):  # there are poles to the left of the axis
                at, ahead, behind = self.determinant(np.array([z, z + h, z - h]))
                log_slope = (ahead - behind) / (2.0 * h * at) if at else np.inf
            for known in found:
                log_slope -= 1.0 / (z - known) if z != known else 0.0
                if known.imag:
                    log_slope -= 1.0 / (z - known.conjugate()) if z != known.conjugate() else 0.0
            if not np.isfinite(log_slope) or log_slope == 0.0:
                return z if at == 0.0 else None
            step = -1.0 / log_slope
            step *= min(1.0, (0.3 * abs(z) + fastest) / abs(step))
            z = z + step
            if not np.isfinite(z) or z.real < -DEEPEST * fastest:
                return None
            if abs(step) <= 1e-12 * (abs(z) + 1e-3 * fastest):
                return complex(z)
        return None


@dataclass(frozen=True, eq=False)
class Axis:
    """det(1 − G(iω)) at the frequencies w; `end` is its argument at the last of them, one eigenvalue at
    a time, or None if it goes on turning."""

    w: np.ndarray
    D: np.ndarray
    end: float | None


def _eigenvalues(G: np.ndarray) -> np.ndarray:
    return np.asarray(G[:, :, 0] if G.shape[1] == 1 else np.linalg.eigvals(G))


def _frequencies(loop: Loop) -> np.ndarray:
    """0, a geometric ladder, and what it takes to see every resonance of regular firing at multiples of its rate.

    The k-th of them has the half-width 2π² k² CV² ν; they melt into one another once k CV is of order 1/π.
    """
    neurons = loop.network.neurons
    slowest, fastest = max(n.tau_m for n in neurons), min(n.tau_m for n in neurons)
    pieces = [np.zeros(1), np.geomspace(1e-3 / slowest, HIGHEST / fastest, 161)]
    for k, neuron in enumerate(neurons):
        nu = float(loop.rates[k])
        if nu * neuron.tau_m > 0.1:
            cv = max(float(loop.cv[k]), 0.02)
            turn = 2.0 * np.pi * nu
            harmonics = np.arange(1.0, min(2.0 / (np.pi * cv) + 1.5, 25.0))
            around = np.minimum(0.5 * turn * (2.0 * np.pi * cv**2) * harmonics**2, 0.1 * turn)
            pieces.append(np.arange(1.0, 12.0 * harmonics[-1] + 6.0) * turn / 12.0)
            pieces.append((turn * harmonics[:, None] + around[:, None] * NEARBY).ravel())
    w = np.unique(np.concatenate(pieces))
    return w[w >= 0.0]
