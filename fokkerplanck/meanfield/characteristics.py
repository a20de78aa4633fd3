"""The network without noise, by its characteristics: no mesh, and exact up to the tolerance.

    ∂t n + ∂v[(−v + I + bN) n] = S δ(v − V_R),   v < V_F,   N = (I + bN − V_F)_+ n(V_F, t)

A potential is v = e^{−t} (C(t) − y) with C' = e^t (I + bN) and a label y that does not change: along a characteristic
the density n = e^t m(y) only grows, as the potentials come closer. The labels y(t) = C − e^t V_F of who is at V_F and
z(t) = y + e^t (V_F − V_R) of who is at V_R both increase. In the label at V_F as independent variable, with u = e^t,

    du/dy = (1 − b u m(y))/(I − V_F),   N dt = m dy,   N = (I − V_F) p/(1 − b p),   p = u m(y) = n(V_F, t):

nothing is singular where b p = 1, the blow-up is the point where time stands still, and a constant current makes the
equation linear in u. Who fires at y comes back at z(y) = y + (V_F − V_R) u(y). So the labels that are due in one round
and those of the next are functions of one parameter r, and with M = m dy/dr

    y_next = y + (V_F − V_R) u,   M_next = n0(−y_next) dy_next/dr + M,

without a search for the time of the reset: the delay of the reset equation, which depends on its solution, is gone.
All of it lives on panels of Chebyshev points in r, which are halved until what is on them is resolved.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count, pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import ArrayLike
from scipy.integrate import quad
from scipy.optimize import brentq

from ..models.population import Population, require_leaky_hard
from ..models.voltage import CURRENT_SAMPLES
from ..outcomes import BlowUp, InvalidArgument, Status, finite_number, frozen, number_in, real_array, time_span
from ..state import FromArray, FromFunction, InitialDensity, State, as_density

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DEGREE = 20
NODES = chebyshev.chebpts2(DEGREE + 1)
COEFFICIENTS = np.linalg.inv(chebyshev.chebvander(NODES, DEGREE))
"""From values at the nodes to Chebyshev coefficients."""
INTEGRAL = chebyshev.chebvander(NODES, DEGREE + 1) @ chebyshev.chebint(COEFFICIENTS, lbnd=-1.0, axis=0)
"""From values at the nodes to those of the integral from the left end."""
FINE = np.linspace(-1.0, 1.0, 8 * DEGREE + 1)
LOOK = chebyshev.chebvander(FINE, DEGREE) @ COEFFICIENTS
"""From values at the nodes to those at points among which a change of sign is looked for."""
FIRST_PANELS = 4
DEEPEST = 45
"""Halvings after which a panel is a point: there the datum has a jump."""
NEGLIGIBLE = 1e-17
"""Mass of a panel that needs no resolution."""
CLOSE = 1e-14
"""Last correction of a point that is looked for in a piece, whose length is 2."""
AWAY = 1e-12
"""A mark of the datum that is closer to the end of a panel is at the end."""
INSIDE = 1e-14
"""How far from the ends of a panel the datum is evaluated."""
ROUNDING = 1e-15
"""Relative error of a label."""
NOISIEST = 1e-6
MOST_PANELS = 100_000
EARLY, HOPELESS = 5_000, 10
"""Panels after which a run is given up that at this pace would take so many times as many as are allowed."""
SCAN = 4096
"""Points in V_F − V_R, and then in every doubling of the distance, at which peaks of a function are looked for."""
MOST_PEAKS = 64
BROAD = 0.01
"""Of V_F − V_R: what is as broad is seen by the nodes of a panel; what is narrower gets marks where panels end."""
NARROWEST = 1e-6
"""Of V_F − V_R, between marks: what is narrower is a jump or a kink, which is found by halving."""
FAINT = 1e-13
"""Share of the mass with which a cell gets no marks."""
LOST = 1e-6
"""Mass of a function between two potentials that the panels there may lack."""
SWEEPS = 40
"""Fixed-point iterations for a current that depends on time, before the panel is halved."""
LONGEST_SILENCE = 20.0
LARGEST_SCALE = 700.0
REBASE = 1e6
"""Growth of e^t after which labels are measured in another unit."""
FARTHEST = 60
"""Doublings of the interval below V_F on which a function is integrated."""


@dataclass(frozen=True, eq=False)
class _Panel:
    """Labels that are due at V_F one after the other: their values at the nodes, in units of e^scale.

    `label` y, `slope` dy/dr, and `returned`, the mass per dr that the reset has brought there.
    """

    label: np.ndarray
    slope: np.ndarray
    returned: np.ndarray
    scale: float
    depth: int = 0

    def part(self, low: float, high: float) -> _Panel:
        """The panel between two points of it; polynomials are evaluated, nothing is differentiated."""
        half = 0.5 * (high - low)
        move = chebyshev.chebvander(0.5 * (low + high) + half * NODES, DEGREE) @ COEFFICIENTS
        depth = self.depth + max(1, round(-math.log2(half)))
        return _Panel(move @ self.label, half * (move @ self.slope), half * (move @ self.returned), self.scale, depth)

    def real(self, label: np.ndarray) -> np.ndarray:
        """Labels in the unit of potentials."""
        with np.errstate(over="ignore"):
            return np.asarray(label * math.exp(min(self.scale, LARGEST_SCALE)))


@dataclass(frozen=True, eq=False)
class _Piece:
    """A panel whose labels have passed V_F.

    Values at the nodes: `growth` u = e^t in the unit of the labels, `rise` du/dr, `mass` M, `drive` I − V_F, `time`
    since the start, `fired` ∫ N, `pool` R, `reset` the mass per dr that comes back. It is valid for r ≤ `end`.
    """

    panel: _Panel
    growth: np.ndarray
    rise: np.ndarray
    mass: np.ndarray
    drive: np.ndarray
    fired: np.ndarray
    pool: np.ndarray
    reset: np.ndarray
    end: float = 1.0

    @property
    def time(self) -> np.ndarray:
        return self.panel.scale + np.log(self.growth)

    def at(self, values: np.ndarray, r: ArrayLike) -> np.ndarray:
        """The polynomial through `values` at r."""
        return np.asarray(chebyshev.chebval(np.asarray(r, dtype=float), COEFFICIENTS @ values))

    def time_at(self, r: ArrayLike) -> np.ndarray:
        return np.asarray(self.panel.scale + np.log(self.at(self.growth, r)))

    def place(self, time: np.ndarray) -> np.ndarray:
        """r at which it is `time`."""
        rate_of_time = self.rise / self.growth
        return self._inverse(self.time_at, lambda r: self.at(rate_of_time, r), time)

    def place_of_reset(self, label: np.ndarray, gap: float) -> np.ndarray:
        """r at which the label at V_R is `label`."""
        z, slope = self.panel.label + gap * self.growth, self.panel.slope + gap * self.rise
        return self._inverse(lambda r: self.at(z, r), lambda r: self.at(slope, r), label)

    def _inverse(self, value: Callable, slope: Callable, wanted: np.ndarray) -> np.ndarray:
        """Newton's iteration, kept between bounds; at the ends the ends themselves."""
        low, high = np.full(wanted.shape, -1.0), np.full(wanted.shape, self.end)
        first, last = wanted <= value(-1.0), wanted >= value(self.end)
        points = np.linspace(-1.0, self.end, DEGREE + 1)
        r = np.interp(wanted, value(points), points)
        for _ in range(80):
            miss = value(r) - wanted
            low, high = np.where(miss <= 0.0, r, low), np.where(miss > 0.0, r, high)
            with np.errstate(all="ignore"):
                newton = r - miss / slope(r)
            following = np.where((newton > low) & (newton < high), newton, 0.5 * (low + high))
            done = bool(np.all(np.abs(following - r) <= CLOSE))
            r = following
            if done:
                break
        return np.where(first, -1.0, np.where(last, self.end, r))

    def rate(self, r: np.ndarray, drive: np.ndarray, b: float) -> np.ndarray:
        """N = (I − V_F) u M/(dy/dr − b u M); infinite where the piece ends in a blow-up."""
        passing = self.at(self.growth, r) * np.maximum(self.at(self.mass, r), 0.0)
        slack = self.at(self.panel.slope, r) - b * passing
        with np.errstate(divide="ignore"):
            return np.asarray(np.where(slack > 0.0, drive * passing / np.maximum(slack, 0.0), np.inf))

    def following(self, gap: float) -> _Panel:
        """The labels with which these neurons come back, one round later."""
        panel = self.panel
        unit = float(self.growth[-1]) if self.growth[-1] > REBASE else 1.0
        label, slope = panel.label + gap * self.growth, panel.slope + gap * self.rise
        return replace(
            panel, label=label / unit, slope=slope / unit, returned=self.reset, scale=panel.scale + math.log(unit)
        )


@dataclass(frozen=True, eq=False, repr=False)
class CharacteristicSolution:
    """The deterministic network from a datum on, at any time and potential.

    Attributes
    ----------
    model : Population
    t : array
        Times at which the solution was computed; between them it is as accurate.
    rate, fired : array
        Firing rate N and spikes per neuron ∫ N at those times; N is infinite at a blow-up, and just after a jump it is
        the new value.
    status : Status
        FINISHED or BLOW_UP.
    message : str
    blow_up : BlowUp or None
        Its `time` is t*, at which b n(V_F, t) reaches 1; the solution ends there.
    """

    model: Population
    t: np.ndarray
    rate: np.ndarray
    fired: np.ndarray
    status: Status
    message: str
    blow_up: BlowUp | None
    _start: float
    _waking: float
    _datum: _Datum
    _pieces: tuple[_Piece, ...]
    _begins: np.ndarray = field(repr=False)

    def rate_at(self, times: ArrayLike) -> np.ndarray:
        """N at `times`, of the same shape; infinite at the blow-up.

        Raises
        ------
        InvalidArgument
            If a time is not between the first and the last of `t`.
        """
        since, shape = self._checked(times)
        N = np.zeros(since.shape)
        for piece, here in self._found(since):
            r = piece.place(since[here])
            drive = np.array([self._drive(s) for s in since[here]])
            N[here] = piece.rate(r, drive, self.model.coupling.gain)
        if self.blow_up is not None:
            N[since >= self.blow_up.time - self._start] = np.inf
        return N.reshape(shape)

    def fired_at(self, times: ArrayLike) -> np.ndarray:
        """Spikes per neuron from the start until `times`; arguments and errors as for `rate_at`."""
        return self._read(times, lambda piece: piece.fired)

    def refractory_at(self, times: ArrayLike) -> np.ndarray:
        """Mass R of the refractory pool at `times`; arguments and errors as for `rate_at`."""
        return self._read(times, lambda piece: piece.pool)

    def _read(self, times: ArrayLike, held: Callable[[_Piece], np.ndarray]) -> np.ndarray:
        """What the pieces hold, at `times`."""
        since, shape = self._checked(times)
        values = np.zeros(since.shape)
        for piece, here in self._found(since):
            values[here] = piece.at(held(piece), piece.place(since[here]))
        return values.reshape(shape)

    def threshold_density(self, times: ArrayLike) -> np.ndarray:
        """n(V_F−, t) of those who arrive, from which N = (I − V_F) n/(1 − b n); arguments and errors as for `rate_at`.

        Zero while the drift at V_F points inwards.
        """
        since, shape = self._checked(times)
        p = np.zeros(since.shape)
        for piece, here in self._found(since):
            r = piece.place(since[here])
            p[here] = piece.at(piece.growth, r) * piece.at(piece.mass, r) / piece.at(piece.panel.slope, r)
        return p.reshape(shape)

    def density(self, v: ArrayLike, t: float) -> np.ndarray:
        """n(v, t) at the potentials v, zero from V_F on.

        The density jumps at V_R, by S/(I + bN − V_R), and wherever such a jump has been carried; there it is the limit
        from above (at V_R from below).

        Raises
        ------
        InvalidArgument
            If t is not one time between the first and the last of `t`.
        """
        potentials = real_array("v", v)
        since, _ = self._checked(finite_number("t", t))
        n = np.zeros(potentials.shape)
        below = potentials < self.model.V_F
        n[below] = self._density(potentials[below], float(since[0]))
        return n

    def plot(self, times: ArrayLike | None = None) -> Figure:
        """N(t), on a logarithmic axis if it blows up, and the density at `times`, by default at four of the run."""
        from ..plotting.characteristics import plot_characteristics

        return plot_characteristics(self, times)

    def _density(self, v: np.ndarray, since: float) -> np.ndarray:
        if since <= self._waking or not self._pieces:
            lead = -self._datum.model.V_F - self._lead(since)
            with np.errstate(over="ignore"):
                return math.exp(since) * self._datum(math.exp(since) * (v + lead) + self.model.V_F)
        number = max(int(np.searchsorted(self._begins, since, side="right")) - 1, 0)
        now = self._pieces[number]
        r = now.place(np.array([since]))
        u, y = float(now.at(now.growth, r)[0]), float(now.at(now.panel.label, r)[0])
        label = y + u * (self.model.V_F - v)
        with np.errstate(over="ignore"):
            n = math.exp(min(since, LARGEST_SCALE)) * self._datum(-now.panel.real(label))
        gap, missing = self.model.V_F - self.model.V_R, v > self.model.V_R
        for piece in reversed(self._pieces[: number + 1]):
            if not np.any(missing):
                break
            n, missing = _with_returned(n, missing, label, piece, now, u, gap)
        return n

    def _lead(self, since: float) -> float:
        return _lead(self.model, self._start, since)

    def _drive(self, since: float) -> float:
        return self.model.coupling.external_at(self._start + since) - self.model.V_F

    def _found(self, since: np.ndarray) -> Iterator[tuple[_Piece, np.ndarray]]:
        numbers = np.searchsorted(self._begins, since, side="right") - 1
        for number in np.unique(numbers[numbers >= 0]):
            yield self._pieces[number], np.flatnonzero(numbers == number)

    def _checked(self, times: ArrayLike) -> tuple[np.ndarray, tuple[int, ...]]:
        wanted = real_array("times", times)
        low, high = float(self.t[0]), float(self.t[-1])
        if not np.all((wanted >= low) & (wanted <= high)):
            raise InvalidArgument(f"`times` must lie where the solution is known, from {low:g} to {high:.12g}.")
        return wanted.ravel() - self._start, wanted.shape

    def __repr__(self) -> str:
        largest = float(np.max(self.rate))
        return "\n".join(
            [
                f"CharacteristicSolution: {self.message}",
                f"├─ t = {self.t[0]:g} to {self.t[-1]:.9g}, {len(self._pieces)} pieces of {DEGREE + 1} points",
                f"├─ N = {self.rate.min():.6g} to {largest:.6g}, spikes per neuron {self.fired[-1]:.6g}",
                f"└─ {self.model!r}",
            ]
        )


def characteristics(
    model: Population,
    initial: object,
    t_span: tuple[float, float],
    rtol: float = 1e-11,
    breaks: ArrayLike = (),
) -> CharacteristicSolution:
    """The network without noise by the method of characteristics, until t* where the rate becomes infinite.

        ∂t n + ∂v[(−v + I + bN) n] = S δ(v − V_R),   N = (I + bN − V_F)_+ n(V_F, t)

    Where the drive I exceeds V_F the rate is N = (I − V_F) p/(1 − b p), p = n(V_F, t), for b p < 1. No other rate
    solves the equation, and for b p ≥ 1 none does: that is the blow-up. Where I ≤ V_F, N = 0 solves it. For I < V_F and
    b p > 1 so does N = (V_F − I) p/(b p − 1), a volley that keeps itself going: the solution is then not unique. What
    is computed is the smallest one, N = 0, since nothing sets the volley off; the least noise does (with a0 > 0 such a
    datum blows up at once).

    For b > V_F − V_R and I > V_F the blow-up cannot be avoided: once nearly all neurons are between V_R and V_F some
    density there exceeds 1/b, and it does not fall on its way to V_F. For 0 < b < V_F − V_R blow-up is what was seen.

    Parameters
    ----------
    model : Population
        With leak, hard threshold, a0 = a1 = 0, no transmission delay, and no refractory state or an exponential one
        (which starts empty). The current may be a function of time that crosses V_F upwards, at most once.
    initial : initial density or function
        A function of v is divided by its integral up to V_F.
    t_span : (float, float)
        Start and end.
    rtol : float
        Chebyshev coefficients that are left out, relative to the largest; between 1e-13 and 1e-3.
    breaks : array
        Potentials where a function has jumps or kinks, or structure that would be missed by points (V_F − V_R)/4096
        apart, and twice as far apart with each doubling of the distance from V_F. Jumps that are not listed are found
        by halving, to rounding.

    Returns
    -------
    CharacteristicSolution

    Raises
    ------
    InvalidArgument
        If the model is not deterministic or has what is not treated; if the datum is not a density below V_F, or the
        panels miss some of its mass, which `breaks` mends; if the run would take too many panels.

    Source: method of characteristics; the formula of N is that of the flux through V_F, Cáceres, Carrillo, Perthame
    (2011), eq. (1.1) with a = 0.

    >>> from fokkerplanck import gaussian, nnlif
    >>> sol = characteristics(nnlif(b=0.9, a0=0.0, external=3.0), gaussian(0.5, 0.09), (0.0, 2.0))
    >>> sol.status.name, round(sol.blow_up.time, 9)
    ('BLOW_UP', 0.665515156)
    >>> round(float(0.9 * sol.threshold_density(sol.blow_up.time)), 9)
    1.0
    """
    model, (start, end) = _accepted(model), time_span(t_span)
    length = end - start
    rtol = number_in("rtol", rtol, lambda x: 1e-13 <= x <= 1e-3, "between 1e-13 and 1e-3")
    datum = _datum(model, initial, real_array("breaks", breaks).ravel())
    waking = _waking(model, start, length)
    march = _March(model, datum, start, length, rtol)
    if waking < length:
        march.run(waking)
        march.require_all_mass()
    return march.solution(waking)


# -- the march through the panels -------------------------------------------------------------------------------


@dataclass
class _March:
    """Panel after panel in the order in which their labels reach V_F."""

    model: Population
    datum: _Datum
    start: float
    length: float
    rtol: float
    pieces: list[_Piece] = field(default_factory=list)
    blow_up: float | None = None
    taken: float = 0.0
    """Mass of the datum on the panels so far."""

    @property
    def gap(self) -> float:
        return self.model.V_F - self.model.V_R

    def run(self, waking: float) -> None:
        queue = deque(self._first(waking))
        time, fired, pool = waking, 0.0, 0.0
        for tried in count():
            if tried == MOST_PANELS or (tried == EARLY and self._hopeless(time - waking, self.length - waking)):
                raise InvalidArgument(
                    f"`t_span` takes more than {MOST_PANELS} panels, of which the first {tried} end at t = "
                    f"{self.start + time:.6g}; shorten it, or loosen `rtol`."
                )
            panel = queue.popleft()
            cut = self._mark(panel)
            piece = None if cut is not None else self._passed(panel, time, fired, pool)
            if piece is None or not self._resolved(piece):
                if panel.depth >= DEEPEST and piece is None:
                    raise InvalidArgument(
                        f"`external` is at V_F = {self.model.V_F:g} at t = {self.start + time:.6g}, where who is at "
                        f"V_F stands still or turns round, which is not followed; end or begin `t_span` there."
                    )
                if panel.depth < DEEPEST:
                    middle = 0.0 if cut is None else cut
                    queue.extendleft([panel.part(middle, 1.0), panel.part(-1.0, middle)])
                    continue
            assert piece is not None
            end = _standstill(piece)
            if end <= -1.0:
                self.blow_up = time
                return
            self.pieces.append(piece := replace(piece, end=end))
            self.taken += float(INTEGRAL[-1] @ (piece.mass - panel.returned))
            time, fired, pool = (float(x) for x in (piece.time_at(end), piece.fired[-1], piece.pool[-1]))
            if end < 1.0 and time <= self.length:
                self.blow_up = time
            if self.blow_up is not None or time >= self.length:
                return
            queue.append(piece.following(self.gap))

    def _hopeless(self, done: float, wanted: float) -> bool:
        """Panels are never joined, so that the pace does not grow; but an excitatory network may blow up any time."""
        return self.model.coupling.gain <= 0.0 and HOPELESS * done * MOST_PANELS < wanted * EARLY

    def require_all_mass(self) -> None:
        """Refuse if the panels have missed a part of the datum that its integral has seen."""
        if not self.pieces or not self.datum.cells:
            return
        last = self.pieces[-1].panel
        foot = float(-last.real(last.label[-1:])[0])
        missing = self.datum.above(foot) - self.taken
        if abs(missing) > max(LOST, 10.0 * self.rtol):
            raise InvalidArgument(
                f"`initial` has the mass {self.datum.above(foot):.6g} above {foot:.6g}, but {self.taken:.6g} on the "
                "panels there: it has structure that they miss. Give potentials in and beside it as `breaks`."
            )

    def _first(self, waking: float) -> Iterator[_Panel]:
        """Who is between V_R and V_F when the first neuron fires: no neuron has come back there."""
        faces = np.linspace(0.0, self.gap, FIRST_PANELS + 1)
        foremost = -self.model.V_F * math.exp(-waking)
        for low, high in pairwise(faces):
            half = 0.5 * (high - low)
            slope, nobody = np.full(NODES.shape, half), np.zeros(NODES.shape)
            yield _Panel(foremost + 0.5 * (low + high) + half * NODES, slope, nobody, waking)

    def _mark(self, panel: _Panel) -> float | None:
        """Where the panel is to be cut because the datum has a mark there."""
        ends = panel.real(panel.label[[0, -1]])
        inside = -self.datum.marks
        inside = inside[(inside > ends[0]) & (inside < ends[1])]
        if not len(inside) or panel.depth >= DEEPEST:
            return None
        label = COEFFICIENTS @ panel.label
        middle = float(inside[len(inside) // 2])

        def beyond(r: float) -> float:
            return float(panel.real(chebyshev.chebval(r, label))) - middle

        if not beyond(AWAY - 1.0) < 0.0 < beyond(1.0 - AWAY):
            return None
        return float(brentq(beyond, AWAY - 1.0, 1.0 - AWAY, xtol=1e-15))

    def _passed(self, panel: _Panel, time: float, fired: float, pool: float) -> _Piece | None:
        """The panel solved; None if the current could not be followed on it."""
        b, tau = self.model.coupling.gain, self.model.refractory.mean_duration
        v = -panel.real(panel.label)
        mass = panel.returned
        if v[0] > self.datum.lowest:
            mass = mass + self.datum.between(v) * panel.real(panel.slope)
        if panel.depth >= DEEPEST:  # a point with a jump: a polynomial through it would overshoot
            mass = np.full(NODES.shape, np.mean(mass))
        first, drive = math.exp(time - panel.scale), self._drives(np.full(NODES.shape, time))
        growth = np.full(NODES.shape, first)
        for _ in range(SWEEPS):
            if np.any(drive <= 0.0):
                return None
            matrix = np.eye(DEGREE + 1) + INTEGRAL * (b * mass / drive)
            growth, before = np.linalg.solve(matrix, first + INTEGRAL @ (panel.slope / drive)), growth
            if not self.model.coupling.time_dependent:
                break
            if np.any(growth <= 0.0):
                return None
            drive = self._drives(panel.scale + np.log(growth))
            if np.all(np.abs(growth - before) <= 1e-15 * growth):
                break
        else:
            return None
        if np.any(growth <= 0.0):
            return None
        rise = (panel.slope - b * mass * growth) / drive
        spikes = fired + INTEGRAL @ mass
        if tau == 0.0:
            return _Piece(panel, growth, rise, mass, drive, spikes, np.zeros(NODES.shape), mass)
        return self._with_pool(_Piece(panel, growth, rise, mass, drive, spikes, mass, mass), pool)

    def _with_pool(self, piece: _Piece, pool: float) -> _Piece:
        """dR/dr = M − (R/τ) dt/dr."""
        leaving = piece.rise / piece.growth / self.model.refractory.mean_duration
        R = np.linalg.solve(np.eye(DEGREE + 1) + INTEGRAL * leaving, pool + INTEGRAL @ piece.mass)
        return replace(piece, pool=R, reset=leaving * R)

    def _drives(self, time: np.ndarray) -> np.ndarray:
        """I − V_F; the current is not asked for beyond the end of the run."""
        coupling = self.model.coupling
        if not coupling.time_dependent:
            return np.full(time.shape, coupling.external_at(0.0) - self.model.V_F)
        times = self.start + np.minimum(time, self.length)
        return np.array([coupling.external_at(float(t)) for t in times]) - self.model.V_F

    def _resolved(self, piece: _Piece) -> bool:
        """Whether the last three Chebyshev coefficients are negligible, or what rounding of the labels leaves."""
        passing = piece.panel.slope / piece.drive
        values = np.array([piece.rise, piece.mass, piece.growth, piece.pool, piece.reset])
        sizes = np.max(np.abs(values), axis=1)
        sizes[0] = max(sizes[0], float(np.max(passing)))
        floor = np.array([0.0, NEGLIGIBLE, 0.0, NEGLIGIBLE, NEGLIGIBLE])
        largest = np.max(np.abs(piece.panel.label)) + self.gap * piece.growth[0]  # of what labels are sums of
        noise = min(ROUNDING * largest / np.max(piece.panel.slope), NOISIEST)  # more than that is a jump
        rounding = noise * np.ptp(values, axis=1)
        tails = np.max(np.abs((COEFFICIENTS @ values.T)[-3:]), axis=0)
        return bool(np.all(tails <= np.maximum(np.maximum(self.rtol * sizes, floor), rounding)))

    def solution(self, waking: float) -> CharacteristicSolution:
        end = self.length if self.blow_up is None else self.blow_up
        if self.blow_up is None:
            status, message, record = Status.FINISHED, Status.FINISHED.value, None
        else:
            status = Status.BLOW_UP
            time = self.start + self.blow_up
            record = BlowUp(time, (time, time), math.inf, "b n(V_F) = 1 on the characteristic that arrives then", ())
            message = f"{status.value}: b n(V_F) = 1 at t* = {time:.12g}"
        found = CharacteristicSolution(
            self.model, self.start + np.array([0.0, end]), np.empty(0), np.empty(0), status, message,
            record, self.start, waking, self.datum, tuple(self.pieces),
            np.array([piece.time[0] for piece in self.pieces]),
        )  # fmt: skip
        t, rate, fired = (
            np.concatenate([[ends[0]], *inside, [ends[1]]])
            for ends, inside in zip(
                (found.t, found.rate_at(found.t), found.fired_at(found.t)), self._inside(end), strict=True
            )
        )
        return replace(found, t=frozen(t), rate=frozen(rate), fired=frozen(fired))

    def _inside(self, end: float) -> tuple[list[np.ndarray], ...]:
        """Times, rates and spikes at the nodes of the pieces before `end`."""
        times, rates, spikes = [], [], []
        for piece in self.pieces:
            here = (NODES > -1.0) & (piece.end > NODES) & (piece.time < end)
            rate = piece.rate(NODES[here], piece.drive[here], self.model.coupling.gain)
            times.append(self.start + piece.time[here])
            rates.append(rate)
            spikes.append(piece.fired[here])
        return times, rates, spikes


def _standstill(piece: _Piece) -> float:
    """The first r at which time stands still, 1 if it does not."""
    rise = LOOK @ piece.rise
    stopped = np.flatnonzero(rise <= 0.0)
    if not len(stopped):
        return 1.0
    first = int(stopped[0])
    if first == 0:
        return -1.0
    return float(brentq(lambda r: float(piece.at(piece.rise, r)), FINE[first - 1], FINE[first], xtol=1e-15))


def _with_returned(
    n: np.ndarray, missing: np.ndarray, label: np.ndarray, piece: _Piece, now: _Piece, u: float, gap: float
) -> tuple[np.ndarray, np.ndarray]:
    """The density with those added who were reset in `piece`, and where somebody is still missing."""
    unit = math.exp(piece.panel.scale - now.panel.scale)
    z = unit * piece.at(piece.panel.label + gap * piece.growth, np.array([-1.0, piece.end]))
    here = missing & (label >= z[0])
    if not np.any(here):
        return n, missing
    wanted = label[here]
    r = piece.place_of_reset(wanted / unit, gap)
    per_label = piece.at(piece.reset, r) / piece.at(piece.panel.slope + gap * piece.rise, r)
    n[here] += np.where(wanted <= z[1], u * np.maximum(per_label, 0.0) / unit, 0.0)
    return n, missing & ~here


# -- what is accepted -------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Datum:
    """n0, zero above V_F, and the potentials at which panels end; of a function, (from, to, mass) of cells below V_F.

    The cells are those on which the function was integrated, from the highest down.
    """

    model: Population
    density: InitialDensity
    mass: float
    lowest: float
    marks: np.ndarray
    cells: tuple[tuple[float, float, float], ...] = ()

    def above(self, v: float) -> float:
        """The mass between v and V_F, of a function."""
        total = 0.0
        for low, high, mass in self.cells:
            if high <= v:
                break
            total += mass if low >= v else self.mass * _gauss(self, v, high)
        return total / self.mass

    def between(self, v: np.ndarray) -> np.ndarray:
        """n0 at the nodes of a panel, from the highest v down; at its ends, where jumps lie, the limits from inside."""
        inside, (high, low) = v.copy(), v[[0, -1]]
        inside[0] -= min(INSIDE * (1.0 + abs(high)), 1e-3 * (high - low))
        inside[-1] += min(INSIDE * (1.0 + abs(low)), 1e-3 * (high - low))
        return self(inside)

    def __call__(self, v: np.ndarray) -> np.ndarray:
        n = np.zeros(v.shape)
        here = (v > self.lowest) & (v <= self.model.V_F)
        if np.any(here):
            n[here] = self.density.value(v[here], self.model.V_F) / self.mass
        return n


def _datum(model: Population, initial: object, breaks: np.ndarray) -> _Datum:
    if isinstance(initial, State | FromArray | np.ndarray | list | tuple):
        raise InvalidArgument(
            "`initial` must be known at every potential: give fp.gaussian(mean, variance) or a function of v, not cell "
            "averages."
        )
    if not np.all(np.isfinite(breaks)):
        raise InvalidArgument("`breaks` must be finite potentials.")
    density = as_density(initial)
    if isinstance(density, FromFunction):
        cells = _cells(density, model, breaks)
        mass, gap = sum(mass for _, _, mass in cells), model.V_F - model.V_R
        if mass <= 0.0:
            raise InvalidArgument(
                "`initial` is zero, or negative, wherever it was looked at below V_F; if it is narrow, give potentials "
                "in and beside it as `breaks`."
            )
        marks = np.unique(np.concatenate([breaks, _narrow(np.array(cells), mass, gap)]))
        return _Datum(model, density, density.checked_mass(mass), cells[-1][0], marks, tuple(cells))
    mean, width = density.narrowest
    return _Datum(model, density, 1.0, -1e100, np.unique([*breaks, *(mean + width * np.arange(-8.0, 9.0, 4.0))]))


def _narrow(cells: np.ndarray, mass: float, gap: float) -> np.ndarray:
    """Ends of cells so narrow that nodes of panels would miss what is on them, away from jumps.

    Panels find a jump by halving, and would end at many marks in front of it, but not at it.
    """
    low, high, part = cells.T
    width = (high - low) / gap
    jumps = low[width < NARROWEST]
    ends = np.unique(cells[(width >= NARROWEST) & (width < BROAD) & (part > FAINT * mass), :2])
    if len(jumps) and len(ends):
        ends = ends[np.min(np.abs(ends[:, None] - jumps), axis=1) > BROAD * gap]
    return np.asarray(ends)


def _cells(density: FromFunction, model: Population, breaks: np.ndarray) -> list[tuple[float, float, float]]:
    """(from, to, integral) on cells from V_F down to where nothing is left, over intervals that double."""
    total, top, width, empty = 0.0, model.V_F, model.V_F - model.V_R, 0
    cells: list[tuple[float, float, float]] = []

    def value(v: np.ndarray) -> np.ndarray:
        return density.value(v, model.V_F)

    for _ in range(FARTHEST):
        bottom = top - width
        peaks, rough = _peaks(value, bottom, top)
        inner = np.concatenate([breaks, peaks])
        inner = inner[(inner > bottom) & (inner < top)]
        faces = np.unique([bottom, *inner, *np.linspace(bottom, top, FIRST_PANELS + 1)]).tolist()
        found = [cell for low, high in pairwise(faces) for cell in _integrals(value, low, high, max(total, rough))]
        part = sum(mass for _, _, mass in found)
        cells += reversed(found)
        total, top, width = total + part, bottom, 2.0 * width
        empty = empty + 1 if part <= NEGLIGIBLE * total and top < np.min(breaks, initial=math.inf) else 0
        if empty == 4:
            return cells
    raise InvalidArgument("the initial density cannot be normalised: its integral down to −∞ does not converge.")


def _peaks(function: Callable[[np.ndarray], np.ndarray], low: float, high: float) -> tuple[np.ndarray, float]:
    """Faces in and around the highest peaks, without which few points would miss narrow ones; roughly the integral."""
    v, step = np.linspace(low, high, SCAN + 1), (high - low) / SCAN
    n = np.concatenate([[0.0], function(v), [0.0]])
    tops = np.flatnonzero((n[1:-1] > n[:-2]) & (n[1:-1] >= n[2:]))
    tops = tops[np.argsort(-n[1:-1][tops], kind="stable")[:MOST_PEAKS]]
    return (v[tops][:, None] + step * np.array([-64.0, -8.0, -1.0, 0.0, 1.0, 8.0, 64.0])).ravel(), step * float(n.sum())


GAUSS = np.polynomial.legendre.leggauss(12)


def _integrals(
    function: Callable[[np.ndarray], np.ndarray], low: float, high: float, scale: float
) -> list[tuple[float, float, float]]:
    """(from, to, integral) by Gauss quadrature on intervals, in increasing order, halved where it is not smooth.

    `scale` is a mass beside which that of the interval may be negligible.
    """
    found, total, waiting, width = [], 0.0, [(low, high)], high - low
    while waiting:
        a, b = waiting.pop()
        whole, halves = _gauss(function, a, b), _gauss(function, a, 0.5 * (a + b)) + _gauss(function, 0.5 * (a + b), b)
        enough = 1e-15 * (max(scale, abs(total)) + abs(halves)) + 1e-300
        if abs(whole - halves) <= enough or b - a <= width * 0.5**DEEPEST:
            total += halves
            found.append((a, b, halves))
        else:
            waiting += [(0.5 * (a + b), b), (a, 0.5 * (a + b))]
    return found


def _gauss(function: Callable[[np.ndarray], np.ndarray], a: float, b: float) -> float:
    return 0.5 * (b - a) * float(GAUSS[1] @ function(0.5 * (a + b) + 0.5 * (b - a) * GAUSS[0]))


def _accepted(model: object) -> Population:
    population = require_leaky_hard(model, "characteristics are known")
    if population.noise.a0 or population.noise.a1:
        raise InvalidArgument("a0 and a1 must be zero: characteristics carry no noise; use fp.solve, or give a0 = 0.0.")
    if population.coupling.delay:
        raise InvalidArgument(
            "`delay` must be zero: characteristics are followed without a transmission delay; use fp.solve."
        )
    if population.latency:
        raise InvalidArgument(
            "`refractory` must be None or fp.ExponentialRefractory: a fixed refractory time is not followed along "
            "characteristics; use fp.solve."
        )
    if population.coupling.time_dependent and population.refractory.mean_duration:
        raise InvalidArgument(
            "`external` must be a number if there is a refractory state: under a current that falls below V_R neurons "
            "would leave V_R downwards, which is not followed; use fp.solve."
        )
    return population


def _lead(model: Population, start: float, since: float) -> float:
    """∫ e^{−(t−s)} (I(s) − V_F) ds: where one who starts at V_F would be in a silent network, relative to V_F."""
    coupling = model.coupling
    if not coupling.time_dependent:
        return (coupling.external_at(0.0) - model.V_F) * -math.expm1(-since)
    parts = np.linspace(0.0, since, max(2, math.ceil(since) + 1))
    return float(
        sum(
            quad(
                lambda s: math.exp(s - since) * (coupling.external_at(start + s) - model.V_F),
                a,
                b,
                epsabs=1e-13,
                limit=200,
            )[0]
            for a, b in pairwise(parts)
        )
    )


def _waking(model: Population, start: float, length: float) -> float:
    """When the first neuron fires, since the start; infinite if none does."""
    coupling = model.coupling
    if not coupling.time_dependent:
        return 0.0 if coupling.external_at(0.0) > model.V_F else math.inf
    times = np.linspace(0.0, length, CURRENT_SAMPLES)
    above = np.array([coupling.external_at(float(start + s)) for s in times]) > model.V_F
    if not np.any(above):
        return math.inf
    first = int(np.argmax(above))
    if not np.all(above[first:]):
        where = start + times[first + int(np.argmin(above[first:]))]
        raise InvalidArgument(
            f"`external` comes down to V_F = {model.V_F:g} before t = {where:.6g}, and who is at V_F then turns round, "
            f"which is not followed; end `t_span` before, or use fp.solve."
        )
    if first == 0:
        return 0.0
    if _lead(model, start, length) <= 0.0:
        return math.inf
    waking = float(brentq(lambda s: _lead(model, start, s), times[first - 1], length, xtol=1e-15))
    if waking > LONGEST_SILENCE:
        raise InvalidArgument(
            f"`external` lets no neuron fire before t = {start + waking:.6g}, when all are within "
            f"e^(−{LONGEST_SILENCE:g}) of one potential; begin `t_span` later."
        )
    return waking
