"""Cell polarization as a model: masses, steady states, the moment bound, refusals."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fokkerplanck as fp
from fokkerplanck.models.description import model_from_dict, model_to_dict
from fokkerplanck.models.polarization import extent
from fokkerplanck.state import as_density

POLARITIES = [fp.InstantPolarity(), fp.RelaxingPolarity(0.7, 0.3), fp.MembraneExchange(0.7, 0.3)]
each_polarity = pytest.mark.parametrize("polarity", POLARITIES, ids=lambda law: type(law).__name__)


@each_polarity
def test_a_model_survives_its_description(polarity):
    model = fp.cell_polarization(1.3, polarity)
    assert model_from_dict(model_to_dict(model)) == model


@given(L=st.floats(0.2, 5.0), excess=st.floats(0.1, 10.0))
def test_the_steady_state_with_exchange_solves_its_three_equations(L, excess):
    (state,) = fp.stationary_states(fp.cell_polarization(1.0 / L + excess, fp.MembraneExchange(L)))
    z = np.linspace(0.0, 60.0 / state.speed, 60_001)
    assert state.speed == pytest.approx(excess)
    assert np.trapezoid(state.density(z), z) + state.speed == pytest.approx(1.0 / L + excess, rel=1e-6)
    assert state.rate == pytest.approx(state.speed / L)


def test_a_closed_wall_has_no_steady_state_but_at_the_critical_mass():
    assert fp.stationary_states(fp.cell_polarization(0.9)) == ()
    assert fp.stationary_states(fp.cell_polarization(0.9, fp.MembraneExchange())) == ()
    assert fp.stationary_states(fp.cell_polarization(0.9, fp.RelaxingPolarity(2.0))) == ()
    with pytest.raises(fp.InvalidArgument, match="for every speed"):
        fp.stationary_states(fp.cell_polarization(0.5, fp.RelaxingPolarity(2.0)))
    state = fp.cell_polarization(0.5, fp.RelaxingPolarity(2.0)).steady_state(3.0)
    assert state.rate == 1.5


@pytest.mark.parametrize("polarity", [fp.InstantPolarity(), fp.RelaxingPolarity(1.0)])
def test_a_steady_state_starts_a_run_and_stays(polarity):
    model = fp.cell_polarization(1.0, polarity)
    start = model.steady_state(2.0).state(model.grid(400, end=30.0))
    sol = fp.solve(model, start, (0.0, 3.0), estimate_error=False)
    assert sol.records["mu"].value == pytest.approx(np.full(len(sol.t), 2.0), rel=1e-8)


def test_the_moment_bound():
    criterion = fp.blow_up_criterion(fp.cell_polarization(1.5), fp.exponential(1.0))
    assert criterion.satisfied
    assert criterion.moment == pytest.approx(1.5, rel=1e-8)
    assert criterion.latest_time == pytest.approx(2.0, rel=1e-8)
    for model in (fp.cell_polarization(0.9), fp.cell_polarization(1.5, fp.RelaxingPolarity())):
        assert fp.blow_up_criterion(model, fp.exponential(1.0)).latest_time == math.inf
    # A bump away from the wall increases with z first: the theorem says nothing.
    bump = fp.blow_up_criterion(fp.cell_polarization(1.5), lambda z: np.exp(-((z - 2.0) ** 2)))
    assert not bump.satisfied


@given(scale=st.floats(1e-3, 1e3))
def test_the_extent_of_a_density_holds_it(scale):
    last = extent(fp.exponential(scale))
    assert 30.0 * scale < last < 60.0 * scale
    assert extent(as_density(lambda z: np.exp(-z / scale))) == pytest.approx(last, rel=0.3)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: fp.cell_polarization(-1.0), "`mass`"),
        (lambda: fp.cell_polarization(1.0, fp.InstantPolarity), "`polarity` must be"),
        (lambda: fp.cell_polarization(1.0, fp.MembraneExchange(start=1.0)), "binds the whole mass"),
        (lambda: fp.RelaxingPolarity(L=0.0), "`L`"),
        (lambda: fp.RelaxingPolarity(start=-1.0), "`start`"),
        (lambda: fp.exponential(0.0), "`scale`"),
        (lambda: run(fp.compatible_gaussian(0.5, 1.0)), "vanishes at a threshold"),
        (lambda: run(fp.exponential), "call fp.exponential"),
        (lambda: run(np.ones(100)), "needs the `grid`"),
        (lambda: run(lambda z: 1.0 / (1.0 + z)), "no end"),
        (lambda: run(lambda z: np.exp(-((z - 2.0) ** 2) / 2e-12)), "wherever it was looked at"),
        (lambda: run(math.exp), "one array of points"),
        (lambda: run(fp.exponential(1.0), monitors={"mu": lambda state: 1.0}), "records mu by itself"),
        (lambda: run(fp.solve(fp.cell_polarization(0.9), fp.exponential(1.0), (0.0, 0.1)).final), "has the mass 0.9"),
        (lambda: fp.blow_up_criterion(fp.cell_polarization(2.0), fp.exponential(1.0), mu=3.0), "`mu`"),
        (lambda: fp.solve(fp.nnlif(b=0.5), fp.exponential(0.3), (0.0, 1.0)), "half-line"),
        (lambda: run(fp.gaussian(0.0, 1.0)), "outside"),
        (lambda: run(fp.exponential(1.0), grid=fp.nnlif(b=0.5).grid()), "grid on z ≥ 0"),
        (lambda: run(fp.exponential(1.0), history=1.0), "looks back on nothing"),
        (lambda: run(fp.exponential(1.0), scheme=fp.Spectral()), "Spectral"),
        (lambda: run(fp.exponential(1.0), scheme=fp.Weno5()), "Weno5"),
        (lambda: run(fp.exponential(1.0), clock=fp.ActivityClock()), "one population"),
        (lambda: fp.spectrum(fp.cell_polarization(1.0), at=None), "model"),
        (lambda: fp.simulate(fp.cell_polarization(1.0), 10, fp.exponential(1.0), (0.0, 1.0)), "model"),
        (lambda: fp.solve(fp.nnlif(b=0.5), fp.gaussian(0.0, 0.25), (0, 1), grid=fp.HalfLine.uniform(2.0, 99)), "grid"),
        (lambda: fp.HalfLine(np.linspace(1.0, 2.0, 20)), "start at 0"),
        (lambda: fp.HalfLine.graded(10.0, 100, 0.5), "`finest`"),
    ],
)
def test_bad_input_is_refused_in_words(make, said):
    with pytest.raises(fp.InvalidArgument, match=said):
        make()


def run(initial, **options):
    return fp.solve(fp.cell_polarization(0.5), initial, (0.0, 1.0), **options)
