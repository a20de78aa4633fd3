"""What a run asks of the equations of a model once they are discrete."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

import numpy as np

from ..outcomes import InvalidArgument
from ..state import State

if TYPE_CHECKING:
    from ..interpolation import RateHistory
    from ..models.model import Model


class Evolution(ABC):
    """A semi-discrete equation on a grid, and what the clocks, the recorder and the steppers ask of it.

    y has shape (cells + 2, lanes): the density n of each cell, a companion R that evolves beside it (the refractory
    pool of neurons, the polarity of a cell), and the activity N. A stepper asks for more, as its method needs it; see
    `steppers.protocol`. The answers below are those of an equation that does not look back.
    """

    undershoot: ClassVar[float] = 1e-6
    """A density below minus this share of its peak is no rounding or tolerance effect, and is reported."""
    breaks_met: list[float]

    def __init__(self, model: Model, grid: Any) -> None:
        self.model: Any = model
        self.grid = grid
        self.cells, self.lanes, self.width = grid.cells, model.lanes, grid.width
        self.breaks_met = []

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of y."""
        return self.cells + 2, self.lanes

    # -- what steppers ask, each for what its method needs ---------------------------------------------------------

    @abstractmethod
    def close(self, y: np.ndarray, t: float) -> bool:
        """Set y[-1] to the activity of the density; False (and y unchanged) if there is none."""

    def residual(self, y: np.ndarray, t: float, out: np.ndarray) -> np.ndarray:
        """F(y, t), written to `out`."""
        self._refuse()

    def time_derivative(self, y: np.ndarray, t: float, dt: float) -> np.ndarray | None:
        """∂F/∂t at the start of a step, or None when the equation does not depend on time."""
        return None

    def factor(self, y: np.ndarray, t: float, shift: float) -> None:
        """Prepare `solve` for the matrix shift·M − ∂F/∂y at (y, t)."""
        self._refuse()

    def solve(self, u: np.ndarray) -> np.ndarray:
        """Solve (shift·M − ∂F/∂y) u = u in place, with the matrix of the last `factor`."""
        self._refuse()

    def rosenbrock_stages(self, y: np.ndarray, dt: float, method: Any) -> tuple[np.ndarray, np.ndarray] | None:
        """The increments u_i of all stages, shape (stages, *y.shape), and the state that the last one is to be added
        to, where there are compiled loops for them; else None."""
        return None

    def implicit_step(self, y: np.ndarray, t: float, dt: float) -> np.ndarray:
        """One backward-Euler step to time t with the activity of before."""
        self._refuse()

    def rate_correction(self, new: np.ndarray, t: float, dt: float, excess: np.ndarray) -> np.ndarray:
        """What to add to the activity of a backward-Euler step that makes more than it says by `excess`."""
        self._refuse()

    def exchange(self, y: np.ndarray, t: float, dt: float) -> bool:
        """Move mass from lane to lane for the time dt, in place; False if that is too long.

        Nothing moves unless a subclass says so.
        """
        return True

    def age(self, y: np.ndarray, t: float, dt: float) -> tuple[np.ndarray, np.ndarray] | None:
        """y a time dt later along the characteristics, and the mean activity until then; None if there is none."""
        self._refuse()

    def explicit_limit(self, y: np.ndarray, t: float) -> float:
        """Longest step for which explicit Euler keeps the density positive if the scheme is."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise InvalidArgument(f"`stepper` does not suit {self.model!r}; leave it out.")

    # -- how good it is -------------------------------------------------------------------------------------------

    @abstractmethod
    def layer(self, y: np.ndarray, t: float) -> np.ndarray:
        """Spacing at the boundary over the thickness of the layer that the drift presses against it."""

    @abstractmethod
    def tail(self, y: np.ndarray, t: float) -> np.ndarray:
        """Estimate of the mass that lies beyond the ends of the grid."""

    def edge(self, y: np.ndarray) -> float:
        """Density at the ends beyond which there may be mass."""
        return float(np.abs(y[-3]).max())

    def truncation(self, mass: float) -> str:
        """What to tell of a `mass` beyond the ends of the grid."""
        return (
            f"A mass of up to {mass:.1e} would lie beyond the end of the grid, {self.grid.v_max:.6g}; use a grid with "
            f"a larger `end`."
        )

    @abstractmethod
    def remedy(self, smallest: float, y: np.ndarray, t: float) -> str:
        """What gave a density as negative as `smallest` at (y, t), and what to do about it."""

    @abstractmethod
    def surge(self, old: np.ndarray, new: np.ndarray, t: float, dt: float) -> np.ndarray:
        """How far the rise of the activity within one step moves what it drives, over the length that matters."""

    def loudest(self, y: np.ndarray) -> float:
        """The activity whose blow-up is looked for: the largest of all lanes."""
        return float(y[-1].max())

    def reproduction(self, trace: np.ndarray) -> float:
        """How much activity a unit of it causes at once where the density at the boundary is `trace`."""
        return float("nan")

    def unsolvable(self, state: State) -> str:
        """Why a state has no activity."""
        return " (no finite activity belongs to this density on this grid; use a finer one at the boundary)"

    @property
    def lost(self) -> str:
        """Why a run could not go on from where its activity ceased to exist."""
        return " (no finite activity belongs to the density any more; use a finer grid at the boundary)"

    @property
    def unresolved(self) -> str:
        """Why no error can be estimated on this grid; empty if it can."""
        return ""

    @property
    def remark(self) -> str:
        """What the user should know of the run, if anything."""
        return ""

    @property
    def presses(self) -> bool:
        """Whether activity drives the density against the boundary where it is read off."""
        return True

    # -- the past ---------------------------------------------------------------------------------------------------

    def remember(self, past: RateHistory) -> None:  # noqa: B027  # nothing is the answer
        """Give the activity before the start of the run."""

    def begin(self, y: np.ndarray, t: float) -> None:  # noqa: B027  # nothing is the answer
        """The activity at the start is known."""

    def start_step(self, t: float) -> None:  # noqa: B027  # nothing is the answer
        """A step from t is about to be made."""

    def accept(self, y: np.ndarray, t: float, dt: float, bend: tuple[np.ndarray, ...]) -> bool:
        """The step of length dt that ended with y at t is past. True if the activity jumps there."""
        return False

    def next_break(self, t: float) -> float:
        """The next time at which a derivative of the solution jumps."""
        return np.inf

    def foreseen(self, dt: float, old: np.ndarray, new: np.ndarray, bend: tuple[np.ndarray, ...]) -> np.ndarray | None:
        """By how much the activity of a step differs from what it had to foresee; None if it had not."""
        return None

    def forget_attempt(self) -> None:  # noqa: B027  # nothing is the answer
        """A step of another length is tried from the same time."""

    # -- to and from the user's objects -------------------------------------------------------------------------------

    def pack(
        self, density: np.ndarray, companion: float | np.ndarray = 0.0, rate: float | np.ndarray = 0.0
    ) -> np.ndarray:
        """y for a density of shape (cells,) or (lanes, cells)."""
        y = np.empty(self.shape)
        y[:-2] = np.atleast_2d(density).T
        y[-2], y[-1] = companion, rate
        return y

    def unpack(self, y: np.ndarray, t: float) -> State:
        """The State, without an axis for the lanes if the model has none."""
        if self.model.structured:
            return State(t, self.grid, y[:-2].T.copy(), y[-1].copy(), y[-2].copy())
        return State(t, self.grid, y[:-2, 0].copy(), float(y[-1, 0]), float(y[-2, 0]))

    def final(self, y: np.ndarray, t: float) -> State:
        """The State from which another run can go on."""
        return self.unpack(y, t)

    def mass(self, y: np.ndarray) -> np.ndarray:
        """What the equation keeps, of each lane: ∫ n dx unless the companion is part of it."""
        return np.asarray(self.width @ y[:-2])
