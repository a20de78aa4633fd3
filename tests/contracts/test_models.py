"""What the slots of a population promise, and that a law nobody thought of fits into its slot."""

import dataclasses
import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from scipy.optimize import brentq
from strategies import between, models

import fokkerplanck as fp
from fokkerplanck.models.coupling import MeanFieldCoupling
from fokkerplanck.models.drift import Leak
from fokkerplanck.models.noise import ActivityNoise
from fokkerplanck.models.population import Population
from fokkerplanck.models.refractory import ExponentialRefractory, NoRefractory
from fokkerplanck.models.reset import FixedReset
from fokkerplanck.models.threshold import HardThreshold

SLOTS = {
    "drift": Leak(),
    "noise": ActivityNoise(1.0, 0.3),
    "threshold": HardThreshold(2.0),
    "reset": FixedReset(1.0),
    "refractory": NoRefractory(),
    "coupling": MeanFieldCoupling(0.5, 0.2),
}
RATES = np.array([0.0, 0.1, 3.0])


@pytest.mark.parametrize(
    "law", [*SLOTS.values(), ExponentialRefractory(0.2), fp.nnlif(0.5)], ids=lambda law: type(law).__name__
)
def test_a_law_is_a_value(law):
    fields = [field.name for field in dataclasses.fields(law)]
    for name in fields or ["anything"]:
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(law, name, 1.0)
    assert law == dataclasses.replace(law)
    assert hash(law) == hash(dataclasses.replace(law))


def test_the_catalog_fills_the_slots():
    assert fp.nnlif(b=0.5, a0=1.0, a1=0.3, V_R=1.0, V_F=2.0, external=0.2) == Population(**SLOTS)


@pytest.mark.parametrize(("law", "change"), [(SLOTS["noise"], "diffusion"), (SLOTS["coupling"], "current")])
def test_the_gain_is_the_derivative_with_respect_to_the_rate(law, change):
    def value(rate):
        return law.diffusion(rate) if change == "diffusion" else law.current(rate, 0.0)

    np.testing.assert_allclose((value(RATES + 0.5) - value(RATES - 0.5)), law.gain, rtol=1e-14)


def test_the_leak_is_minus_v():
    assert np.array_equal(Leak()(RATES), -RATES)


def test_the_noise_starts_at_its_background():
    assert ActivityNoise(0.7, 0.3).diffusion(0.0) == 0.7


def test_the_external_current_adds_to_that_of_the_network():
    assert np.array_equal(MeanFieldCoupling(-2.0, 0.5).current(RATES, 1.0), 0.5 - 2.0 * RATES)
    assert np.array_equal(MeanFieldCoupling(-2.0, math.sin).current(RATES, 1.0), math.sin(1.0) - 2.0 * RATES)


def test_only_a_function_depends_on_time():
    assert MeanFieldCoupling(1.0, math.sin).time_dependent
    assert not MeanFieldCoupling(1.0, 0.5).time_dependent


def test_without_refractoriness_nobody_stays_in_the_pool():
    assert NoRefractory().mean_duration == 0.0
    assert ExponentialRefractory(0.2).mean_duration == 0.2


@pytest.mark.parametrize(
    ("b", "a1", "may"), [(-1.0, 0.0, False), (0.0, 0.0, False), (0.1, 0.0, True), (-1.0, 0.1, True)]
)
def test_only_excitation_or_activity_noise_can_blow_up(b, a1, may):
    assert fp.nnlif(b=b, a1=a1).may_blow_up is may


@given(models(b=between(-5.0, 0.5)))
def test_the_default_grid_reaches_down_to_where_a_density_without_flux_has_vanished(model):
    # exp(−(v − c)²/2a), c the input, has fallen by e^(−32) from the highest value that it takes below V_R.
    c, a = model.coupling.external_at(0.0), model.noise.a0
    assert (c - model.lowest_potential()) ** 2 - max(c - model.V_R, 0.0) ** 2 > 63.9 * a


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"b": 0.0}, -8.0),
        ({"b": 0.0, "external": -40.0}, -48.0),
        ({"b": 0.0, "external": -5.0, "a0": 0.01}, -5.8),
        ({"b": 0.0, "V_R": 60.0, "V_F": 70.0}, -8.0),
        ({"b": 0.0, "external": 30.0}, -7.0),
    ],
)
def test_the_lower_end_lies_eight_deviations_below_the_input_or_the_reset(parameters, expected):
    assert fp.nnlif(**parameters).lowest_potential() == pytest.approx(expected, abs=0.06)


def test_a_perfect_integrator_has_a_lower_end_and_one_that_sinks_has_none():
    model = fp.nnlif(b=0.0)
    assert dataclasses.replace(model, drift=lambda v: 0.0 * v + 1.0).lowest_potential() == pytest.approx(
        -31.0, abs=0.06
    )
    with pytest.raises(fp.InvalidArgument, match="downwards"):
        dataclasses.replace(model, drift=lambda v: 0.0 * v - 1.0).lowest_potential()
    with pytest.raises(fp.InvalidArgument, match="`drift` must map"):
        dataclasses.replace(model, drift=lambda v: 1.0).lowest_potential()


def test_strong_inhibition_lowers_the_grid():
    model = fp.nnlif(b=-100.0)
    sol = fp.solve(model, fp.gaussian(0.0, 0.25), (0.0, 5.0))
    assert sol.grid.v_min < fp.nnlif(b=0.0).grid().v_min - 0.5
    assert sol.quality.truncated_mass < 1e-12


def test_the_input_of_an_inhibited_network_balances_its_own_rate():
    def excess(w):  # of c = I + b N at c = V_F − w, with the rate N = w exp(−w²/2)/√(2π) of a Gaussian's tail
        return 2.0 - w - (2.0 - 100.0 * w * math.exp(-(w**2) / 2) / math.sqrt(2 * math.pi))

    c = 2.0 - brentq(excess, 1.5, 5.0)
    assert c - 8.1 < fp.nnlif(b=-100.0, external=2.0).lowest_potential() < c - 7.99


def test_a_driving_current_that_sinks_lowers_the_grid():
    model = fp.nnlif(b=0.5, external=lambda t: -3.0 * t)
    assert model.grid(t_span=(0.0, 1.0)).v_min == pytest.approx(-11.0, abs=0.5)
    with pytest.raises(fp.InvalidArgument, match="`t_span`"):
        model.grid()


# -- laws that are not in the package ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Quadratic:
    """A drift that is not linear, told by its values alone."""

    def __call__(self, v):
        return -(np.maximum(v, -1.0) ** 2) - v


@dataclass(frozen=True)
class HalfSilent:
    """A refractory law of one's own."""

    mean_duration: float = 0.3
    memoryless: ClassVar[bool] = True


@pytest.mark.parametrize(("slot", "law"), [("drift", Quadratic()), ("refractory", HalfSilent())])
@pytest.mark.parametrize("stepper", [fp.Rodas5P(), fp.BackwardEuler(0.01)], ids=["rodas5p", "backward-euler"])
def test_a_new_law_needs_no_change_elsewhere(slot, law, stepper):
    model = Population(**SLOTS | {slot: law})
    sol = fp.solve(model, fp.compatible_gaussian(0.0, 0.25), (0.0, 0.5), model.grid(80), stepper=stepper)
    assert sol.status is fp.Status.FINISHED
    assert sol.quality.mass_error < 1e-13
    usual = fp.solve(
        Population(**SLOTS), fp.compatible_gaussian(0.0, 0.25), (0.0, 0.5), model.grid(80), stepper=stepper
    )
    assert abs(sol.rate[-1] - usual.rate[-1]) > 1e-3


def test_a_refractory_law_of_ones_own_equals_the_built_in_one_of_its_mean():
    ends = [
        fp.solve(Population(**SLOTS | {"refractory": law}), fp.compatible_gaussian(0.0, 0.25), (0.0, 0.5)).final
        for law in (HalfSilent(0.3), ExponentialRefractory(0.3))
    ]
    assert np.array_equal(ends[0].density, ends[1].density)
    assert ends[0].refractory == ends[1].refractory > 0
