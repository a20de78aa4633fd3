"""What the numerics ask of a model that lives on the voltage: one density, or many on one grid."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import ClassVar

import numpy as np

from ..elements import Elements
from ..grid import MIN_CELLS, Cells, Grid, HalfLine, cell_count
from ..outcomes import InvalidArgument, finite_number
from ..state import InitialDensity, as_density
from .model import Model
from .wiring import Wiring

CURRENT_SAMPLES = 201
"""Times at which an external current that depends on time is asked for its extremes."""


class VoltageModel(Model):
    """K densities n_k(v, t) on one voltage grid, its lanes, coupled through their rates alone:

        ∂t n_k + ∂v[(f_k(v) + c_k) n_k] − a_k ∂vv n_k + κ_k(v) n_k = S_k δ(v − V_R),

    with c and a given by `wiring`, firing by the flux through an absorbing V_F or by the hazard κ, and N_k → S_k by the
    refractory laws. A model says what the laws are; how they are solved is no concern of it.
    """

    structured: ClassVar[bool] = True
    """Whether rates and densities have an axis for the lanes; not so for one population."""

    # -- what a model answers -----------------------------------------------------------------------------------

    @property
    @abstractmethod
    def lanes(self) -> int:
        """How many densities there are."""

    @property
    @abstractmethod
    def V_F(self) -> float:
        """Firing threshold, in the potential of the grid."""

    @property
    @abstractmethod
    def V_R(self) -> float:
        """Reset potential, in the potential of the grid."""

    @property
    @abstractmethod
    def wiring(self) -> Wiring:
        """How rates act on currents and diffusions."""

    @property
    @abstractmethod
    def absorbing(self) -> np.ndarray:
        """Whether V_F is an absorbing boundary, of each lane."""

    @property
    @abstractmethod
    def silence(self) -> np.ndarray:
        """Mean refractory time of each lane."""

    @property
    @abstractmethod
    def latencies(self) -> np.ndarray:
        """The refractory time of each lane where it is fixed, else zero."""

    @abstractmethod
    def drift_of_lanes(self, v: np.ndarray) -> np.ndarray:
        """f_k(v) for a vector of potentials, shape (len(v), lanes); (len(v), 1) if all lanes have the same."""

    @abstractmethod
    def hazard_of_lanes(self, v: np.ndarray) -> np.ndarray:
        """κ_k(v), shape (len(v), lanes) or (len(v), 1)."""

    @abstractmethod
    def lowest_potential(self, t_span: tuple[float, float] | None = None) -> float:
        """A potential below which the densities are negligible."""

    @abstractmethod
    def highest_potential(self, t_span: tuple[float, float] | None = None) -> float:
        """V_F, or where a threshold is not absorbing a potential above which the densities are negligible."""

    @property
    @abstractmethod
    def may_blow_up(self) -> bool:
        """False where solutions are known to be global."""

    @property
    @abstractmethod
    def quiet_diffusion(self) -> float:
        """The smallest diffusion of a network at rest; zero if a lane has no noise at all."""

    @property
    @abstractmethod
    def always_noisy(self) -> bool:
        """Whether every lane has noise even when nothing fires, so that its density is smooth."""

    # -- what follows -------------------------------------------------------------------------------------------

    def lane_potentials(self, k: int) -> tuple[float, float]:
        """V_R and V_F of lane k in its own potential, of which that of the grid is an affine image."""
        return self.V_R, self.V_F

    def densities(self, initial: object) -> tuple[InitialDensity, ...]:
        """The initial density of every lane, or a single one for all; each has the mass one."""
        return (as_density(initial),)

    @property
    def lags(self) -> tuple[float, ...]:
        """All that is looked back by, each once: transmission delays and fixed refractory times."""
        return tuple(sorted({float(lag) for lag in (*self.wiring.lags, *self.latencies) if lag > 0.0}))

    @property
    def open(self) -> bool:
        """Whether the potential may exceed V_F in some lane."""
        return not bool(np.all(self.absorbing))

    @property
    def time_dependent(self) -> bool:
        return self.wiring.time_dependent

    @property
    def restless(self) -> bool:
        """Whether the rates can press a density into a layer at V_F: firing begets firing, and V_F absorbs."""
        wiring = self.wiring
        return bool(np.any(self.absorbing & ((wiring.push() > 0.0) | wiring.noisy)))

    def strongest_push(self, t_span: tuple[float, float] | None) -> float:
        """Largest upward drift between V_R and V_F under the external currents alone."""
        times = np.zeros(1)
        if t_span is not None and self.wiring.time_dependent:
            times = np.linspace(*t_span, CURRENT_SAMPLES)
        silent = [np.zeros(self.lanes)] * len(self.wiring.lags)
        external = max(float(np.max(self.wiring.inputs(silent, float(t)).current)) for t in times)
        drift = self.drift_of_lanes(np.linspace(self.V_R, self.V_F, 21))
        return max(external + float(np.max(drift)), 1e-300)

    def check_grid(self, grid: Cells | Elements, name: str = "grid") -> None:
        """Refuse a grid that does not fit."""
        if isinstance(grid, HalfLine):
            raise InvalidArgument(f"`{name}` is no grid of potentials; build it with `model.grid(cells=...)`.")
        assert isinstance(grid, Grid | Elements)
        if grid.V_F != self.V_F:
            raise InvalidArgument(
                f"`{name}` has its threshold at {grid.V_F:g} but the model's threshold is {self.V_F:g}; "
                f"build it with `model.grid(cells=...)`."
            )
        if not self.open and grid.v_max != grid.V_F:
            raise InvalidArgument(
                f"`{name}` goes on above V_F to {grid.v_max:g}, but the threshold of `model` is absorbing; "
                f"build it with `model.grid(cells=...)`."
            )
        if self.open and grid.v_max == grid.V_F:
            raise InvalidArgument(
                f"`{name}` ends at V_F = {grid.V_F:g}, but the threshold of `model` is not absorbing; "
                f"build it with `model.grid(cells=...)`."
            )
        if grid.V_R != self.V_R:
            raise InvalidArgument(
                f"`{name}` is fitted to a reset at {grid.V_R:g} but the model's is {self.V_R:g}; "
                f"build it with `model.grid(cells=...)`."
            )

    def grid(
        self,
        cells: int = 400,
        v_min: float | None = None,
        finest: float | None = None,
        t_span: tuple[float, float] | None = None,
        v_max: float | None = None,
    ) -> Grid:
        """A grid on [v_min, V_F], or on [v_min, v_max] if neurons can exceed V_F, with faces at V_R and V_F.

        Parameters
        ----------
        cells : int
            Number of cells.
        v_min : float, optional
            Lower end. By default `lowest_potential`; the solution reports how much mass could lie below it.
            A uniform grid lowers it a little to keep V_R on a face.
        finest : float, optional
            Width of the cell next to V_F; the cells then grow geometrically away from it. None: uniform.
        t_span : (float, float), optional
            Needed only when the external current is a function of time and an end of the grid is not given.
        v_max : float, optional
            Upper end where the threshold is not absorbing. By default `highest_potential`. A third of the cells,
            growing geometrically, lie above V_F.

        >>> from fokkerplanck import nnlif
        >>> nnlif(b=0.5).grid(cells=100, v_min=-3.0)
        Grid(100 cells on [-3, 2], widths 0.05 to 0.05, V_R = 1 on a face)
        """
        # Two thirds of them must be enough below V_F.
        cells = cell_count(cells, MIN_CELLS * 3 // 2 if self.open else MIN_CELLS)
        if v_min is None:
            v_min = self.lowest_potential(t_span)
        v_min = finite_number("v_min", v_min)
        if self.open:
            v_max = self.highest_potential(t_span) if v_max is None else v_max
            above = cells // 3
            needed = math.ceil(3.0 * (self.V_F - v_min) / (self.V_F - self.V_R)) if v_min < self.V_R else 0
            if finest is None and cells < needed:
                raise InvalidArgument(
                    f"`cells` = {cells}, a third of them above V_F, leaves fewer than two cells between "
                    f"V_R = {self.V_R:g} and V_F = {self.V_F:g}; use at least {needed}, or a graded grid (`finest`)."
                )
        else:
            if v_max is not None and v_max != self.V_F:
                raise InvalidArgument(
                    f"`v_max` = {v_max!r}, but with an absorbing threshold the grid ends at V_F; leave it out."
                )
            above = 0
        if finest is None:
            below = Grid.uniform(v_min, self.V_R, self.V_F, cells - above)
        else:
            below = Grid.graded(v_min, self.V_R, self.V_F, cells - above, finest)
        return below.extended(v_max, above) if above and v_max is not None else below


def rough_rate(drift: np.ndarray, a: np.ndarray, gap: float) -> np.ndarray:
    """A firing rate for a mean drift over the `gap` from reset to threshold and a diffusion, right to a factor."""
    drift, a = np.asarray(drift, dtype=float), np.asarray(a, dtype=float)
    by_noise = a / gap**2 * np.exp(np.minimum(drift, 0.0) * gap / np.where(a > 0.0, a, 1.0))
    return np.asarray(np.maximum(drift, 0.0) / gap + by_noise)
