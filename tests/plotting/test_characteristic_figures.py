"""Figures of the network without noise."""

import pytest
from numpy.testing import assert_allclose

import fokkerplanck as fp
from fokkerplanck.plotting import plot_characteristics


@pytest.mark.parametrize(("b", "scale", "lines"), [(-0.5, "linear", 1), (0.9, "log", 2)])
def test_the_rate_and_the_density(b, scale, lines):
    solution = fp.characteristics(fp.nnlif(b=b, a0=0.0, external=3.0), fp.gaussian(0.5, 0.09), (0.0, 2.0))
    rate, density = solution.plot().axes
    assert rate.get_yscale() == scale
    assert len(rate.lines) == lines
    t, N = rate.lines[-1].get_data()
    assert_allclose(N[10:-1], solution.rate_at(t[10:-1]), rtol=1e-6)
    profiles = [line for line in density.lines if len(line.get_xdata()) > 2]
    assert len(profiles) == 4
    v, n = profiles[-1].get_data()
    assert_allclose(n, solution.density(v, solution.t[-1]))


def test_only_such_solutions_are_drawn():
    with pytest.raises(fp.InvalidArgument, match=r"fp\.characteristics"):
        plot_characteristics(3)
