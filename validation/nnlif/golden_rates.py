"""N(t) of ten regimes against a reference of twelve digits."""

import numpy as np

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title="N(t) to four digits in ten regimes",
    statement=(
        "From the truncated Gaussian of mean 0 and variance 1/4 (or the datum named), N(t) follows the reference for "
        "linear, excitatory, inhibitory, strongly inhibitory, refractory and activity-dependent noise, from the "
        "start-up layer at t = 0.05 to the stationary state at t = 10; so do the mean potential and the refractory mass."
    ),
    source="Reference: hp-spectral elements in v with Radau IIA (order 5) in t, two meshes agreeing to 2e-12",
    parameters={"a": 1, "V_R": 1, "V_F": 2, "datum": "Gaussian(0, 1/4) unless named", "cells": "1600, graded"},
)

TOLERANCE = 1e-4
TIMES = (0.05, 0.1, 0.2, 0.5, 1, 2, 3, 5, 10)
FROM_ZERO = (0.0, *TIMES)
GAUSSIAN = fp.gaussian(0.0, 0.25)
COMPATIBLE = fp.compatible_gaussian(0.0, 0.25)
PAUSE = fp.ExponentialRefractory(0.2)

# label: (model, datum, times, reference N)
# fmt: off
REGIMES = {
    "b = 0": (fp.nnlif(b=0.0), GAUSSIAN, TIMES,
        (0.014643606695, 0.030226449479, 0.061960792871, 0.111243073935, 0.125383979484, 0.123001444137, 0.120974013595, 0.120070226812, 0.119976210019)),
    "b = 0.5": (fp.nnlif(b=0.5), GAUSSIAN, TIMES,
        (0.014670995494, 0.030380474969, 0.062879715993, 0.116563117302, 0.135953970933, 0.136899892193, 0.135576066078, 0.134864833052, 0.134775429416)),
    "b = 1": (fp.nnlif(b=1.0), GAUSSIAN, TIMES,
        (0.014698499417, 0.030536270182, 0.063830047845, 0.122515614916, 0.148981486616, 0.155758500458, 0.156175338778, 0.156206733591, 0.156207005339)),
    "b = 1.5": (fp.nnlif(b=1.5), GAUSSIAN, TIMES,
        (0.014726119222, 0.030693867261, 0.064813513129, 0.129229034650, 0.165539452660, 0.183395601326, 0.188600367129, 0.191650850979, 0.192352780919)),
    "b = -1": (fp.nnlif(b=-1.0), GAUSSIAN, TIMES,
        (0.014589171453, 0.029923582959, 0.060210866386, 0.102119286702, 0.109168216100, 0.103563151224, 0.101166678483, 0.100274325810, 0.100202299299)),
    "b = -10": (fp.nnlif(b=-10.0), GAUSSIAN, TIMES,
        (0.014118891769, 0.027474255508, 0.048321137653, 0.061162177332, 0.055073780118, 0.048980297875, 0.047662988669, 0.047347358779, 0.047335340079)),
    "b = -100, Gaussian(1.5, 0.01)": (fp.nnlif(b=-100.0), fp.gaussian(1.5, 0.01), TIMES,
        (0.071550465223, 0.047518329160, 0.030819071419, 0.017846098623, 0.012970316099, 0.011040853189, 0.010768807077, 0.010722636296, 0.010721650136)),
    "b = 0.5, refractory 0.2": (fp.nnlif(b=0.5, refractory=PAUSE), GAUSSIAN, TIMES,
        (0.014666279702, 0.030285256932, 0.061981334659, 0.110743052886, 0.128344213243, 0.131636574337, 0.131221668474, 0.130862064829, 0.130807887424)),
    "b = 0.5, a1 = 0.1, compatible": (fp.nnlif(b=0.5, a1=0.1), COMPATIBLE, FROM_ZERO,
        (0.000133831778, 0.004819116500, 0.014670404561, 0.041200696858, 0.099269095234, 0.129271225277, 0.137829746122, 0.138556282316, 0.138691603978, 0.138703356712)),
    "b = -1, a1 = 0.5, compatible": (fp.nnlif(b=-1.0, a1=0.5), COMPATIBLE, FROM_ZERO,
        (0.000133838943, 0.004830474140, 0.014756367417, 0.041562175899, 0.096358302659, 0.115093867920, 0.112977245796, 0.110952259031, 0.110190339553, 0.110136282568)),
}
MEAN_POTENTIAL = {
    "b = 0": (-0.000508886095, -0.001570283871, -0.005874652735, -0.028448782616, -0.065135544238, -0.102574033901, -0.114639773874, -0.119481768786, -0.119974683445),
    "b = 0.5": (-0.000286502129, -0.000817573023, -0.002989696571, -0.014672422995, -0.034510982361, -0.056085397657, -0.063632800900, -0.066978880050, -0.067385950871),
    "b = 1.5": (0.000159661403, 0.000700839434, 0.002931900303, 0.015562800319, 0.039458450073, 0.070786334654, 0.085087203231, 0.094075768218, 0.096148886246),
    "b = -10": (-0.004862026327, -0.015791035500, -0.055217944341, -0.207769147610, -0.376966665902, -0.492148848632, -0.515181947595, -0.520491111366, -0.520688663437),
}
REFRACTORY_MASS = {
    "b = 0.5, refractory 0.2": (0.000410910867, 0.001318723561, 0.004570619459, 0.016090620235, 0.024274552475, 0.026296551284, 0.026260821178, 0.026175292215, 0.026161592382),
}
# fmt: on


def run(quick: bool) -> dict[str, fp.Solution]:
    cells = 1600 if quick else 3200
    solutions = {}
    for label, (model, datum, times, _) in REGIMES.items():
        # N(0) is read off the cell next to V_F, to first order in its width: hence so fine a cell there.
        grid = model.grid(cells, finest=1e-5)
        solutions[label] = fp.solve(model, datum, (0.0, times[-1]), grid=grid, save_at=times, rtol=1e-8, atol=1e-11)
    return solutions


def check(solutions: dict[str, fp.Solution]) -> list[Check]:
    checks = []
    for label, (_, _, times, reference) in REGIMES.items():
        error = np.abs(solutions[label].rate_at(times) / np.array(reference) - 1.0).max()
        checks.append(Check(f"largest relative error of N, {label}", 0.0, float(error), TOLERANCE, "absolute"))
    for label, reference in MEAN_POTENTIAL.items():
        sol = solutions[label]
        mean = sol.density @ (sol.grid.width * sol.v)
        error = np.abs(mean - reference).max()
        checks.append(Check(f"largest error of the mean potential, {label}", 0.0, float(error), TOLERANCE, "absolute"))
    for label, reference in REFRACTORY_MASS.items():
        sol = solutions[label]
        pool = 1.0 - sol.density @ sol.grid.width
        error = np.abs(pool / np.array(reference) - 1.0).max()
        checks.append(Check(f"largest relative error of R, {label}", 0.0, float(error), TOLERANCE, "absolute"))
    return checks


def plot(solutions: dict[str, fp.Solution]):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5), layout="constrained")
    axes = figure.subplots()
    for k, (label, (_, _, times, reference)) in enumerate(REGIMES.items()):
        sol = solutions[label]
        dense = np.geomspace(2e-3, sol.t[-1], 400)
        axes.loglog(dense, sol.rate_at(dense), color=f"C{k}", label=label)
        positive = [(t, n) for t, n in zip(times, reference, strict=True) if t > 0]
        axes.plot(*zip(*positive, strict=True), "o", color=f"C{k}", markersize=4)
    axes.set(
        xlabel="time $t$", ylabel="firing rate $N(t)$", title="Computed (lines) and reference (dots)", ylim=(1e-3, 0.4)
    )
    axes.legend(fontsize=8, ncols=2)
    return figure
