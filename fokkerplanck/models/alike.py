"""Lanes whose neurons are all of one kind, and differ only in what reaches them."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from ..outcomes import frozen
from .population import Population
from .voltage import VoltageModel


class AlikeLanes(VoltageModel):
    """A model whose lanes share one `neuron`: its drift, threshold, reset, refractory law and background noise."""

    neuron: Population

    @property
    def V_F(self) -> float:
        return self.neuron.V_F

    @property
    def V_R(self) -> float:
        return self.neuron.V_R

    @cached_property
    def absorbing(self) -> np.ndarray:
        return frozen(np.full(self.lanes, self.neuron.threshold.absorbing))

    @cached_property
    def silence(self) -> np.ndarray:
        return frozen(np.full(self.lanes, self.neuron.refractory.mean_duration))

    @cached_property
    def latencies(self) -> np.ndarray:
        return frozen(np.full(self.lanes, self.neuron.latency))

    def drift_of_lanes(self, v: np.ndarray) -> np.ndarray:
        return self.neuron.drift_of_lanes(v)

    def hazard_of_lanes(self, v: np.ndarray) -> np.ndarray:
        return self.neuron.hazard_of_lanes(v)

    @property
    def quiet_diffusion(self) -> float:
        return self.neuron.noise.a0

    @property
    def always_noisy(self) -> bool:
        return self.neuron.always_noisy
