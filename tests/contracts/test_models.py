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
    "law",
    [
        *SLOTS.values(),
        ExponentialRefractory(0.2),
        fp.FixedRefractory(0.2),
        fp.RandomThreshold(0.1, V_F=2.0),
        fp.SoftThreshold(np.exp, V_F=2.0),
        fp.ConstantDrift(0.5),
        fp.QuadraticDrift(),
        fp.ExponentialDrift(0.5, V_T=1.0),
        MeanFieldCoupling(0.5, 0.2, delay=0.1),
        fp.nnlif(0.5),
    ],
    ids=lambda law: type(law).__name__,
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


# -- laws of threshold, silence, delay and drift -----------------------------------------------------------------


def test_above_a_random_threshold_a_neuron_fires_at_a_constant_rate():
    law = fp.RandomThreshold(0.02, V_F=2.0)
    assert law.hazard(np.array([-5.0, 2.0, np.nextafter(2.0, 3.0), 9.0])).tolist() == [0.0, 0.0, 50.0, 50.0]
    assert not law.absorbing


def test_a_soft_threshold_is_its_function():
    law = fp.SoftThreshold(np.exp, V_F=1.0)
    assert np.array_equal(law.hazard(RATES), np.exp(RATES))
    assert not law.absorbing


def test_a_hard_threshold_has_no_hazard():
    assert HardThreshold(2.0).absorbing
    assert np.array_equal(HardThreshold(2.0).hazard(RATES), np.zeros(3))


@pytest.mark.parametrize("law", [fp.RandomThreshold(0.1), fp.SoftThreshold(np.exp), HardThreshold(2.0)])
def test_a_threshold_is_placed_once(law):
    assert law.placed(2.0).V_F == 2.0
    assert law.placed(2.0).placed(2.0) == law.placed(2.0)
    with pytest.raises(fp.InvalidArgument, match="give V_F once"):
        law.placed(2.0).placed(3.0)


@pytest.mark.parametrize(
    ("law", "density"),
    [
        (ExponentialRefractory(0.3), lambda s: np.exp(-s / 0.3) / 0.3),
        (fp.FixedRefractory(0.3), None),
        (NoRefractory(), None),
    ],
    ids=lambda law: type(law).__name__,
)
def test_the_transform_of_a_silence_has_its_mass_and_its_mean(law, density):
    assert law.transform(0.0) == 1.0
    h = 1e-4
    mean = (law.transform(-h) - law.transform(h)) / (2 * h)
    assert mean == pytest.approx(law.mean_duration, rel=1e-6, abs=1e-12)
    if density is not None:
        s = np.linspace(0.0, 15.0, 30_001)
        for lam in (0.7, 0.2 + 3.0j):
            numerical = np.trapezoid(np.exp(-lam * s) * density(s), s)
            assert law.transform(lam) == pytest.approx(numerical, abs=1e-5)


def test_only_a_fixed_silence_has_a_memory():
    assert ExponentialRefractory(0.2).memoryless
    assert NoRefractory().memoryless
    assert not fp.FixedRefractory(0.2).memoryless
    assert fp.FixedRefractory(0.2).mean_duration == 0.2


def test_the_drift_laws_are_their_formulas():
    assert np.array_equal(fp.ConstantDrift(0.5)(RATES), [0.5, 0.5, 0.5])
    assert np.array_equal(fp.QuadraticDrift()(RATES), RATES**2)
    exponential = fp.ExponentialDrift(0.5, V_T=1.0)
    np.testing.assert_allclose(exponential(RATES), -RATES + 0.5 * np.exp(2.0 * (RATES - 1.0)), rtol=1e-15)
    at_rest = (exponential(np.array([1.0 + 1e-6])) - exponential(np.array([1.0 - 1e-6]))) / 2e-6
    assert at_rest[0] == pytest.approx(0.0, abs=1e-8)  # V_T is where the slope of the drift is zero


@pytest.mark.parametrize(
    ("arguments", "may"),
    [
        ({}, True),
        ({"delay": 0.1}, False),
        ({"threshold": fp.RandomThreshold(0.02)}, False),
        ({"a1": 0.1, "delay": 0.1}, False),
        ({"refractory": fp.FixedRefractory(0.1)}, True),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_delay_or_a_random_threshold_prevents_a_blow_up(arguments, may):
    assert fp.nnlif(b=3.0, **arguments).may_blow_up is may


@pytest.mark.parametrize("epsilon", [0.3, 0.01])
def test_with_a_random_threshold_the_rate_is_bounded(epsilon):
    model = fp.nnlif(b=3.0, threshold=fp.RandomThreshold(epsilon))
    sol = fp.solve(model, fp.gaussian(0.0, 0.25), (0.0, 2.0), model.grid(120), rtol=1e-4, estimate_error=False)
    assert sol.status is fp.Status.FINISHED
    assert sol.rate.max() <= 1.0 / epsilon


def test_the_highest_potential_keeps_what_a_neuron_can_exceed_the_threshold_by():
    # Above V_F a density under constant drift μ falls like exp(−λ (v − V_F)), λ = 2k/(μ + √(μ² + 4ak)).
    model = fp.nnlif(b=0.0, external=-2.0, threshold=fp.RandomThreshold(1e-4))
    k, mu = 1e4, -4.0
    decay = 2.0 * k / (mu + math.sqrt(mu * mu + 4.0 * k))
    assert model.highest_potential() - 2.0 == pytest.approx(32.0 / decay, rel=0.1)
    assert fp.nnlif(b=0.0).highest_potential() == 2.0


def test_a_random_threshold_tends_to_the_hard_one():
    def rate(threshold):
        model = fp.nnlif(b=0.5, threshold=threshold)
        grid = model.grid(300, v_min=-6.0, finest=2e-3)
        return fp.solve(model, fp.gaussian(0.0, 0.25), (0.0, 0.5), grid, estimate_error=False).rate[-1]

    hard = rate(None)
    gaps = [abs(rate(fp.RandomThreshold(epsilon)) - hard) for epsilon in (4e-3, 1e-3, 2.5e-4)]
    assert np.diff(np.log2(gaps)) == pytest.approx([-1.0, -1.0], abs=0.15)  # O(√ε)
