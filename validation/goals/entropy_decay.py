"""Relative entropy never grows in the linear equation, for generated models and two convex functions."""

import numpy as np

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title="Relative entropy never grows, whatever the linear model",
    statement=(
        "With b = 0 and constant noise, Σ P H(n/P) (and the share of the refractory pool) decreases in every "
        "backward-Euler step of every length, for every convex H, if P is the stationary state of the scheme itself."
    ),
    source="General relative entropy: Cáceres, Carrillo, Perthame (2011), section 2; discrete: Jensen's inequality",
    parameters={"b": 0, "models": "300 generated (quick: 60)", "steps": 60, "dt": "1e-4 to 10", "a0": "0.1 to 10"},
)

SEED = 7
STEPS = 60
ROUNDING = 1e-14
"""Largest rise that counts as rounding, beside max(E, 1): the entropy of a concentrated datum is a large number."""
FUNCTIONS = {"quadratic": fp.Quadratic(), "logarithmic": fp.Logarithmic()}
SCHEMES = (fp.Upwind(), fp.ScharfetterGummel(), fp.ChangCooper())


def run(quick: bool) -> dict[str, np.ndarray]:
    random = np.random.default_rng(SEED)
    decays = [decay(random, SCHEMES[i % 3]) for i in range(60 if quick else 300)]
    return {name: np.array([entropies[name] for entropies in decays]) for name in FUNCTIONS}


def decay(random: np.random.Generator, scheme) -> dict[str, list[float]]:
    """E after each step, for each convex function."""
    model = any_model(random)
    grid = any_grid(random, model)
    system = scheme.discretize(model, grid)
    P = fp.discrete_stationary(model, grid, scheme=scheme)
    dt = 10.0 ** random.uniform(-4.0, 1.0)
    y = system.pack(any_density(random, grid))
    entropies = {name: [] for name in FUNCTIONS}
    for k in range(STEPS + 1):
        state = fp.State(k * dt, grid, y[:-2, 0], float(y[-1, 0]), float(y[-2, 0]))
        for name, H in FUNCTIONS.items():
            entropies[name].append(fp.relative_entropy(state, P, H))
        y = system.implicit_step(y, k * dt, dt)
    return entropies


def any_model(random: np.random.Generator) -> fp.Population:
    V_F = random.uniform(0.5, 3.0)
    return fp.nnlif(
        b=0.0,
        a0=10.0 ** random.uniform(-1.0, 1.0),
        V_R=V_F - random.uniform(0.2, 2.0),
        V_F=V_F,
        external=random.uniform(-2.0, 2.0),
        refractory=random.choice([None, fp.ExponentialRefractory(10.0 ** random.uniform(-2.0, 0.5))]),
    )


def any_grid(random: np.random.Generator, model: fp.Population) -> fp.Grid:
    """Down to four widths √a0 below the input, where P is still a number to divide by."""
    cells = int(random.integers(20, 64))
    low = min(model.coupling.external_at(0.0), model.V_R) - 4.0 * np.sqrt(model.noise.a0)
    return model.grid(cells, v_min=low, finest=10.0 ** random.uniform(-3.0, -0.5) * (model.V_F - low) / cells)


def any_density(random: np.random.Generator, grid: fp.Grid) -> np.ndarray:
    """Mass 1 in one cell, or in random cells."""
    values = random.random(grid.cells) * (random.random(grid.cells) < random.choice([0.0, 0.5]))
    values[random.integers(grid.cells)] += 0.1
    return values / (values @ grid.width)


def rises(E: np.ndarray) -> np.ndarray:
    """Growth in each step, beside the size of the entropy."""
    return np.diff(E) / np.maximum(E[:, :-1], 1.0)


def check(result: dict[str, np.ndarray]) -> list[Check]:
    checks = []
    for name, E in result.items():
        rise = rises(E)
        checks.append(
            Check(
                f"{name} H: rises beyond {ROUNDING:g} in {rise.size} steps", 0, int(np.sum(rise > ROUNDING)), 0, "equal"
            )
        )
        checks.append(Check(f"{name} H: largest rise", 0.0, float(rise.max()), ROUNDING, "at most"))
        checks.append(Check(f"{name} H: smallest entropy", 0.0, float(E.min()), ROUNDING, "at least"))
        fallen = float(np.mean(E[:, -1] < 0.999 * E[:, 0]))
        checks.append(Check(f"{name} H: share of models whose entropy fell", 0.9, fallen, 0.0, "at least"))
    return checks


def plot(result: dict[str, np.ndarray]):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    E = result["logarithmic"]
    left.semilogy(np.maximum(E, 1e-18).T, color="C0", lw=0.4, alpha=0.5)
    left.set(xlabel="backward-Euler steps", ylabel="logarithmic entropy", title=f"{len(E)} models")
    for name, values in result.items():
        share = -rises(values).ravel()
        right.hist(
            np.log10(np.maximum(share, 1e-34)), bins=np.linspace(-34, 0.5, 60), histtype="step", label=f"{name} H"
        )
    right.axvline(np.log10(ROUNDING), color="C2", label="size of a rise that would count")
    right.set(xlabel="log10 of the fall in one step / max(E, 1)", ylabel="steps", title="every step, at its size")
    right.legend(fontsize=8)
    return figure
