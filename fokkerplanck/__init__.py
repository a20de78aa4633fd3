"""Fokker–Planck equations of neural networks.

>>> import fokkerplanck as fp
>>> sol = fp.solve(fp.nnlif(b=0.5), fp.gaussian(-1.0, 0.5), t_span=(0.0, 3.0))
>>> sol.status
<Status.FINISHED: 'reached the end of t_span'>

The names below are loaded when they are first used, so that `import fokkerplanck` compiles and draws nothing.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOME = {
    "nnlif": "models.catalog",
    "LIF": "models.lif",
    "Dictionary": "models.lif",
    "Population": "models.population",
    "SpikingNetwork": "models.spiking",
    "Projection": "models.spiking",
    "StaticWeight": "models.plasticity",
    "SaturatingWeight": "models.plasticity",
    "DepressingWeight": "models.plasticity",
    "HebbianWeight": "models.plasticity",
    "PlasticWeight": "models.plasticity",
    "Network": "models.network",
    "excitatory_inhibitory": "models.network",
    "ExtendedPopulation": "models.extended",
    "by_label": "models.extended",
    "ConstantKernel": "models.synapses",
    "BlockKernel": "models.synapses",
    "SmoothKernel": "models.synapses",
    "LowRankKernel": "models.synapses",
    "RingKernel": "models.synapses",
    "PermutationKernel": "models.synapses",
    "SynapseMatrix": "models.synapses",
    "scaling": "models.synapses",
    "family_scaling": "models.synapses",
    "erdos_renyi": "models.synapses",
    "chung_lu": "models.synapses",
    "hub_network": "models.synapses",
    "in_degree_kernel": "models.synapses",
    "learning": "models.learning",
    "Learning": "models.learning",
    "connectivity": "models.learning",
    "Saturating": "models.learning",
    "HyperbolicTangent": "models.learning",
    "cell_polarization": "models.polarization",
    "InstantPolarity": "models.polarization",
    "RelaxingPolarity": "models.polarization",
    "MembraneExchange": "models.polarization",
    "PolarizedState": "models.polarization",
    "KineticState": "kinetic_states",
    "voltage_conductance": "models.kinetic",
    "VoltageConductance": "models.kinetic",
    "kinetic_density": "models.kinetic",
    "time_elapsed": "models.elapsed",
    "TimeElapsed": "models.elapsed",
    "Hazard": "models.elapsed",
    "StepHazard": "models.elapsed",
    "HillDuration": "models.elapsed",
    "SigmoidHazard": "models.elapsed",
    "TabulatedHazard": "models.elapsed",
    "ExponentialRefractory": "models.refractory",
    "FixedRefractory": "models.refractory",
    "RandomThreshold": "models.threshold",
    "SoftThreshold": "models.threshold",
    "ConstantDrift": "models.drift",
    "QuadraticDrift": "models.drift",
    "ExponentialDrift": "models.drift",
    "Grid": "grid",
    "HalfLine": "grid",
    "Elements": "elements",
    "State": "state",
    "gaussian": "state",
    "compatible_gaussian": "state",
    "exponential": "state",
    "solve": "solve",
    "sweep": "sweep",
    "METRICS": "sweep",
    "Steady": "diagnostics.steady",
    "Solution": "solution",
    "PhysicalTime": "clocks.physical",
    "ActivityClock": "clocks.activity",
    "cascade": "cascades",
    "Cascade": "cascades",
    "Jump": "outcomes",
    "PoissonTrain": "meanfield.poisson",
    "BernoulliTrain": "meanfield.poisson",
    "input_moments": "meanfield.shotnoise",
    "InputMoments": "meanfield.shotnoise",
    "measured_input": "meanfield.shotnoise",
    "MeasuredInput": "meanfield.shotnoise",
    "ShotNoise": "meanfield.shotnoise",
    "SpikeTrains": "spiketrains",
    "SpikeStatistics": "spiketrains",
    "spike_statistics": "spiketrains",
    "simulate_membrane": "particles.membrane",
    "Membrane": "particles.membrane",
    "membrane_moments": "particles.membrane",
    "euler_moments": "particles.membrane",
    "euler_errors": "particles.membrane",
    "EulerErrors": "particles.membrane",
    "simulate": "particles.simulate",
    "simulate_synapses": "particles.synaptic",
    "simulate_lif": "particles.lif",
    "LIFSolution": "particles.lif",
    "LIFState": "particles.lif",
    "ParticleSolution": "particles.solution",
    "ParticleState": "particles.solution",
    "Status": "outcomes",
    "BlowUp": "outcomes",
    "FokkerPlanckError": "outcomes",
    "InvalidArgument": "outcomes",
    "FokkerPlanckWarning": "outcomes",
    "Characteristics": "operators.characteristics",
    "Upwind": "operators.schemes",
    "Central": "operators.schemes",
    "ScharfetterGummel": "operators.schemes",
    "ChangCooper": "operators.schemes",
    "HarmonicMean": "operators.schemes",
    "Spectral": "operators.spectral",
    "Weno5": "operators.weno",
    "VanLeer": "operators.van_leer",
    "BackwardEuler": "steppers.implicit",
    "Rodas5P": "steppers.rosenbrock",
    "SspRk3": "steppers.explicit",
    "Splitting": "steppers.splitting",
    "stationary_states": "stationary",
    "bifurcation_curve": "stationary",
    "fold_points": "stationary",
    "critical_delay": "delays",
    "critical_connectivity": "delays",
    "pseudo_equilibria": "delays",
    "spectrum": "spectrum",
    "bifurcations": "continuation",
    "BifurcationDiagram": "continuation",
    "NetworkState": "networks.states",
    "NetworkStates": "networks.states",
    "renewal_modes": "elapsed_states",
    "doeblin_bound": "elapsed_states",
    "firing_rate": "learned",
    "frozen_rates": "learned",
    "representing_connectivity": "learned",
    "discrimination": "learned",
    "learned_connectivity": "learned",
    "characteristics": "meanfield.characteristics",
    "CharacteristicSolution": "meanfield.characteristics",
    "deterministic_states": "meanfield.deterministic",
    "DeterministicState": "meanfield.deterministic",
    "WilsonCowan": "meanfield.wilson_cowan",
    "BrunelNetwork": "meanfield.balanced",
    "LIFNetwork": "meanfield.balanced",
    "dense_balance": "meanfield.balanced",
    "DenseBalance": "meanfield.balanced",
    "rate_response": "meanfield.linear_response",
    "balanced_states": "networks.asynchronous",
    "BalancedState": "networks.asynchronous",
    "oscillation_onset": "networks.oscillations",
    "OscillationOnset": "networks.oscillations",
    "phase_diagram": "networks.phase_diagram",
    "PhaseDiagram": "networks.phase_diagram",
    "PlasticNetwork": "models.plastic_network",
    "DegreeLaw": "models.degrees",
    "GammaDegrees": "models.degrees",
    "PowerLawDegrees": "models.degrees",
    "FixedDegree": "models.discrete_degrees",
    "PoissonDegrees": "models.discrete_degrees",
    "BinomialDegrees": "models.discrete_degrees",
    "TabulatedDegrees": "models.discrete_degrees",
    "measured_degrees": "models.graphs",
    "rate_distribution": "meanfield.ratesolutions",
    "RateDistribution": "meanfield.ratedistribution",
    "rate_distributions": "meanfield.ratesolutions",
    "quenched_rates": "meanfield.quenched",
    "QuenchedRates": "meanfield.quenched",
    "siegert_rate": "meanfield.siegert",
    "log_siegert_rate": "meanfield.siegert",
    "siegert_slopes": "meanfield.siegert",
    "siegert_input": "meanfield.siegert",
    "voltage_density": "meanfield.siegert",
    "isi_moments": "meanfield.intervals",
    "IntervalMoments": "meanfield.intervals",
    "first_passage_density": "meanfield.passagetimes",
    "PassageDensity": "meanfield.passagetimes",
    "interval_law": "meanfield.passagetimes",
    "IntervalLaw": "meanfield.passagetimes",
    "fit_isi": "meanfield.intervalfit",
    "IntervalFit": "meanfield.intervalfit",
    "lif_hazard": "meanfield.lif_hazard",
    "blow_up_criterion": "diagnostics.blowup",
    "certified_connectivity": "diagnostics.blowup",
    "relative_entropy": "diagnostics.entropy",
    "entropy_balance": "diagnostics.entropy",
    "discrete_stationary": "diagnostics.entropy",
    "Quadratic": "diagnostics.entropy",
    "Logarithmic": "diagnostics.entropy",
    "Absolute": "diagnostics.entropy",
    "mass": "diagnostics.conserved",
    "smallest_density": "diagnostics.conserved",
    "mean_potential": "diagnostics.conserved",
    "second_moment": "diagnostics.conserved",
    "Tree": "trees",
    "tree_observable": "trees",
    "tree_density": "trees",
    "tree_gaps": "trees",
    "load": "storage",
    "compare": "plotting.comparison",
}
"""Every public name, once, and the module it lives in."""

if TYPE_CHECKING:
    from .cascades import Cascade, cascade
    from .clocks.activity import ActivityClock
    from .clocks.physical import PhysicalTime
    from .continuation import BifurcationDiagram, bifurcations
    from .delays import critical_connectivity, critical_delay, pseudo_equilibria
    from .diagnostics.blowup import blow_up_criterion, certified_connectivity
    from .diagnostics.conserved import mass, mean_potential, second_moment, smallest_density
    from .diagnostics.entropy import (
        Absolute,
        Logarithmic,
        Quadratic,
        discrete_stationary,
        entropy_balance,
        relative_entropy,
    )
    from .diagnostics.steady import Steady
    from .elapsed_states import doeblin_bound, renewal_modes
    from .elements import Elements
    from .grid import Grid, HalfLine
    from .kinetic_states import KineticState
    from .learned import discrimination, firing_rate, frozen_rates, learned_connectivity, representing_connectivity
    from .meanfield.balanced import BrunelNetwork, DenseBalance, LIFNetwork, dense_balance
    from .meanfield.characteristics import CharacteristicSolution, characteristics
    from .meanfield.deterministic import DeterministicState, deterministic_states
    from .meanfield.intervalfit import IntervalFit, fit_isi
    from .meanfield.intervals import IntervalMoments, isi_moments
    from .meanfield.lif_hazard import lif_hazard
    from .meanfield.linear_response import rate_response
    from .meanfield.passagetimes import IntervalLaw, PassageDensity, first_passage_density, interval_law
    from .meanfield.poisson import BernoulliTrain, PoissonTrain
    from .meanfield.quenched import QuenchedRates, quenched_rates
    from .meanfield.ratedistribution import RateDistribution
    from .meanfield.ratesolutions import rate_distribution, rate_distributions
    from .meanfield.shotnoise import InputMoments, MeasuredInput, ShotNoise, input_moments, measured_input
    from .meanfield.siegert import log_siegert_rate, siegert_input, siegert_rate, siegert_slopes, voltage_density
    from .meanfield.wilson_cowan import WilsonCowan
    from .models.catalog import nnlif
    from .models.degrees import DegreeLaw, GammaDegrees, PowerLawDegrees
    from .models.discrete_degrees import BinomialDegrees, FixedDegree, PoissonDegrees, TabulatedDegrees
    from .models.drift import ConstantDrift, ExponentialDrift, QuadraticDrift
    from .models.elapsed import (
        Hazard,
        HillDuration,
        SigmoidHazard,
        StepHazard,
        TabulatedHazard,
        TimeElapsed,
        time_elapsed,
    )
    from .models.extended import ExtendedPopulation, by_label
    from .models.graphs import measured_degrees
    from .models.kinetic import VoltageConductance, kinetic_density, voltage_conductance
    from .models.learning import HyperbolicTangent, Learning, Saturating, connectivity, learning
    from .models.lif import LIF, Dictionary
    from .models.network import Network, excitatory_inhibitory
    from .models.plastic_network import PlasticNetwork
    from .models.plasticity import DepressingWeight, HebbianWeight, PlasticWeight, SaturatingWeight, StaticWeight
    from .models.polarization import (
        InstantPolarity,
        MembraneExchange,
        PolarizedState,
        RelaxingPolarity,
        cell_polarization,
    )
    from .models.population import Population
    from .models.refractory import ExponentialRefractory, FixedRefractory
    from .models.spiking import Projection, SpikingNetwork
    from .models.synapses import (
        BlockKernel,
        ConstantKernel,
        LowRankKernel,
        PermutationKernel,
        RingKernel,
        SmoothKernel,
        SynapseMatrix,
        chung_lu,
        erdos_renyi,
        family_scaling,
        hub_network,
        in_degree_kernel,
        scaling,
    )
    from .models.threshold import RandomThreshold, SoftThreshold
    from .networks.asynchronous import BalancedState, balanced_states
    from .networks.oscillations import OscillationOnset, oscillation_onset
    from .networks.phase_diagram import PhaseDiagram, phase_diagram
    from .networks.states import NetworkState, NetworkStates
    from .operators.characteristics import Characteristics
    from .operators.schemes import Central, ChangCooper, HarmonicMean, ScharfetterGummel, Upwind
    from .operators.spectral import Spectral
    from .operators.van_leer import VanLeer
    from .operators.weno import Weno5
    from .outcomes import BlowUp, FokkerPlanckError, FokkerPlanckWarning, InvalidArgument, Jump, Status
    from .particles.lif import LIFSolution, LIFState, simulate_lif
    from .particles.membrane import (
        EulerErrors,
        Membrane,
        euler_errors,
        euler_moments,
        membrane_moments,
        simulate_membrane,
    )
    from .particles.simulate import simulate
    from .particles.solution import ParticleSolution, ParticleState
    from .particles.synaptic import simulate_synapses
    from .plotting.comparison import compare
    from .solution import Solution
    from .solve import solve
    from .spectrum import spectrum
    from .spiketrains import SpikeStatistics, SpikeTrains, spike_statistics
    from .state import State, compatible_gaussian, exponential, gaussian
    from .stationary import bifurcation_curve, fold_points, stationary_states
    from .steppers.explicit import SspRk3
    from .steppers.implicit import BackwardEuler
    from .steppers.rosenbrock import Rodas5P
    from .steppers.splitting import Splitting
    from .storage import load
    from .sweep import METRICS, sweep
    from .trees import Tree, tree_density, tree_gaps, tree_observable

__all__ = [*_HOME, "__version__"]


def __getattr__(name: str) -> Any:
    try:
        home = _HOME[name]
    except KeyError:
        raise AttributeError(f"module 'fokkerplanck' has no attribute {name!r}") from None
    value = getattr(importlib.import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


class _Package(ModuleType):
    """Keeps `fp.solve` the function: importing the submodule of that name would put the module in its place."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _HOME and isinstance(value, ModuleType):
            value = getattr(value, name)
        super().__setattr__(name, value)

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        """By name: functions that mention the package travel between processes, and cloudpickle knows plain modules."""
        return importlib.import_module, (self.__name__,)


sys.modules[__name__].__class__ = _Package
