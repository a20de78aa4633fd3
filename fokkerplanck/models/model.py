"""What is asked of anything that `solve` moves: a density with an activity that drives it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import ClassVar

import numpy as np

from ..elements import Elements
from ..grid import Cells, HalfLine
from ..outcomes import InvalidArgument
from ..state import CompatibleGaussian, InitialDensity, State, as_density


class Model(ABC):
    """One density n(x, t), or several on one grid (its lanes), moved by an activity N(t) that is read off them.

    A model says what the laws are; how they are solved is no concern of it. Neurons with a potential are a
    `VoltageModel`; what is none (polarization of a cell, time elapsed) implements this directly. The answers below are
    those of one density that does not look back, on a half-line, with the mass `mass`.
    """

    structured: ClassVar[bool] = False
    """Whether rates and densities have an axis for the lanes."""
    coordinate: ClassVar[str] = "v"
    """The letter of x."""
    activity: ClassVar[str] = "N"
    """The symbol of what `Solution.rate` holds."""
    activity_name: ClassVar[str] = "firing rate"
    """The same in words."""
    companion_name: ClassVar[str] = "R"
    """The symbol of what `Solution.refractory` holds."""

    @property
    @abstractmethod
    def may_blow_up(self) -> bool:
        """False where solutions are known to be global."""

    @abstractmethod
    def grid(self, cells: int = 400) -> Cells:
        """A grid for this model."""

    def default_grid(self, datum: InitialDensity, t_span: tuple[float, float], reach: float = 1.0) -> Cells:
        """A grid for `datum` over `t_span`, that reaches `reach` times as far as it should have to."""
        return self.grid()

    # -- one density, unless said otherwise ------------------------------------------------------------------------

    @property
    def lanes(self) -> int:
        """How many densities there are."""
        return 1

    @property
    def lane_names(self) -> tuple[str, ...]:
        """A name for every lane."""
        return tuple(str(k) for k in range(self.lanes))

    def lane_model(self, k: int) -> Model | None:
        """The model of lane k alone, if it is deaf to the others."""
        return None

    @property
    def mass(self) -> float:
        """∫ n dx + what `mass_errors` counts beside it, which the equation keeps."""
        return 1.0

    def mass_errors(self, masses: np.ndarray, start: np.ndarray) -> np.ndarray:
        """What the masses of the lanes, `start` at the start, differ by from what the equation keeps."""
        return masses / self.mass - 1.0

    @property
    def exchanges(self) -> bool:
        """Whether mass moves from lane to lane."""
        return False

    @property
    def time_dependent(self) -> bool:
        """Whether an external input depends on time."""
        return False

    @property
    def lags(self) -> tuple[float, ...]:
        """All that is looked back by, each once."""
        return ()

    @property
    def depth(self) -> float:
        """How far the equation looks back."""
        return max(self.lags, default=0.0)

    def densities(self, initial: object) -> tuple[InitialDensity, ...]:
        """The initial density of every lane, or a single one for all; each of mass one."""
        density = as_density(initial)
        if isinstance(density, CompatibleGaussian):
            raise InvalidArgument(
                f"`initial` = {density!r} vanishes at a threshold, and {type(self).__name__} has none; use "
                f"fp.exponential(scale), fp.gaussian(mean, variance) or a function of {self.coordinate}."
            )
        return (density,)

    def shares(self, initial: object) -> np.ndarray:
        """The mass of every lane at the start, shape (lanes,)."""
        return np.full(self.lanes, self.mass)

    @property
    def companion(self) -> float:
        """At the start, the one number that evolves beside the density, where there is one (`State.refractory`)."""
        return 0.0

    @property
    def monitors(self) -> Mapping[str, Callable[[State], float | np.ndarray]]:
        """What every solution of this model records, by the names of the papers."""
        return {}

    def shown_rate(self, rates: np.ndarray) -> np.ndarray:
        """What a Solution prints of its `rate`."""
        return rates

    def content(self, state: State) -> float:
        """What of a state adds up to `mass`."""
        return float(state.density @ state.grid.width)

    def sample(self, grid: Cells | Elements, datum: InitialDensity) -> np.ndarray:
        """What a density is on a grid of this model; mass that is lost there is refused."""
        return grid.sample(datum)

    def check_grid(self, grid: Cells | Elements, name: str = "grid") -> None:
        """Refuse a grid that does not fit."""
        if not isinstance(grid, HalfLine):
            raise InvalidArgument(
                f"`{name}` must be a grid on {self.coordinate} ≥ 0; build it with `model.grid(cells=...)`."
            )


def require_model(model: object) -> Model:
    """The model itself, or the refusal of what is none."""
    if not isinstance(model, Model):
        raise InvalidArgument(f"`model` must be a model such as fp.nnlif(b=0.5), not {model!r}.")
    return model
