"""Finite volumes whose flux is no matrix times the density."""

from __future__ import annotations

from typing import ClassVar, NoReturn

import numpy as np

from ..models.wiring import Inputs
from ..outcomes import InvalidArgument
from .finite_volumes import FiniteVolumes
from .system import Change, Reset


class ExplicitVolumes(FiniteVolumes):
    """Volumes for explicit steppers. There is no Jacobian: every implicit solve, which begins with it, is refused."""

    whole_steps = False

    called: ClassVar[str]
    """The scheme, as users write it."""

    def weights(self, inputs: Inputs) -> NoReturn:
        self._refuse()

    def substitute(self, u: np.ndarray) -> NoReturn:
        self._refuse()

    def transport_slope(
        self, n: np.ndarray, inputs: Inputs, current: Change, diffusion: Change, out: np.ndarray
    ) -> NoReturn:
        self._refuse()

    def implicit_density(self, n: np.ndarray, inputs: Inputs, dt: float, reset: Reset) -> NoReturn:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise InvalidArgument(
            f"{self.called} has no Jacobian; use an explicit stepper, fp.SspRk3(), or ScharfetterGummel()."
        )
