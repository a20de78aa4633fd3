"""How stationary states change with a parameter: their branches, where two merge, and where oscillations set in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.optimize import brentq, root

from .models.coupling import MeanFieldCoupling
from .models.network import Network
from .models.noise import ActivityNoise
from .models.population import Population
from .networks.arclength import Curve, Point
from .networks.balance import Balance, check_network
from .networks.linear import gains, leading_eigenvalues, responses, unstable_count
from .networks.states import NetworkState, network_states, polish
from .outcomes import InvalidArgument, finite_number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LENGTH = 5.0
"""The span of the parameter counts as this much of log N."""
LONGEST, SHORTEST, FIRST = 0.3, 1e-7, 0.1
"""Steps along a branch."""
BENT = 0.2
"""Largest turn of the tangent in a step, in radians."""
MEETING = 1e-3
"""Least singular value of (∂F/∂L, ∂F/∂p) below which branches meet; at a fold it is of order one."""
MOST_STEPS = 3000
FASTEST = 1e6
"""A branch on which a rate exceeds this is not followed further."""
ON_BRANCH = 1e-6
"""A state this close to a branch, in log N, belongs to it."""
COUNTED_CELLS = 60
"""Cells, and once more twice as many, on which growing modes are counted; what is located has finer ones."""
NARROW = 1e-3
"""Width, in the length of a branch, to which a change of stability is bracketed before it is located."""

Model = Network | Population


class Bifurcation(NamedTuple):
    """A point of a branch where the number of growing modes changes.

    `kind` is "fold" (two states merge: a saddle-node), "branch" (a real eigenvalue changes sign and no fold: branches
    meet, as where a symmetry breaks) or "hopf" (a pair ±iω: oscillations with the angular frequency `frequency`).
    """

    kind: str
    parameter: float
    rates: np.ndarray
    frequency: float = 0.0

    @property
    def period(self) -> float:
        """2π/ω of the oscillations that set in; infinite unless it is a Hopf point."""
        return 2.0 * np.pi / self.frequency if self.frequency else np.inf


@dataclass(frozen=True, eq=False)
class Branch:
    """A curve of stationary states, bifurcations among its points.

    Attributes
    ----------
    parameter : array, shape (points,)
    log_rates : array, shape (points, K)
    unstable : int array, shape (points,)
        Number of growing modes; −1 where it is not known, as at bifurcations.
    closed : bool
        Whether it returns to its start: an isola.
    """

    parameter: np.ndarray
    log_rates: np.ndarray
    unstable: np.ndarray
    closed: bool

    @property
    def rates(self) -> np.ndarray:
        """Firing rates, shape (points, K)."""
        return np.exp(self.log_rates)

    @property
    def stable(self) -> np.ndarray:
        """Where no mode grows, shape (points,); False where that is not known."""
        return self.unstable == 0


@dataclass(frozen=True, eq=False, repr=False)
class BifurcationDiagram:
    """All branches that were found over a span of the parameter.

    Attributes
    ----------
    names : tuple of str
        Names of the populations.
    span : (float, float)
    branches : tuple of Branch
    bifurcations : tuple of Bifurcation
        By increasing parameter.
    checked : array
        Values of the parameter at which all states were asked for; each of them lies on a branch.
    complete : bool
        Whether at all of these the branches have exactly the states that there are, and these were all found.
    """

    names: tuple[str, ...]
    span: tuple[float, float]
    branches: tuple[Branch, ...]
    bifurcations: tuple[Bifurcation, ...]
    checked: np.ndarray
    complete: bool

    def of_kind(self, kind: str) -> tuple[Bifurcation, ...]:
        """The folds ("fold"), branch points ("branch") or Hopf points ("hopf")."""
        return tuple(point for point in self.bifurcations if point.kind == kind)

    @cached_property
    def folds(self) -> tuple[Bifurcation, ...]:
        """Where two states merge."""
        return self.of_kind("fold")

    @cached_property
    def hopf_points(self) -> tuple[Bifurcation, ...]:
        """Where oscillations set in."""
        return self.of_kind("hopf")

    def plot(self, population: int | str = 0, ax: Axes | None = None, parameter: str = "parameter") -> Figure:
        """The rate of one population over the parameter; stable branches solid, unstable ones dashed.

        Parameters
        ----------
        population : int or str
            Index or name.
        ax : matplotlib.axes.Axes, optional
            Default: a new figure.
        parameter : str
            What is written below the axis.
        """
        from .plotting.networks import plot_bifurcations

        return plot_bifurcations(self, population, ax, parameter)

    def __repr__(self) -> str:
        rows = [f"{len(self.branches)} branches over {self.span[0]:g} to {self.span[1]:g}"]
        for point in self.bifurcations:
            rates = ", ".join(f"{rate:.6g}" for rate in point.rates)
            turning = f", ω = {point.frequency:.6g}" if point.frequency else ""
            rows.append(f"{point.kind} at {point.parameter:.9g}: N = {rates}{turning}")
        marks = ["├─"] * (len(rows) - 1) + ["└─"]
        return "\n".join(["BifurcationDiagram", *(f"{mark} {row}" for mark, row in zip(marks, rows, strict=True))])


def bifurcations(
    family: Callable[[float], Model],
    span: tuple[float, float],
    samples: int = 9,
    stability: bool = True,
) -> BifurcationDiagram:
    """Stationary states over a span of a parameter: branches, folds, branch points, Hopf points.

    At `samples` values of the parameter all states are found (`fp.stationary_states`). From each that is on no branch
    yet, one is followed in both directions by pseudo-arclength continuation in (log N, parameter): through folds, to
    the ends of the span, to rates of 1e6, or back to its start. Folds are the zeros of the parameter's component of
    the tangent and are located as such; where the determinant of ∂F/∂L changes sign without one, branches meet. Where
    stability is asked for, growing modes are counted at every point (`networks.linear.unstable_count`), and where their
    number changes by an even number, the pair ±iω is located: det(1 − G(iω)) = 0 in ω and the parameter.

    Not found are closed branches, and tongues between two folds, that lie between two neighbouring samples, and pairs
    of Hopf points between two neighbouring points of a branch.

    Parameters
    ----------
    family : callable
        The model (Network or Population) for a value of the parameter, for example
        `lambda b: fp.nnlif(b=b)`; any constant of it may be the parameter, delays among them.
    span : (float, float)
        First and last value.
    samples : int
        Values, equally spaced, at which all states are asked for; at least 2.
    stability : bool
        Whether to count growing modes; without it branches are had in a tenth of the time, and no Hopf points.

    Raises
    ------
    InvalidArgument
        If the span is empty, or `family` does not give models with one and the same number of populations.

    Source: Keller (1977), see `networks.arclength`.

    >>> from fokkerplanck import nnlif
    >>> diagram = bifurcations(lambda b: nnlif(b=b), (1.5, 2.5), samples=3, stability=False)
    >>> [round(fold.parameter, 6) for fold in diagram.folds], diagram.complete
    ([2.100968], True)
    """
    first, last = (finite_number("span", end) for end in span)
    if not first < last:
        raise InvalidArgument(f"`span` = {span} is empty; give the smaller end first.")
    if isinstance(samples, bool) or not isinstance(samples, int) or samples < 2:
        raise InvalidArgument(f"`samples` must be a whole number of at least 2, not {samples!r}.")
    tracer = _Tracer(family, first, last, np.linspace(first, last, samples), stability)
    return tracer.diagram()


def as_network(model: object) -> Network:
    """A population as a network of one."""
    if isinstance(model, Network):
        return model
    if not isinstance(model, Population):
        raise InvalidArgument(f"`family` must return a model such as fp.nnlif(b=0.5) or a fp.Network, not {model!r}.")
    coupling, noise = model.coupling, model.noise
    alone = replace(model, coupling=MeanFieldCoupling(0.0, external=coupling.external), noise=ActivityNoise(noise.a0))
    return Network([alone], [[coupling.gain]], noise=noise.gain, delays=coupling.delay)


class _Traced(NamedTuple):
    """A branch as followed: its points, and the length of the step from each to the next."""

    points: list[Point]
    closed: bool


class _Tracer:
    """One diagram in the making."""

    def __init__(
        self, family: Callable[[float], Model], first: float, last: float, samples: np.ndarray, stability: bool
    ) -> None:
        self.family, self.first, self.last, self.samples, self.stability = family, first, last, samples, stability
        self.names = self.network(first).names
        self.scale = (last - first) / LENGTH
        self.curve = Curve(
            lambda L, p: self.balance(p).value(L), lambda L, p: self.balance(p).jacobian(L), self.scale, (first, last)
        )

    def network(self, p: float) -> Network:
        network = as_network(self.family(float(np.clip(p, self.first, self.last))))
        if getattr(self, "names", network.names) != network.names:
            raise InvalidArgument("`family` must return models with the same populations for every parameter.")
        return network

    def balance(self, p: float) -> Balance:
        return Balance(self.network(p))

    def diagram(self) -> BifurcationDiagram:
        check_network(self.network(self.first))
        seeds, complete = [], True
        for p in self.samples:
            states = network_states(self.network(p))
            complete &= states.complete
            seeds += [(float(p), state.log_rates) for state in states]
        traced: list[_Traced] = []
        crossings: list[tuple[float, np.ndarray]] = []
        for p, L in seeds:
            if any(q == p and np.abs(M - L).max() < ON_BRANCH for q, M in crossings):
                continue
            branch = self.trace(p, L)
            traced.append(branch)
            crossings += self.crossings(branch)
        for p in self.samples:
            here = [L for q, L in seeds if q == p]
            there = [L for q, L in crossings if q == p and L.max() < np.log(FASTEST)]
            slow = [L for L in here if L.max() < np.log(FASTEST)]
            complete &= len(there) == len(slow)
        branches, points = [], []
        for branch in traced:
            finished, found = self.finish(branch)
            branches.append(finished)
            points += found
        points = self.once(sorted(points, key=lambda point: point.parameter))
        return BifurcationDiagram(
            self.names, (self.first, self.last), tuple(branches), tuple(points), self.samples, complete
        )

    def once(self, points: list[Bifurcation]) -> list[Bifurcation]:
        """A point where branches meet is found on each of them; the best of these is kept."""

        def defect(point: Bifurcation) -> float:
            balance, L = self.balance(point.parameter), np.log(point.rates)
            flat = np.linalg.svd(balance.jacobian(L), compute_uv=False)[-1]
            return float(flat + np.abs(balance.value(L)).max())

        kept: list[Bifurcation] = []
        for point in points:
            same = [
                k
                for k, other in enumerate(kept)
                if point.kind == other.kind == "branch"
                and abs(other.parameter - point.parameter) < 1e-4 * self.scale
                and np.abs(np.log(other.rates / point.rates)).max() < 1e-2
            ]
            if not same:
                kept.append(point)
            elif defect(point) < defect(kept[same[0]]):
                kept[same[0]] = point
        return kept

    # -- following ----------------------------------------------------------------------------------------------

    def trace(self, p: float, L: np.ndarray) -> _Traced:
        """The branch through a state, from one of its ends to the other."""
        up = np.append(np.zeros(len(L)), 1.0)
        start = Point(L, p, self.curve.tangent(L, p, up))
        forth, closed = self.half(start)
        if closed:
            return _Traced([start, *forth], True)
        back, _ = self.half(start._replace(tangent=-start.tangent))
        turned = [point._replace(tangent=-point.tangent) for point in back[::-1]]
        return _Traced([*turned, start, *forth], False)

    def half(self, start: Point) -> tuple[list[Point], bool]:
        points: list[Point] = []
        point, length = start, FIRST
        for _ in range(MOST_STEPS):
            end = self.last if point.tangent[-1] > 0.0 else self.first
            if point.p == end:
                break
            new = None
            while length >= SHORTEST:
                new = self.step(point, length)
                if new is not None and new.tangent @ point.tangent >= np.cos(BENT):
                    break
                new = None
                length *= 0.5
            if new is None:
                break
            if len(points) > 5 and self.passes(point, new, start):
                return [*points, start], True
            points.append(new)
            if new.p in (self.first, self.last) or new.x.max() > np.log(FASTEST):
                break
            turn = float(np.arccos(np.clip(new.tangent @ point.tangent, -1.0, 1.0)))
            length = min(LONGEST, length * (1.6 if turn < 0.4 * BENT else 1.0))
            point = new
        return points, False

    def step(self, point: Point, length: float) -> Point | None:
        """The next point, on the end of the span if the branch would leave it."""
        ahead = point.p + length * point.tangent[-1] * self.scale
        if self.first < ahead < self.last:
            new = self.curve.at(point, length)
            if new is None or self.first < new.p < self.last:
                return new
        end = self.last if point.tangent[-1] > 0.0 else self.first
        share = (end - point.p) / (point.tangent[-1] * self.scale) if point.tangent[-1] else 0.0
        L = polish(self.balance(end), point.x + share * point.tangent[:-1])
        if L is None or np.abs(L - point.x).max() > 2.0 * length:
            return None
        return Point(L, end, self.curve.tangent(L, end, point.tangent))

    def passes(self, old: Point, new: Point, start: Point) -> bool:
        """Whether the start lies between two points of its branch."""
        a, b, z = (np.append(q.x, q.p / self.scale) for q in (old, new, start))
        along = b - a
        share = float((z - a) @ along / (along @ along))
        distance = float(np.abs(z - a - share * along).max())
        near = 0.0 < share <= 1.0 and distance < 0.1 * float(np.linalg.norm(along))
        return near and bool(new.tangent @ start.tangent > 0.8)

    def crossings(self, branch: _Traced) -> list[tuple[float, np.ndarray]]:
        """Where a branch meets the values at which all states are known."""
        found: list[tuple[float, np.ndarray]] = []
        for k, (old, new) in enumerate(pairwise(branch.points)):
            for p in self.samples[(self.samples - old.p) * (self.samples - new.p) <= 0.0]:
                if (p == old.p and k > 0) or (p == new.p and branch.closed and k == len(branch.points) - 2):
                    continue
                share = (p - old.p) / (new.p - old.p) if new.p != old.p else 0.0
                L = polish(self.balance(p), old.x + share * (new.x - old.x))
                if L is not None and not any(q == p and np.abs(M - L).max() < ON_BRANCH for q, M in found):
                    found.append((float(p), L))
        return found

    # -- bifurcations -------------------------------------------------------------------------------------------

    def finish(self, branch: _Traced) -> tuple[Branch, list[Bifurcation]]:
        """The branch with its bifurcations located and put among its points."""
        points = branch.points
        counts = [self.count(point) for point in points]
        if self.stability:
            # A point that happens to lie on a bifurcation tells nothing; the one between its neighbours is located.
            last = len(points) - 1
            known = [k for k, count in enumerate(counts) if count is not None or k in (0, last)]
            points, counts = [points[k] for k in known], [counts[k] for k in known]
        rows = [(points[0], counts[0])]
        found: list[Bifurcation] = []
        for old, new, before, after in zip(points[:-1], points[1:], counts[:-1], counts[1:], strict=True):
            length = self.length(old, new)
            here = self.real_changes(old, new, length)
            marks = [0.0, *(x for x, _, _ in here), length]
            stations: list[tuple[float, Point | None, Bifurcation | None]] = [(x, q, b) for x, q, b in here]
            if self.stability:
                for low, high in pairwise(marks):
                    inset = 1e-3 * (high - low)
                    ends: list[tuple[float, int | None]] = []
                    for x, outer, growing in ((low, 0.0, before), (high, length, after)):
                        ends.append((x, growing) if x == outer else (x + (inset if x == low else -inset), None))
                    stations += self.pairs(old, ends[0], ends[1])
            for _, place, mark in sorted(stations, key=lambda s: s[0]):
                if place is not None and mark is not None:
                    rows.append((place, None))
                    found.append(mark)
            rows.append((new, after))
        return Branch(
            parameter=np.array([point.p for point, _ in rows]),
            log_rates=np.array([point.x for point, _ in rows]),
            unstable=np.array([-1 if count is None else count for _, count in rows]),
            closed=branch.closed,
        ), found

    def count(self, point: Point) -> int | None:
        """Number of growing modes."""
        if not self.stability:
            return None
        network = self.network(point.p)
        at = NetworkState(network, point.x, 0.0)
        return unstable_count(network, at, responses(at, COUNTED_CELLS, 1))

    def length(self, old: Point, new: Point) -> float:
        """How far `new` is along the tangent at `old`."""
        along = np.append(new.x - old.x, (new.p - old.p) / self.scale)
        return float(along @ old.tangent)

    def beyond(self, old: Point, length: float) -> Point:
        point = self.curve.at(old, length) if length else old
        if point is None:
            raise FloatingPointError("the branch cannot be followed")
        return point

    def real_changes(self, old: Point, new: Point, length: float) -> list[tuple[float, Point, Bifurcation]]:
        """The fold or the meeting of branches between two points, if there is one."""

        def rise(point: Point) -> float:
            return float(point.tangent[-1])

        def determinant(point: Point) -> float:
            return float(np.linalg.det(self.balance(point.p).jacobian(point.x)))

        if rise(old) * rise(new) < 0.0:
            kind, test = "fold", rise
        elif determinant(old) * determinant(new) < 0.0:
            kind, test = "branch", determinant
        else:
            return []
        located = self.locate(old, length, test)
        if located is None:
            return []
        x, place = located
        if np.linalg.svd(self.curve.extended(place.x, place.p), compute_uv=False)[-1] < MEETING:
            kind = "branch"
        return [(x, place, Bifurcation(kind, place.p, np.exp(place.x)))]

    def locate(self, old: Point, length: float, test: Callable[[Point], float]) -> tuple[float, Point] | None:
        """The length beyond `old` at which `test` changes sign, and the point there.

        Where branches meet the curve cannot be told from the other one; close by, it is interpolated.
        """
        low, high = 0.0, length
        try:
            first, second = old, self.beyond(old, length)
            if test(first) * test(second) >= 0.0:
                return None
            x = float(brentq(lambda z: test(self.beyond(old, z)), low, high, xtol=1e-12, rtol=1e-12))
            return x, self.beyond(old, x)
        except FloatingPointError:
            pass
        try:
            for _ in range(40):
                middle = 0.5 * (low + high)
                point = self.beyond(old, middle)
                if test(first) * test(point) < 0.0:
                    high, second = middle, point
                else:
                    low, first = middle, point
        except FloatingPointError:
            pass
        share = test(first) / (test(first) - test(second))
        mean = Point(first.x + share * (second.x - first.x), first.p + share * (second.p - first.p), first.tangent)
        return low + share * (high - low), mean

    def pairs(
        self, old: Point, low: tuple[float, int | None], high: tuple[float, int | None]
    ) -> list[tuple[float, Point | None, Bifurcation | None]]:
        """The Hopf points between two lengths, with the numbers of growing modes there."""
        try:
            (a, before), (b, after) = ((x, self.count(self.beyond(old, x)) if n is None else n) for x, n in (low, high))
            if before is None or after is None or before == after:
                return []
            if abs(after - before) == 2 and b - a <= NARROW:
                return self.hopf(old, a, b, max(before, after))
            if b - a <= 1e-2 * NARROW:
                return []
            middle = (0.5 * (a + b), self.count(self.beyond(old, 0.5 * (a + b))))
            if middle[1] is None:  # it happens to lie there
                return self.hopf(old, a, b, max(before, after)) if abs(after - before) == 2 else []
        except FloatingPointError:
            return []
        return self.pairs(old, (a, before), middle) + self.pairs(old, middle, (b, after))

    def hopf(
        self, old: Point, low: float, high: float, growing: int
    ) -> list[tuple[float, Point | None, Bifurcation | None]]:
        """Solve det(1 − G(iω)) = 0 in ω and the length along the branch."""
        place = self.beyond(old, 0.5 * (low + high))
        network = self.network(place.p)
        values, _ = leading_eigenvalues(network, NetworkState(network, place.x, 0.0), growing + 2)
        turning = values[values.imag > 0.0]
        if not len(turning):
            return []
        frequency = float(turning[np.argmin(np.abs(turning.real))].imag)

        def determinant(z: np.ndarray) -> np.ndarray:
            point = self.beyond(old, float(z[0]))
            there = self.network(point.p)
            lam = np.array([1j * z[1]])
            D = np.linalg.det(
                np.eye(there.lanes) - gains(there, responses(NetworkState(there, point.x, 0.0))(lam), lam)
            )
            return np.array([D[0].real, D[0].imag])

        found = root(determinant, [0.5 * (low + high), frequency], tol=1e-11)
        x, frequency = float(found.x[0]), float(found.x[1])
        if np.abs(determinant(found.x)).max() > 1e-7 or not low - NARROW <= x <= high + NARROW:
            return []
        place = self.beyond(old, x)
        return [(x, place, Bifurcation("hopf", place.p, np.exp(place.x), abs(frequency)))]
