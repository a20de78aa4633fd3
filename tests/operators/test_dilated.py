"""The system in dilated time: its derivatives, what it keeps, and that it is the system in physical time."""

import numpy as np
import pytest
from helpers import system_of
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import between, densities, grids, models, share_of_examples

import fokkerplanck as fp
from fokkerplanck.operators.dilated import Dilated, StandingClock
from fokkerplanck.outcomes import InvalidArgument


@st.composite
def dilated(draw):
    """A system in τ and an admissible y, between two and a billion spikes per membrane time."""
    model = draw(models(any_drift=True))
    grid = draw(grids(model))
    volumes = fp.ScharfetterGummel().discretize(model, grid)
    y = volumes.pack(draw(densities(grid)))
    y[-2] = draw(between(0.0, 1.0)) if model.refractory.mean_duration else 0.0
    system = Dilated(volumes)
    packed = system.pack(y)
    packed[-1] = draw(between(1e-3, 1.0))
    return system, packed


@share_of_examples(0.5)
@given(dilated(), between(0.1, 100.0))
def test_the_solve_inverts_the_linearised_equations(made, shift):
    system, y = made
    u = np.linspace(0.3, 1.0, y.size).reshape(y.shape)
    h = 1e-6
    ahead, behind = (system.residual(y + s * h * u, 0.0, np.empty(system.shape)) for s in (1.0, -1.0))
    mass_matrix = np.ones_like(u)
    mass_matrix[-1] = 0.0
    rhs = shift * mass_matrix * u - (ahead - behind) / (2.0 * h)
    system.factor(y, 0.0, shift)
    assume(abs(system._gain) > 1e-3)
    found = system.solve(rhs.copy())
    scale = np.abs(rhs).max() / shift + 1.0
    np.testing.assert_allclose(found, u, atol=3e-5 * scale, rtol=1e-4)


@given(dilated())
def test_no_neuron_is_lost(made):
    system, y = made
    slope = system.residual(y, 0.0, np.empty(system.shape))
    kept = system.volumes.width @ slope[: system.cells, 0] + slope[-3, 0]
    assert abs(kept) <= 1e-12 * np.abs(slope[: system.cells]).max()


@given(dilated())
def test_it_is_the_equation_of_physical_time_over_1_plus_n(made):
    system, y = made
    system.close(y, 0.0)
    assume(system.branching(y) < 1.0)
    share = float(y[-1, 0])
    physical = system.unpack(y)
    slow = system.volumes.residual(physical, 0.0, np.empty(system.volumes.shape))
    fast = system.residual(y, 0.0, np.empty(system.shape))
    size = np.abs(share * slow[:-1]).max() + 1.0
    np.testing.assert_allclose(fast[:-2], share * slow[:-1], atol=1e-9 * size)
    assert fast[-2, 0] == share
    assert abs(float(fast[-1, 0])) <= 1e-9


def test_the_rate_of_a_current_that_depends_on_time_is_seen():
    model = fp.nnlif(b=0.5, external=lambda t: np.sin(3.0 * t))
    volumes, y = system_of(model, model.grid(40, v_min=-4.0))
    system = Dilated(volumes)
    system.origin = 0.7
    y = system.pack(y)
    y[-1] = 0.4
    u = np.zeros_like(y)
    u[-2] = 1.0
    h = 1e-6
    ahead, behind = (system.residual(y + s * h * u, 0.0, np.empty(system.shape)) for s in (1.0, -1.0))
    rhs = 2.0 * u - (ahead - behind) / (2.0 * h)
    system.factor(y, 0.0, 2.0)
    np.testing.assert_allclose(system.solve(rhs), u, atol=1e-7)


def test_each_spike_sets_off_one_other_where_the_density_is_one_over_b():
    model = fp.nnlif(b=0.5)
    volumes, y = system_of(model, model.grid(40, v_min=-4.0))
    y[-3] = 1.0 / model.coupling.b
    assert Dilated(volumes).branching(Dilated(volumes).pack(y)) == pytest.approx(1.0, rel=1e-14)


@pytest.mark.parametrize("a1", [0.0, 0.3])
@pytest.mark.parametrize("overshoot", ["keep", "discard", "none"])
@pytest.mark.parametrize("refractory", [None, fp.ExponentialRefractory(0.1)])
def test_the_standing_clock_keeps_every_neuron(overshoot, refractory, a1):
    model = fp.nnlif(b=0.5, a1=a1, refractory=refractory)
    grid = model.grid(60, v_min=-3.0)
    system = StandingClock(model, grid, fp.ScharfetterGummel(), overshoot)
    y = system.pack(fp.compatible_gaussian(1.5, 0.05).cell_averages(grid))
    system.close(y, 0.0)
    slope = system.residual(y, 0.0, np.empty(system.shape))
    assert system.mass(slope)[0] == pytest.approx(0.0, abs=1e-12)
    released = {"keep": float(y[-1, 0]), "discard": 1.0, "none": 0.0}[overshoot] if refractory is None else 0.0
    assert float(slope[-2, 0]) == pytest.approx(float(y[-1, 0]) - released, abs=1e-12)


def test_a_fixed_step_is_refused():
    volumes, y = system_of(fp.nnlif(b=0.5), fp.nnlif(b=0.5).grid(40))
    for ask in (Dilated(volumes).implicit_step, Dilated(volumes).explicit_limit):
        with pytest.raises(InvalidArgument, match="Rodas5P"):
            ask(*[y, 0.0, 0.1][: 3 if ask.__name__ == "implicit_step" else 2])
