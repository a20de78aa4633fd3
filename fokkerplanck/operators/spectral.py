"""Spectral elements as a scheme: which elements a model and a datum need for an accuracy."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ..elements import HIGHEST_DEGREE, LOWEST_DEGREE, Elements, lobatto
from ..grid import Grid
from ..models.voltage import VoltageModel
from ..outcomes import InvalidArgument, number_in
from .schemes import lower_end

if TYPE_CHECKING:
    from ..models.model import Model
    from ..state import InitialDensity
    from .spectral_elements import SpectralElements

LONGEST = 2.0
"""Longest element, over √a: there a Gaussian of variance a is a polynomial of degree 12 to 1e-8."""
GROWTH = 1.25
"""Of the lengths of neighbours far above a soft threshold, where the density only decays."""
RATIO = 0.3
"""Of the lengths of neighbours towards a point where the density is not smooth."""
SHORTEST, LONGEST_LAST = 1e-5, 0.1
"""Shortest element at V_F over V_F − V_R: never less, and enough where the density vanishes smoothly there."""
SHORTEST_DELAYED = 1e-3
"""The same for a model that looks back: the start, N ~ t^(−1/2), comes again at t = d, where times are rounded."""
RESTLESS = 1e-4
"""The same where the rate may blow up, and thrice that at V_R: layers a/(bN) are resolved up to N of about 1e5/b."""
SMALLEST_TAIL = 1e-7
"""Of the Legendre coefficients of the initial density, over its peak, so that it is positive to about that."""
MOST_LANES = 8
"""More lanes than this are quicker on cells, whose sweeps run over all lanes at once."""
MOST_NODES = 3000
"""More of them (very little noise on a long way) are slower than cells."""
ROUGH = 1e-4
"""The same above which elements are the wrong choice, because the density jumps."""
DEEPEST = 40
"""How often an element is halved for the initial density at most."""


@dataclass(frozen=True)
class Spectral:
    """Legendre spectral elements: the error falls exponentially with the degree. Not positive, but accurate.

        w_i n_i' = ∫ φ_i' (μ n − a ∂v n) dv + S φ_i(V_R),   n(V_F) = 0,   N = ∫ φ_F' (μ n − a ∂v n) dv

    The elements have edges at V_R and V_F, are about √a long, shorter towards V_F, and are halved until the initial
    density is a polynomial on each.

    Parameters
    ----------
    accuracy : float
        Relative error of N that the default grid aims at.
    degree : int, optional
        Degree of the polynomials. By default it grows with the digits of the accuracy.

    Source: Karniadakis, Sherwin, Spectral/hp Element Methods for Computational Fluid Dynamics (2005), chapter 2.

    >>> Spectral(accuracy=1e-6).polynomial_degree
    10
    """

    accuracy: float = 1e-8
    degree: int | None = None

    explicit: ClassVar[bool] = False
    reference: ClassVar[str] = "Patera, J. Comput. Phys. 54 (1984) 468"

    def __post_init__(self) -> None:
        number_in("accuracy", self.accuracy, lambda x: 1e-13 <= x < 1.0, "from 1e-13 to 1")
        if self.degree is not None:
            number_in(
                "degree", self.degree, lambda p: LOWEST_DEGREE <= p <= HIGHEST_DEGREE and p == int(p),
                f"a whole number, {LOWEST_DEGREE} to {HIGHEST_DEGREE}",
            )  # fmt: skip

    @property
    def polynomial_degree(self) -> int:
        """The degree that is used."""
        return 4 + math.ceil(-math.log10(self.accuracy)) if self.degree is None else int(self.degree)

    @staticmethod
    def suits(model: Model, datum: InitialDensity, t_span: tuple[float, float]) -> bool:
        """Whether model and datum are smooth enough: there is noise, and polynomials approach the density quickly."""
        if not isinstance(model, VoltageModel) or not model.always_noisy or model.exchanges or model.lanes > MOST_LANES:
            return False
        if model.open and np.any(model.absorbing):
            return False
        grid = Spectral(1e-4).grid(model, datum, t_span)
        if grid.cells > MOST_NODES:
            return False
        values = np.reshape(datum.value(grid.nodes.ravel(), grid.v_max), grid.nodes.shape)
        rough = np.abs(grid.rule.modes(values)[:, -2:]).sum(axis=1)
        return bool(np.max(rough) <= ROUGH * np.max(np.abs(values)))

    @property
    def gain(self) -> float:
        """Exponential in the degree: the error of the steps in time is what is left."""
        return math.inf

    def default_grid(
        self, model: Any, datum: InitialDensity, t_span: tuple[float, float], reach: float = 1.0
    ) -> Elements:
        """Elements wide enough for model and datum, and short where the density varies."""
        return self.grid(model, datum, t_span, lower_end(model, datum, t_span, reach))

    def grid(
        self,
        model: VoltageModel,
        datum: InitialDensity | None = None,
        t_span: tuple[float, float] | None = None,
        v_min: float | None = None,
        v_max: float | None = None,
    ) -> Elements:
        """The elements for `model`, and for the initial density `datum` if there is one.

        Parameters
        ----------
        model : Population
        datum : initial density, optional
            For example `fp.gaussian(0.0, 0.25)`.
        t_span : (float, float), optional
            Needed only when the external current is a function of time and an end of the grid is not given.
        v_min, v_max : float, optional
            Ends of the grid; `model.lowest_potential` (or where `datum` begins) and `model.highest_potential`.

        >>> from fokkerplanck import nnlif
        >>> Spectral(degree=12).grid(nnlif(b=0.5), v_min=-5.0).degree
        12
        """
        low = model.lowest_potential(t_span) if v_min is None else v_min
        if v_min is None and datum is not None:
            low = min(low, datum.lowest)
        high = model.highest_potential(t_span) if v_max is None else v_max
        if not low < model.V_R or high < model.V_F:
            raise InvalidArgument(
                f"`v_min` = {low:g} must lie below V_R = {model.V_R:g}, `v_max` = {high:g} not below V_F."
            )
        gap = model.V_F - model.V_R
        longest = LONGEST * math.sqrt(_noise(model))
        finest, at_reset = self._finest(model, datum, t_span)
        edges = [
            _between(low, model.V_R, longest, math.inf, at_reset * gap),
            _between(model.V_R, model.V_F, longest, at_reset * gap, finest * gap),
        ]
        if high > model.V_F:
            near = min(high, model.V_F + 2.0 * longest)
            edges += [_between(model.V_F, near, longest, finest * gap, math.inf), _growing(near, high, longest)]
        p = self.polynomial_degree
        split = np.unique(np.concatenate(edges))
        if datum is not None:
            split = self._halved(split, p, datum, high)
        return Elements(split, p, model.V_R, model.V_F)

    def _finest(
        self, model: VoltageModel, datum: InitialDensity | None, t_span: tuple[float, float] | None
    ) -> tuple[float, float]:
        """Shortest elements at V_F and at V_R, over V_F − V_R.

        A datum that does not vanish at V_F starts with a layer there. What is fired while it is not resolved is right
        in sum, so that √accuracy is short enough. A hazard k lets the density fall within √(a/k), a drift μ that an
        external current keeps up presses layers of the thickness a/μ against V_F and V_R.
        """
        gap = model.V_F - model.V_R
        layer = 0.25 * self.polynomial_degree * _noise(model) / (gap * model.strongest_push(t_span))
        shortest = at_reset = min(LONGEST_LAST, layer)
        if model.open:
            hazard = float(np.max(model.hazard_of_lanes(model.V_F + gap * np.linspace(0.01, 1.0, 100))))
            shortest = min(shortest, math.sqrt(_noise(model) / max(hazard, 1e-300)) / gap)
        elif datum is None or not self._vanishes(datum, model):
            least = SHORTEST_DELAYED if model.depth else SHORTEST
            shortest = min(shortest, max(least, math.sqrt(self.accuracy)))
        if model.restless:
            return min(shortest, RESTLESS), min(at_reset, 3.0 * RESTLESS)
        return shortest, at_reset

    def _vanishes(self, datum: InitialDensity, model: VoltageModel) -> bool:
        """Whether the datum is negligible at an absorbing V_F."""
        values = datum.value(np.array([model.V_F, *np.linspace(model.V_R, model.V_F, 50)]), model.V_F)
        return bool(values[0] <= 1e-3 * self.accuracy * np.max(values))

    def _halved(self, edges: np.ndarray, degree: int, datum: InitialDensity, top: float) -> np.ndarray:
        """The edges with elements halved until the last Legendre coefficients of the datum are small in each."""
        rule, peak, smallest = lobatto(degree), 0.0, min(SMALLEST_TAIL, 1e-3 * math.sqrt(self.accuracy))
        for _ in range(DEEPEST):
            half = 0.5 * np.diff(edges)[:, None]
            values = np.reshape(datum.value((edges[:-1, None] + half * (1.0 + rule.x)).ravel(), top), (len(half), -1))
            peak = max(peak, float(np.max(values)))
            tail = np.abs(rule.modes(values)[:, -2:]).sum(axis=1)
            rough = np.flatnonzero(tail > smallest * peak)
            rough = rough[half[rough, 0] > 1e-4 * (edges[-1] - edges[0])]
            if not len(rough):
                break
            edges = np.sort(np.concatenate([edges, edges[rough] + half[rough, 0]]))
        return edges

    def discretize(self, model: VoltageModel, grid: Elements | Grid) -> SpectralElements:
        """The system of ordinary differential equations that the elements make of `model`."""
        from .spectral_elements import SpectralElements  # linear algebra: only when something is solved

        if not isinstance(grid, Elements):
            raise InvalidArgument(
                f"{self!r} needs elements, not cells: use `fp.Spectral().grid(model)`, or leave out `grid`."
            )
        if model.exchanges:
            raise InvalidArgument(
                f"{self!r} is not positive, and neurons that learn move from lane to lane by limited fluxes: use "
                f"fp.ScharfetterGummel(), or freeze the weights with speed=0."
            )
        _noise(model)
        return SpectralElements(model, grid)


def _noise(model: VoltageModel) -> float:
    """Diffusion a of a quiet network; refuses a model without any."""
    if model.quiet_diffusion == 0.0:
        raise InvalidArgument("without noise the density is not smooth and spectral elements fail; use fp.Upwind().")
    return model.quiet_diffusion


def _between(left: float, right: float, longest: float, at_left: float, at_right: float) -> np.ndarray:
    """Edges from `left` to `right`, at most `longest` apart, geometrically closer to an end that has a finest."""
    room = (right - left) / (2 if max(at_left, at_right) < math.inf else 1)

    def towards(finest: float) -> np.ndarray:  # distances from the end, falling
        reach = min(longest / (1.0 - RATIO), room)
        steps = math.ceil(math.log(reach / finest) / -math.log(RATIO)) if finest < reach else 0
        return reach * RATIO ** np.arange(steps + 1) if steps else np.empty(0)

    lower, upper = left + towards(at_left)[::-1], right - towards(at_right)
    start, end = (lower[-1] if len(lower) else left), (upper[0] if len(upper) else right)
    pieces = max(1, math.ceil((end - start) / longest - 1e-9)) if end > start else 0
    middle = np.linspace(start, end, pieces + 1) if pieces else np.empty(0)
    edges = np.concatenate([[left], lower, middle, upper, [right]])
    edges = np.unique(edges)
    return edges[np.append(True, np.diff(edges) > 1e-3 * min(at_left, at_right, right - left))]


def _growing(left: float, right: float, first: float) -> np.ndarray:
    """Edges from `left` to `right`, each element longer than the one before, the first no longer than `first`."""
    pieces = math.ceil(math.log1p((right - left) / first * (GROWTH - 1.0)) / math.log(GROWTH))
    ends = GROWTH ** np.arange(pieces + 1) - 1.0
    return left + (right - left) * ends / ends[-1] if pieces else np.array([right])
