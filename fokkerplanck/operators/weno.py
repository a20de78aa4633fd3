"""The scheme of the published experiments: WENO of fifth order for the drift, central differences for the diffusion."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ..elements import Elements
from ..grid import Grid
from ..outcomes import InvalidArgument
from .schemes import lower_end

if TYPE_CHECKING:
    from ..models.voltage import VoltageModel
    from ..state import InitialDensity
    from .weno_volumes import WenoVolumes

CELLS = 400


@dataclass(frozen=True)
class Weno5:
    """WENO reconstruction of fifth order for the drift, second-order central differences for the diffusion.

    The density at a face is rebuilt from the five cells around it on the side where the drift comes from, with
    weights that avoid stencils across a steep front. Needs equal cells and an explicit stepper; the default is
    `fp.SspRk3()`. Overall of second order, that of the diffusion and of the firing flux. Not positive: next to a jump
    that the grid does not resolve the density falls below zero by some 1e-4 of the jump. Use `ScharfetterGummel`
    unless published experiments are to be repeated.

    Source: Jiang, Shu, J. Comput. Phys. 126 (1996) 202; for this equation Cáceres, Carrillo, Perthame, J. Math.
    Neurosci. 1:7 (2011), section 3.

    >>> Weno5().order
    2
    """

    order: ClassVar[int] = 2
    explicit: ClassVar[bool] = True
    drift_order: ClassVar[int] = 5
    reference: ClassVar[str] = "Jiang, Shu, J. Comput. Phys. 126 (1996) 202"

    @property
    def gain(self) -> float:
        return float(2**self.order)

    def default_grid(
        self, model: VoltageModel, datum: InitialDensity, t_span: tuple[float, float], reach: float = 1.0
    ) -> Grid:
        """Equal cells, wide enough for the model and the datum."""
        v_min = lower_end(model, datum, t_span, reach)
        v_max = model.highest_potential(t_span)
        cells = round(CELLS * (model.V_F - v_min) / (v_max - v_min))
        grid = Grid.uniform(v_min, model.V_R, model.V_F, cells)
        width = float(grid.width[-1])
        above = math.ceil((v_max - model.V_F) / width)
        return grid.extended(model.V_F + above * width, above) if above else grid

    def discretize(self, model: VoltageModel, grid: Grid | Elements) -> WenoVolumes:
        """The system of ordinary differential equations that this scheme makes of `model` on `grid`."""
        from .weno_volumes import WenoVolumes  # compiled kernels: only when something is solved

        if not isinstance(grid, Grid):
            raise InvalidArgument("Weno5() needs cells, not elements: use model.grid(cells=...), or leave out `grid`.")
        if model.exchanges:
            raise InvalidArgument(
                "Weno5() has no positive flux in V_F that neurons could learn from: use fp.ScharfetterGummel(), or "
                "freeze the weights with speed=0."
            )
        return WenoVolumes(model, grid)
