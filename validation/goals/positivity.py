"""No negative cell: backward Euler with a positive scheme, whatever the model, the grid, the datum and the step."""

import numpy as np

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title="The density never becomes negative",
    statement=(
        "With weights ≥ 0 the matrix of a backward-Euler step is an M-matrix, and the elimination adds non-negative "
        "numbers only: no cell, no pool and no rate falls below zero, by so much as a rounding error, for any step. "
        "Central differences, whose weights change sign at Péclet number 2, do go negative: the count can fail."
    ),
    source="M-matrices; elimination without subtraction after Grassmann, Taksar, Heyman (1985)",
    parameters={
        "models": "10,000 generated (quick: 1,000)",
        "b": "−50 to 50",
        "a0": "0.01 to 100",
        "dt": "1e-4 to 1",
        "steps": 12,
    },
)

SEED = 20
STEPS = 12
POSITIVE = (fp.Upwind(), fp.ScharfetterGummel(), fp.ChangCooper())


def run(quick: bool) -> dict[str, np.ndarray]:
    random = np.random.default_rng(SEED)
    rows = [smallest_values(random, POSITIVE[i % 3]) for i in range(1_000 if quick else 10_000)]
    control = [smallest_values(random, fp.Central()) for _ in range(300)]
    return {"positive schemes": np.array(rows), "central": np.array(control)}


def smallest_values(random: np.random.Generator, scheme) -> tuple[float, ...]:
    """dt, largest Péclet number, negative cells, smallest cell over the largest, smallest of pool and rate, mass."""
    model = any_model(random)
    grid = any_grid(random, model)
    dt = 10.0 ** random.uniform(-4.0, 0.0)
    system = scheme.discretize(model, grid)
    y = system.pack(any_density(random, grid))
    system.close(y, 0.0)  # where no rate exists the run starts from N = 0, as legal a coefficient as any
    negative, smallest, other, mass_error = 0, np.inf, np.inf, 0.0
    for k in range(STEPS):
        y = system.implicit_step(y, k * dt, dt)
        density = y[:-2, 0]
        negative += int(np.sum(~(density >= 0.0)))  # counts what is not a number as well
        smallest = min(smallest, float(density.min() / np.abs(density).max()))
        other = min(other, float(y[-2:].min()))
        mass_error = max(mass_error, abs(float(grid.width @ density + y[-2, 0]) - 1.0))
    return dt, peclet_number(model, grid, float(y[-1, 0])), negative, smallest, other, mass_error


def peclet_number(model: fp.Population, grid: fp.Grid, rate: float) -> float:
    """Largest |drift| · distance / diffusion between two neighbouring cells."""
    drift = model.coupling.current(rate, 0.0) - grid.faces[1:-1]
    return float(np.max(np.abs(drift) * np.diff(grid.v)) / model.noise.diffusion(rate))


def any_model(random: np.random.Generator) -> fp.Population:
    V_F = random.uniform(0.5, 3.0)
    return fp.nnlif(
        b=random.uniform(-50.0, 50.0),
        a0=10.0 ** random.uniform(-2.0, 2.0),
        a1=random.choice([0.0, random.uniform(0.0, 2.0)]),
        V_R=V_F - random.uniform(0.2, 2.0),
        V_F=V_F,
        external=random.uniform(-5.0, 5.0),
        refractory=random.choice([None, fp.ExponentialRefractory(10.0 ** random.uniform(-3.0, 1.0))]),
    )


def any_grid(random: np.random.Generator, model: fp.Population) -> fp.Grid:
    cells = int(random.integers(20, 64))
    length = random.uniform(1.2, 6.0) * (model.V_F - model.V_R)
    finest = random.choice([None, 10.0 ** random.uniform(-5.0, -0.5) * length / cells])
    return model.grid(cells, v_min=model.V_F - length, finest=finest)


def any_density(random: np.random.Generator, grid: fp.Grid) -> np.ndarray:
    """Mass 1 in one cell, in random cells, or in a bell."""
    values = np.zeros(grid.cells)
    kind = random.integers(3)
    if kind == 0:
        values[random.integers(grid.cells)] = 1.0
    elif kind == 1:
        values = random.random(grid.cells) * (random.random(grid.cells) < 0.5)
        values[random.integers(grid.cells)] += 0.1
    else:
        centre = random.uniform(grid.v_min, grid.V_F)
        values = np.exp(-(((grid.v - centre) / (0.2 * (grid.V_F - grid.v_min))) ** 2))
    return values / (values @ grid.width)


def check(result: dict[str, np.ndarray]) -> list[Check]:
    _, _, negative, _, other, mass_error = result["positive schemes"].T
    return [
        Check(f"negative cells in {len(negative)} models × {STEPS} steps", 0, int(negative.sum()), kind="equal"),
        Check("smallest pool or rate", 0.0, float(other.min()), 0.0, "at least"),
        Check("largest |mass − 1|", 0.0, float(mass_error.max()), 1e-12, "at most"),
        Check("decades of dt", 4.0, float(np.ptp(np.log10(result["positive schemes"][:, 0]))), 0.05, "at least"),
        Check("control: negative cells of central differences", 1, int(result["central"][:, 2].sum()), 0, "at least"),
    ]


def plot(result: dict[str, np.ndarray]):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    for (label, rows), colour, size in zip(result.items(), ("C0", "C3"), (2, 8), strict=True):
        dt, peclet, _, smallest, _, _ = rows.T
        left.scatter(peclet, smallest, s=size, color=colour, label=label)
        right.scatter(dt, smallest, s=size, color=colour)
    left.set(xscale="log", xlabel="largest cell Péclet number", ylabel="smallest cell / largest cell")
    left.set_yscale("symlog", linthresh=1e-16)
    left.axvline(2.0, color="k", lw=0.8, ls=":")
    left.legend(fontsize=8, loc="lower left")
    right.set(xscale="log", xlabel="step dt")
    for axes in (left, right):
        axes.axhline(0.0, color="k", lw=0.8)
    figure.suptitle("Every generated model: the smallest cell after backward-Euler steps")
    return figure
