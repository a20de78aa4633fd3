"""Limited linear reconstruction: for neurons that are moved, and not spread, in the potential."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ..elements import Elements
from ..grid import Grid
from ..models.kinetic import VoltageConductance
from ..outcomes import InvalidArgument
from .schemes import lower_end

if TYPE_CHECKING:
    from ..models.voltage import VoltageModel
    from ..state import InitialDensity
    from .van_leer_volumes import VanLeerVolumes

CELLS, CELLS_OF_MANY = 800, 200
"""Default cells of one density, and of each of many."""


@dataclass(frozen=True)
class VanLeer:
    """Second-order finite volumes for pure transport: linear reconstruction with the limiter of van Leer called MC.

        F = μ⁺ (n + s h/2)_left + μ⁻ (n − s h/2)_right,   s = minmod(2 Δ₋, Δ, 2 Δ₊)

    For models without diffusion in v: the deterministic neuron, `fp.nnlif(..., a0=0)`, and the voltage–conductance
    equation. Of second order where n is smooth, up to V_F and V_R: differences are one-sided there, so that neither the
    jump at V_R nor the absorbing threshold is reconstructed across. Conservative; positive, with the explicit stepper
    that it needs, by default `fp.SspRk3()`, whose steps are such that no cell loses more than it has.

    Source: B. van Leer, J. Comput. Phys. 23 (1977) 276; positivity: B. Perthame, C.-W. Shu, Numer. Math. 73 (1996) 119.

    >>> VanLeer().order
    2
    """

    order: ClassVar[int] = 2
    explicit: ClassVar[bool] = True
    reference: ClassVar[str] = "van Leer, J. Comput. Phys. 23 (1977) 276"

    @property
    def gain(self) -> float:
        return float(2**self.order)

    def default_grid(
        self, model: VoltageModel, datum: InitialDensity, t_span: tuple[float, float], reach: float = 1.0
    ) -> Grid:
        """Equal cells (for conductances equal in the potential in which they act as currents)."""
        cells = CELLS if model.lanes == 1 else CELLS_OF_MANY
        return model.grid(cells, lower_end(model, datum, t_span, reach), t_span=t_span)

    def discretize(self, model: VoltageModel, grid: Grid | Elements) -> VanLeerVolumes:
        """The system of ordinary differential equations that this scheme makes of `model` on `grid`."""
        from .kinetic_volumes import KineticVolumes  # compiled kernels: only when something is solved
        from .van_leer_volumes import VanLeerVolumes

        if not isinstance(grid, Grid):
            raise InvalidArgument(
                "VanLeer() needs cells, not elements: use model.grid(cells=...), or leave out `grid`."
            )
        if isinstance(model, VoltageConductance):
            return KineticVolumes(model, grid)
        if model.exchanges:
            raise InvalidArgument(f"VanLeer() does not move neurons along w: use fp.ScharfetterGummel() for {model!r}.")
        return VanLeerVolumes(model, grid)
