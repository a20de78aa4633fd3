"""The learning network: what it is made of, what it refuses, and its initial data."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import between, decades

import fokkerplanck as fp
from fokkerplanck.models.learning import (
    FunctionSaturation,
    HyperbolicTangent,
    Identity,
    Saturating,
    connectivity,
    learning,
)

SATURATIONS = [Identity(), Saturating(), Saturating(0.3), HyperbolicTangent(), HyperbolicTangent(2.0)]


@st.composite
def networks(draw, sign=None):
    """Learning networks whose weights have one sign, or both."""
    low, high = {None: (-1.5, 1.5), -1: (-1.5, 0.0), 1: (0.0, 1.5)}[sign]
    slope, level = draw(between(-1.0, 1.0)), draw(between(-1.0, 2.0))
    return learning(
        weights=(low, high),
        lanes=draw(st.integers(4, 40)),
        signal=lambda w: level + slope * np.sin(3.0 * w),
        rule=draw(between(0.1, 2.0)) * (sign or draw(st.sampled_from([-1, 1]))),
        saturation=draw(st.sampled_from(SATURATIONS)),
        speed=draw(st.just(0.0) | decades(1e-3, 1.0)),
        a0=draw(decades(0.3, 3.0)),
    )


def rates_for(model, seed):
    return np.random.default_rng(seed).uniform(size=model.lanes)


def test_the_weights_are_the_centres_of_equal_cells():
    model = learning(weights=(-1.0, 1.0), lanes=4)
    np.testing.assert_allclose(model.w, [-0.75, -0.25, 0.25, 0.75], rtol=1e-15)
    np.testing.assert_allclose(model.w_faces, [-1.0, -0.5, 0.0, 0.5, 1.0], atol=1e-16)
    assert model.dw == 0.5
    assert learning().lanes == 64


def test_weights_can_be_given_themselves():
    model = learning(weights=[-0.75, -0.25, 0.25, 0.75])
    assert (model.w_min, model.w_max, model.lanes) == (-1.0, 1.0, 4)


def test_currents_and_velocities_are_those_of_the_equation():
    model = learning(
        weights=(-2.0, 2.0), lanes=4, signal=lambda w: 0.5 * w, rule=3.0, saturation=Saturating(), speed=0.2
    )
    N = np.full(4, 0.25)  # the total is 1
    np.testing.assert_allclose(model.current(N), 0.5 * model.w + 0.5 * model.w)
    ahead, back = model.face_speeds(N)
    np.testing.assert_allclose(ahead + back, [0.0, *(0.2 * (0.75 - np.array([-1.0, 0.0, 1.0]))), 0.0], atol=1e-15)


@given(networks(), st.integers(0, 1000))
def test_the_slope_of_the_current_is_that_of_its_differences(model, seed):
    N, change = rates_for(model, seed), rates_for(model, seed + 1)
    u, v = model.current_slope(N)
    h = 1e-5
    measured = (model.current(N + h * change) - model.current(N - h * change)) / (2 * h)
    np.testing.assert_allclose(u * (v @ change), measured, rtol=1e-6, atol=1e-8)


@given(networks(), st.integers(0, 1000))
def test_fluxes_take_from_where_they_come(model, seed):
    ahead, back = model.face_speeds(rates_for(model, seed))
    assert np.all(ahead >= 0.0)
    assert np.all(back <= 0.0)
    assert ahead[0] == ahead[-1] == back[0] == back[-1] == 0.0


@given(networks(), st.floats(0.0, 2.0))
def test_the_flux_is_consistent(model, level):
    # Where N does not vary α + β is ε (Φ − w) itself.
    N = np.full(model.lanes, level)
    drive = model.rule_at(model.w_faces) * level * model.total_rate(N)
    expected = model.speed * (drive - model.w_faces)[1:-1]
    ahead, back = model.face_speeds(N)
    np.testing.assert_allclose((ahead + back)[1:-1], expected, rtol=1e-12, atol=1e-14)


def test_no_alternating_rates_are_taken_for_an_equilibrium():
    # N = w/(K N̄) plus a sawtooth: the mean over two lanes would not see it.
    model = learning(weights=(-1.0, 0.0), lanes=32, speed=1.0)
    smooth = -model.w / np.sqrt(0.5)
    quiet, loud = (model.face_speeds(smooth * (1.0 + s * (-1.0) ** np.arange(32))) for s in (0.0, 0.3))
    assert np.max(np.abs(sum(quiet)[1:-1])) < 0.05
    assert np.max(loud[0] - loud[1]) > 0.2


# -- saturations ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("law", SATURATIONS, ids=repr)
def test_slopes_by_differences_agree_with_the_formulas(law):
    x = np.array([0.0, 1e-4, 1e-3, 0.01, 0.5, 1.0, 3.0, 20.0])
    np.testing.assert_allclose(FunctionSaturation(law)(x), law(x), rtol=1e-15)
    np.testing.assert_allclose(FunctionSaturation(law).slope(x), law.slope(x), rtol=0.0, atol=1e-8)


def test_slopes_by_differences_are_accurate_and_never_leave_the_activities():
    def law(x):
        assert np.all(x >= 0.0)
        return np.sin(x)

    x = np.array([0.0, 1e-3, 2e-3, 1.0, 2.5])
    np.testing.assert_allclose(FunctionSaturation(law).slope(x), np.cos(x), rtol=0.0, atol=2e-12)


def test_a_plain_function_is_a_saturation():
    model = learning(saturation=np.sqrt, saturation_slope=lambda x: 0.5 / np.sqrt(x + 1e-300), lanes=4)
    assert model.saturation(np.array([4.0])).tolist() == [2.0]


# -- initial data -----------------------------------------------------------------------------------------------


@given(networks(), between(-1.0, 1.0), decades(0.1, 1.0))
def test_a_function_is_normalised_on_the_lanes(model, centre, width):
    start = connectivity(lambda w: np.exp(-(((w - centre) / width) ** 2)) + 1e-9, fp.gaussian(0.0, 0.25))
    C = start.lane_averages(model)
    np.testing.assert_allclose(C.sum() * model.dw, 1.0, rtol=1e-14)
    grid = fp.nnlif(b=0.0).grid(cells=50, v_min=-5.0)
    density = start.cell_averages(grid, model)
    assert density.shape == (50, model.lanes)
    np.testing.assert_allclose(grid.width @ density, C * (grid.width @ start.density.cell_averages(grid)), rtol=1e-13)


def test_an_array_is_taken_as_it_is():
    model = learning(lanes=4)
    C = np.array([0.0, 2.0, 2.0, 0.0])
    np.testing.assert_array_equal(connectivity(C, fp.gaussian(0.0, 1.0)).lane_averages(model), C)


# -- refusals ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"weights": (0.0, -1.0)}, "swap them"),
        ({"weights": (0.0, np.nan)}, "w_max"),
        ({"weights": [0.0, 1.0, 3.0, 4.0]}, "equal steps"),
        ({"weights": [0.0, 1.0, 2.0, 3.0], "lanes": 5}, "leave it out"),
        ({"weights": [0.0]}, "interval"),
        ({"weights": "narrow"}, "numbers"),
        ({"lanes": 3}, "between 4"),
        ({"lanes": 10.5}, "integer"),
        ({"signal": "loud"}, "signal"),
        ({"signal": np.log}, "finite"),
        ({"signal": lambda w: 1.0}, "same shape"),
        ({"rule": np.inf}, "finite"),
        ({"rule": lambda w: 1.0 / (w + 0.5), "lanes": 4}, "rule"),
        ({"saturation": Saturating}, "Saturating()"),
        ({"saturation": 2.0}, "saturation"),
        ({"saturation": lambda x: 1.0 / x}, "finite"),
        ({"saturation": Saturating(), "saturation_slope": np.cos}, "leave it out"),
        ({"speed": -0.1}, "zero or positive"),
        ({"a0": 0.0}, "positive"),
        ({"V_R": 3.0}, "swap them"),
        ({"refractory": fp.FixedRefractory(0.1)}, "ExponentialRefractory"),
    ],
)
def test_what_is_refused(arguments, words):
    with pytest.raises(fp.InvalidArgument, match=words.replace("(", r"\(").replace(")", r"\)")):
        learning(**arguments)


@pytest.mark.parametrize(
    ("C", "words"),
    [
        ([1.0, 1.0, 1.0], "4 lanes"),
        ([1.0, 1.0, 1.0, 1.1], "mass 1.025"),
        ([2.0, 2.0, 1.0, -1.0], "not negative"),
        (lambda w: 0.0 * w, "cannot be normalised"),
        (lambda w: -1.0 + 0.0 * w, "not negative"),
        (np.ones((2, 2)), "vector"),
    ],
)
def test_what_is_no_connectivity(C, words):
    with pytest.raises(fp.InvalidArgument, match=words):
        connectivity(C, fp.gaussian(0.0, 1.0)).lane_averages(learning(lanes=4))


def test_the_density_in_v_is_checked_as_everywhere():
    with pytest.raises(fp.InvalidArgument, match="initial"):
        connectivity(np.ones(4), "narrow")
