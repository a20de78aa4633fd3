"""What every model that `solve` takes has in common, neurons or not. A model is one line here."""

import functools

import numpy as np
import pytest

import fokkerplanck as fp
from fokkerplanck.models.description import MODELS, model_from_dict, model_to_dict

BELL = fp.gaussian(0.0, 0.25)
HILL = fp.HillDuration(quiet=2.0, active=0.5, half=0.4)
RUNS = {
    "nnlif": (fp.nnlif(b=0.5), BELL),
    "excitatory-inhibitory": (fp.excitatory_inhibitory(0.5, 0.25, 0.25, 1.0), BELL),
    "learning": (fp.learning(lanes=8), fp.connectivity(lambda w: np.ones_like(w), BELL)),
    "conductance": (
        fp.voltage_conductance(S_E=0.1, nu=10.0, f_E=0.1, sigma_E=0.2, lanes=16),
        fp.gaussian(0.3, 0.01),
    ),
    "polarization": (fp.cell_polarization(0.8), fp.exponential(1.0)),
    "polarization, relaxing": (fp.cell_polarization(0.8, fp.RelaxingPolarity(start=0.2)), fp.exponential(1.0)),
    "polarization, exchange": (fp.cell_polarization(0.8, fp.MembraneExchange(start=0.2)), fp.exponential(1.0)),
    "time-elapsed": (fp.time_elapsed(fp.SigmoidHazard(10.0, slope=0.5, recovery=0.2)), fp.exponential(1.0)),
    "time-elapsed, spread": (fp.time_elapsed(fp.StepHazard(HILL), spread=0.3, start=0.4), fp.exponential(1.0)),
    "time-elapsed, delayed": (fp.time_elapsed(fp.StepHazard(HILL), 2.0, delay=0.2), fp.exponential(1.0)),
}
every_model = pytest.mark.parametrize("name", RUNS)


def short(model, initial, t_span=(0.0, 0.25), **options):
    return fp.solve(model, initial, t_span, rtol=1e-4, estimate_error=False, **options)


@functools.cache
def first_run(name):
    return short(*RUNS[name])


@every_model
def test_it_runs_and_keeps_its_mass(name):
    sol = first_run(name)
    assert sol.status is fp.Status.FINISHED
    assert sol.quality.mass_error < 1e-9
    assert np.all(np.isfinite(sol.rate))
    assert sol.rate_at(0.1).shape == sol.rate.shape[1:]
    assert set(sol.model.monitors) <= set(sol.records)


@every_model
def test_it_goes_on_from_its_end(name):
    (model, initial), first = RUNS[name], first_run(name)
    rest = short(model, first.final, (0.25, 0.5))
    whole = short(model, initial, (0.0, 0.5), grid=first.grid)
    scale = np.abs(whole.rate[-1]).max()
    assert rest.rate[-1] == pytest.approx(whole.rate[-1], abs=1e-2 * scale)


@every_model
def test_it_is_drawn_stored_and_described(name, tmp_path):
    model, sol = RUNS[name][0], first_run(name)
    assert sol.plot().axes
    sol.save(tmp_path / "run.nc")
    loaded = fp.load(tmp_path / "run.nc")
    assert np.array_equal(loaded.density, sol.density)
    assert loaded.model == model == model_from_dict(model_to_dict(model))
    assert "Solution" in repr(loaded)


@pytest.mark.parametrize("name", MODELS)
def test_the_catalogue_names_its_source(name):
    assert "Source:" in MODELS[name].__doc__
