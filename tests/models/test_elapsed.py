"""Hazards of the time-elapsed model: their integrals, and what is refused."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

import fokkerplanck as fp
from fokkerplanck.cases import parse_case
from fokkerplanck.models.description import model_from_dict, model_to_dict
from fokkerplanck.models.elapsed import FunctionHazard, Hazard

ERLANG = FunctionHazard(lambda s, x: s / (1.0 + s))  # the second event of a Poisson process: S = (1 + s) e^{−s}
LAWS = {
    "step": fp.StepHazard(1.3, height=2.0),
    "step that follows x": fp.StepHazard(fp.HillDuration(2.0, 0.5, 0.7)),
    "sigmoid": fp.SigmoidHazard(3.0, 0.5, 0.3, 0.8),
    "table": fp.TabulatedHazard([0.0, 1.0, 2.5], [0.0, 2.0, 1.0]),
    "function": ERLANG,
}
every_law = pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
X = 0.6
FACES = np.linspace(0.0, 6.0, 41)


@every_law
def test_the_integral_is_that_of_the_hazard(law):
    kinks = [1.0, 1.3, law.duration(X)] if isinstance(law, fp.StepHazard) else [1.0, 2.5]
    expected = [quad(lambda s: float(law(np.array([s]), X)[0]), 0.0, end, points=kinks)[0] for end in (0.5, 2.0, 4.0)]
    grid = np.unique(np.concatenate([FACES, [0.5, 2.0, 4.0]]))
    computed = law.integral(grid, X)[np.searchsorted(grid, [0.5, 2.0, 4.0])]
    assert computed == pytest.approx(expected, abs=1e-9)


@every_law
def test_what_happens_in_an_interval_adds_up_to_the_transform(law):
    exponent, stay = law.over(FACES, X)
    reached = np.exp(-np.concatenate([[0.0], np.cumsum(exponent)]))
    assert np.sum(exponent) == pytest.approx(law.integral(FACES, X)[-1], rel=1e-10)
    mean = reached[:-1] @ stay + reached[-1] * float(law.transform(0.0, 0.0 if law.sees_activity is False else X))
    if law in (LAWS["step"], LAWS["step that follows x"]):  # constant beyond the last face: 1/height to go
        mean = reached[:-1] @ stay + reached[-1] / law.height
        assert mean == pytest.approx(float(law.transform(0.0, X)), rel=1e-12)
    else:
        rest = quad(lambda s: float(law.survival(np.append(FACES, s), X)[-1]), 6.0, np.inf)[0]
        assert reached[:-1] @ stay + rest == pytest.approx(float(law.transform(0.0, X)), rel=1e-6)


@given(sigma=st.floats(0.0, 5.0), height=st.floats(0.1, 20.0), z=st.floats(0.0, 3.0))
def test_a_step_is_integrated_in_closed_form(sigma, height, z):
    law = fp.StepHazard(sigma, height)
    exponent, stay = law.over(FACES, 0.0)
    nodes, weights = np.polynomial.legendre.leggauss(40)
    for k in (0, 7, 20):
        # Gauss quadrature on both sides of the jump
        cuts = np.unique(np.clip([FACES[k], sigma, FACES[k + 1]], FACES[k], FACES[k + 1]))
        total = 0.0
        for low, high in itertools.pairwise(cuts):
            s = low + 0.5 * (high - low) * (1.0 + nodes)
            total += 0.5 * (high - low) * weights @ np.exp(law.integral(FACES[k], 0.0) - law.integral(s, 0.0))
        assert stay[k] == pytest.approx(total, rel=1e-12)
    assert np.all(exponent >= 0.0)
    expected = quad(lambda s: np.exp(-z * s), 0.0, sigma)[0] + np.exp(-z * sigma) / (height + z)
    assert float(law.transform(z)) == pytest.approx(expected, rel=1e-9)


def test_transforms_that_are_known():
    z = np.array([0.0, 0.5, 0.3 + 2.0j])
    assert ERLANG.transform(z) == pytest.approx((z + 2.0) / (1.0 + z) ** 2, rel=1e-8)
    assert fp.StepHazard(0.0, 2.0).transform(z) == pytest.approx(1.0 / (2.0 + z), rel=1e-14)


def test_hill_durations_go_from_quiet_to_active():
    law = fp.HillDuration(quiet=3.0, active=0.5, half=0.4, steepness=4.0)
    assert law(0.0) == 3.0
    assert law(0.4) == pytest.approx(1.75)
    assert law(1e6) == pytest.approx(0.5)
    assert law(-1.0) == 3.0


def test_a_steep_hill_does_not_overflow():
    assert fp.HillDuration(1.0, 0.1, 1e-3, 400.0)(0.9) == pytest.approx(0.1)
    assert fp.HillDuration(1.0, 0.1, 1e3, 400.0)(1e-9) == 1.0


def test_without_connectivity_a_function_does_not_couple():
    assert fp.time_elapsed(lambda s, x: s**2).couples
    assert not fp.time_elapsed(lambda s, x: s**2, connectivity=0.0).couples


@given(steepness=st.floats(0.5, 5.0), scale=st.floats(0.1, 30.0))
def test_cells_of_a_function_are_integrated_at_their_own_nodes(steepness, scale):
    law, faces = FunctionHazard(lambda s, x: scale * s**steepness / (1.0 + s)), np.linspace(0.5, 3.0, 26)
    for mine, general in zip(law.over(faces, 0.0), Hazard.over(law, faces, 0.0), strict=True):
        assert mine == pytest.approx(general, rel=1e-6)


def test_an_interval_that_nobody_survives_is_integrated_too():
    exponent, stay = FunctionHazard(lambda s, x: np.exp(s)).over(np.array([0.0, 0.1, 30.0, 30.1]), 0.0)
    assert np.all(stay > 0.0)
    assert 1.0 / stay[2] == pytest.approx(exponent[2] / 0.1)


def test_where_a_hazard_stops_to_change():
    assert fp.StepHazard(2.0).changes(0.0) == (2.0, 2.0)
    nearly, settled = fp.SigmoidHazard(2.0, 1.0, 0.1, recovery=0.5).changes(1.5)
    assert nearly == pytest.approx(0.5 * np.log(10.0), rel=0.02)
    assert settled == pytest.approx(0.5 * np.log(1e10), rel=0.02)
    assert fp.TabulatedHazard([0.0, 1.0, 2.5], [0.0, 2.0, 1.0]).changes(0.0)[1] == pytest.approx(2.5, rel=0.02)
    assert FunctionHazard(lambda s, x: s**2).changes(0.0)[1] == np.inf
    assert fp.StepHazard(0.0).changes(0.0) == (0.0, 0.0)


def neurons():
    """A function, since its table takes a second, which every process that collects the tests would spend."""
    return fp.time_elapsed(fp.lif_hazard(0.0, 0.6, fp.LIF(1.0, 2.0, 1.0)))


@pytest.mark.parametrize(
    ("model", "datum", "until", "length"),
    [
        (fp.time_elapsed(fp.StepHazard(1.0)), fp.gaussian(2.0, 0.1), 5.0, 0.3),
        (fp.time_elapsed(fp.StepHazard(1.0)), fp.exponential(1e3), 5.0, 1.0),
        (fp.time_elapsed(fp.StepHazard(1.0)), fp.exponential(1.0), 0.01, 0.01),
        (fp.time_elapsed(fp.SigmoidHazard(2.0, 1.0, 0.1), 1.5, spread=0.2), fp.exponential(1.0), 5.0, 0.2),
        (neurons, fp.exponential(1.0), 5.0, 1.0),
        (fp.time_elapsed(fp.StepHazard(1.0), delay=0.0037), fp.exponential(1.0), 5.0, 0.0037),
    ],
)
def test_default_cells_are_small_against_all_that_happens(model, datum, until, length):
    model = model() if model is neurons else model
    grid = model.default_grid(datum, (0.0, until))
    width = grid.width[0]
    assert width <= min(until / 100.0, length / 3.0, model.scale / 10.0)
    assert grid.cells <= 16000
    assert grid.v_max > min(model.changes[1], model.oldest)


def test_a_scale_that_no_grid_resolves_is_no_reason_for_endless_steps():
    grid = fp.time_elapsed(fp.SigmoidHazard(recovery=1e-9)).default_grid(fp.exponential(1.0), (0.0, 5.0))
    assert 200.0 <= 5.0 / grid.width[0] < 1000.0


@pytest.mark.parametrize("datum", [fp.exponential(2.0), fp.gaussian(4.0, 0.25), fp.gaussian(50.0, 0.25)])
def test_who_is_older_than_the_grid_is_in_its_last_cell(datum):
    model, long = fp.time_elapsed(fp.StepHazard(1.0)), fp.HalfLine.uniform(120.0, 2400)
    short = model.grid(80, end=4.0)
    masses, all_masses = model.sample(short, datum) * short.width, long.sample(datum) * long.width
    assert masses[:-1] == pytest.approx(all_masses[:79], rel=1e-9, abs=1e-15)
    assert masses[-1] == pytest.approx(all_masses[79:].sum(), rel=1e-12)


def test_the_hazard_of_a_neuron_is_that_of_its_intervals():
    neuron = fp.LIF(tau_m=1.0, V_th=2.0, V_r=1.0)
    law, intervals = fp.lif_hazard(0.0, 2.0**0.5, neuron), fp.interval_law(0.0, 2.0**0.5, neuron)
    s = np.array([0.0, 0.05, 0.3, 1.0, 4.0, 20.0])
    assert law(s, 0.0) == pytest.approx(intervals.hazard(s), rel=1e-6, abs=1e-12)
    assert law.survival(s) == pytest.approx(intervals.survival(s), rel=1e-9)
    assert law.integral(np.array([1e4]), 0.0)[0] == pytest.approx(1e4 * intervals.decay_rate, rel=1e-2)
    assert not law.sees_activity


def test_a_refractory_time_is_part_of_the_hazard_of_a_neuron():
    neuron = fp.LIF(tau_m=1.0, V_th=2.0, V_r=1.0, tau_ref=0.5)
    law = fp.lif_hazard(0.0, 2.0**0.5, neuron)
    assert np.all(law(np.array([0.1, 0.5]), 0.0) == 0.0)
    assert float(law.transform(0.0)) == pytest.approx(0.5 + 1.0 / 0.119975965239, rel=1e-6)


@pytest.mark.parametrize("name", [name for name in LAWS if name != "function"])
def test_models_of_numbers_are_described(name):
    model = fp.time_elapsed(LAWS[name], 0.7, delay=0.2, spread=0.1, start=0.3)
    assert model_from_dict(model_to_dict(model)) == model


def test_code_is_not_described():
    with pytest.raises(fp.InvalidArgument, match="hazard"):
        model_to_dict(fp.time_elapsed(ERLANG))
    with pytest.raises(fp.InvalidArgument, match="sigma"):
        model_to_dict(fp.time_elapsed(fp.StepHazard(lambda x: 1.0)))


CASE = {
    "model": {"kind": "time-elapsed", "hazard": {"kind": "step", "sigma": 1.0}},
    "initial": {"kind": "exponential", "scale": 1.0},
    "run": {"t_span": [0.0, 0.5]},
}


def test_a_case_may_be_about_ages():
    assert parse_case(CASE).model == fp.time_elapsed(fp.StepHazard(1.0))
    hill = {"kind": "hill", "quiet": 2.0, "active": 0.5, "half": 0.4}
    described = {"kind": "time-elapsed", "hazard": {"kind": "step", "sigma": hill}, "spread": 0.2}
    assert parse_case(CASE | {"model": described}).model.hazard.sigma == fp.HillDuration(2.0, 0.5, 0.4)


@pytest.mark.parametrize(
    ("hazard", "message"),
    [
        ({"kind": "step", "sigma": -1.0}, "sigma"),
        ({"kind": "sigmoid", "slope": 0.0}, "slope"),
        ({"kind": "stair"}, "sigmoid"),
        ({"kind": "tabulated", "ages": [0.0, 1.0], "rates": [1.0]}, "rates"),
    ],
)
def test_a_case_with_a_bad_hazard_is_refused(hazard, message):
    with pytest.raises(fp.InvalidArgument, match=message):
        parse_case(CASE | {"model": {"kind": "time-elapsed", "hazard": hazard}})


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: fp.time_elapsed(3.0), "hazard"),
        (lambda: fp.time_elapsed(fp.StepHazard), "hazard"),
        (lambda: fp.time_elapsed(ERLANG, connectivity=np.inf), "connectivity"),
        (lambda: fp.time_elapsed(ERLANG, delay=-0.1), "delay"),
        (lambda: fp.time_elapsed(ERLANG, spread=-0.1), "spread"),
        (lambda: fp.time_elapsed(ERLANG, start=-0.1), "start"),
        (lambda: fp.StepHazard(-1.0), "sigma"),
        (lambda: fp.StepHazard(1.0, height=0.0), "height"),
        (lambda: fp.StepHazard(lambda x: -1.0).duration(0.0), "sigma"),
        (lambda: fp.SigmoidHazard(slope=0.0), "slope"),
        (lambda: fp.HillDuration(1.0, 0.5, 0.0), "half"),
        (lambda: fp.TabulatedHazard([0.5, 1.0], [1.0, 1.0]), "ages"),
        (lambda: fp.TabulatedHazard([0.0, 1.0], [1.0, 0.0]), "rates"),
        (lambda: fp.time_elapsed(lambda s, x: s[:1]).grid(), "hazard"),
        (lambda: fp.time_elapsed(lambda s, x: -s).grid(), "hazard"),
        (lambda: fp.time_elapsed(lambda s, x: 0.0 * s).grid(), "never fire"),
        (lambda: fp.time_elapsed(None), "hazard"),
        (lambda: fp.time_elapsed(lambda s: s), "array of ages and one input"),
        (lambda: fp.time_elapsed(fp.StepHazard(lambda x: "a")), "sigma"),
        (lambda: fp.time_elapsed(fp.StepHazard(lambda x: np.ones(2))), "sigma"),
        (lambda: fp.lif_hazard(10.0, 0.01, fp.LIF(1.0, 2.0, 1.0, tau_ref=0.1)), "sigma"),
    ],
)
def test_bad_input_is_refused(make, name):
    with pytest.raises(fp.InvalidArgument, match=name):
        make()
