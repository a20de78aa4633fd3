"""What the explorer shows: choices in, a solution with its facts out. Nothing here knows of the page around it."""

from __future__ import annotations

import re
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Any

import numpy as np

from ..cases import INITIALS, SCHEMES
from ..diagnostics.blowup import Criterion, MomentCriterion, blow_up_criterion
from ..learned import learned_connectivity
from ..models.description import model_from_dict
from ..models.elapsed import TimeElapsed
from ..models.learning import Learning, connectivity
from ..models.model import Model
from ..models.parameters import PARAMETERS, STARTS, defaults, described
from ..models.polarization import Polarization
from ..models.population import Population
from ..models.voltage import VoltageModel
from ..operators.choice import cell_scheme
from ..operators.schemes import FluxScheme, Scheme
from ..operators.spectral import Spectral
from ..operators.weno import Weno5
from ..outcomes import BlowUp, FokkerPlanckError, FokkerPlanckWarning, InvalidArgument, Status, named
from ..particles.simulate import simulate
from ..particles.solution import ParticleSolution
from ..solution import Solution
from ..solve import solve
from ..stationary import stationary_states
from ..steppers.implicit import BackwardEuler
from .presets import PRESETS, Preset
from .written import model_expression, scheme_expression, start_expression

CHOSEN_BY_SOLVE = "chosen by solve"
RTOL = 1e-3
"""The rate is right to about that, which no eye sees."""
CELLS, FINEST = 400, 1e-3
"""Cells of a population, and the width of the one at V_F: a picture is no better with more."""
EXPLICIT_CELLS = 100
HALF_LINE, AGES = (400, 40.0, 1e-3), 300
TAIL = 25.0
"""A half-line ends at least so many means of an exponential start away: e^(−25) lies beyond."""
LEARNING_CELLS, LEARNING_STEP = 80, 0.04
SHORTEST_RUN = 60
"""A step is at most that share of a run: a line is drawn through the steps, and its slope is looked at."""
FIXED_STEPS = ("learning", "time-elapsed")
"""Models whose steps have one length."""
EQUAL = 1e-3
"""Moment and bound closer than this are called equal."""
PATIENCE = 10.0
"""Seconds after which a run is stopped: a page must not hang."""
NEURONS = 10_000
PARTICLE_STEPS = 500
WEIGHTS = {"centre": -0.5, "width": 0.15}
"""The connectivity that learning starts from."""
HALF_LINES = ("cell-polarization", "time-elapsed")
NO_NEURONS = "Neurons can be laid only over one population of neurons that are all alike and have a potential."
NONE, UNKNOWN = "no stationary state", "whether there is a stationary state is not known here"
UNCERTAIN = {True: "stable", False: "unstable", None: "stability undecided"}


@dataclass(frozen=True)
class Choices:
    """What the controls say.

    Attributes
    ----------
    model, start : str
        Names from `PARAMETERS` and `STARTS`.
    values, start_values : tuple of (str, float)
        Values of their parameters; what is left out has its default.
    end : float
        The run goes from 0 to here.
    scheme : str
        A name from `schemes(model)`.
    particles : bool
        Whether neurons are laid over.
    """

    model: str
    values: tuple[tuple[str, float], ...] = ()
    start: str = "gaussian"
    start_values: tuple[tuple[str, float], ...] = ()
    end: float = 5.0
    scheme: str = "scharfetter-gummel"
    particles: bool = False


@dataclass(frozen=True)
class Rest:
    """A stationary state as the view shows it: one rate for each lane, what is known of it, and the state itself."""

    symbol: str
    rates: tuple[float, ...]
    stability: str
    exact: Any

    def __str__(self) -> str:
        return f"{self.symbol} = {', '.join(f'{rate:.4g}' for rate in self.rates)} ({self.stability})"


@dataclass(frozen=True)
class View:
    """What there is to see.

    Attributes
    ----------
    choices : Choices
    verdict : str
        What happened, in a sentence or two.
    tone : str
        "blow-up", "calm", "trouble" or "refused".
    certificate : str
        What the theorem on blow-up says of this start.
    states : tuple of Rest
        Stationary states, by increasing rate.
    notes : tuple of str
        Warnings and messages; none is left out.
    code : str
        Python that does the same; empty where the choices are refused.
    solution : Solution or None
    neurons : ParticleSolution or None
    """

    choices: Choices
    verdict: str
    tone: str
    certificate: str = ""
    states: tuple[Rest, ...] = ()
    notes: tuple[str, ...] = ()
    code: str = ""
    solution: Solution | None = None
    neurons: ParticleSolution | None = None


def choices_of(preset: Preset | str) -> Choices:
    """The choices that show a theorem.

    Raises
    ------
    InvalidArgument
        If there is no preset of that name.

    >>> choices_of("weakly-excitatory").model
    'nnlif'
    """
    shown: Preset = preset if isinstance(preset, Preset) else named("preset", PRESETS, preset)
    return Choices(
        model=shown.model,
        values=tuple((defaults(PARAMETERS[shown.model]) | dict(shown.values)).items()),
        start=shown.start,
        start_values=tuple((defaults(STARTS[shown.start]) | dict(shown.start_values)).items()),
        end=shown.end,
        scheme=schemes(shown.model)[0],
    )


@cache
def schemes(kind: str) -> tuple[str, ...]:
    """The schemes for a model: the natural one first, then those of `cases.SCHEMES` that suit, then that of `solve`.

    >>> schemes("time-elapsed")
    ('characteristics', 'chosen by solve')
    """
    model = model_from_dict(described(kind, {}))
    natural = next(name for name, scheme in SCHEMES.items() if scheme is type(cell_scheme(model)))
    others = [name for name in SCHEMES if name != natural and _suits(SCHEMES[name](), model)]
    return (natural, *others, CHOSEN_BY_SOLVE)


def starts(kind: str) -> tuple[str, ...]:
    """The initial densities for a model."""
    return ("exponential",) if kind in HALF_LINES else ("gaussian", "compatible-gaussian")


def no_particles(kind: str) -> str:
    """Why no neurons can be laid over this model; empty if they can."""
    model = model_from_dict(described(kind, {}))
    if isinstance(model, Population):
        return ""
    try:
        simulate(model, 1, INITIALS["gaussian"](0.0, 1.0), (0.0, 1.0))  # type: ignore[arg-type]  # refused at once
    except InvalidArgument:
        return NO_NEURONS
    raise AssertionError(f"`simulate` takes {kind}, so the view should show it")


def view_of(choices: Choices) -> View:
    """Solve what the choices say and collect the facts.

    What is refused, and what went wrong, is in the view with the sentence of the error.

    >>> view_of(choices_of("weakly-excitatory")).tone
    'calm'
    """
    view = _solved(replace(choices, particles=False))
    if not choices.particles or view.solution is None:
        return replace(view, choices=choices)
    return _with_neurons(replace(view, choices=choices))


def seconds(end: float) -> Callable[[Any], bool]:
    """A condition for `solve` that holds after the patience of the page is over."""
    deadline = time.monotonic() + end
    return lambda state: time.monotonic() > deadline


# -- details ----------------------------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def _solved(choices: Choices) -> View:
    try:
        description = described(choices.model, dict(choices.values))
        model = model_from_dict(description)
        start = _start(choices)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            options = _options(model, choices) | {"rtol": RTOL, "estimate_error": False}
            solution = solve(model, start, (0.0, choices.end), stop_when=[seconds(PATIENCE)], **options)
            states, count = _states(model, choices)
    except FokkerPlanckError as error:
        return View(choices, f"Not possible: {error}", "refused")
    notes = [str(w.message) for w in caught if issubclass(w.category, FokkerPlanckWarning)]
    notes += [f"{w.category.__name__}: {w.message}" for w in caught if not issubclass(w.category, FokkerPlanckWarning)]
    verdict, tone = _verdict(solution, count)
    return View(
        choices=choices,
        verdict=verdict,
        tone=tone,
        certificate=_certificate(model, choices, solution),
        states=states,
        notes=tuple(dict.fromkeys([_plain(solution.message), *notes])),
        code=_code(choices, description, model),
        solution=solution,
    )


def _start(choices: Choices) -> Any:
    density = _density(choices)
    if choices.model != "learning":
        return density
    centre, width = WEIGHTS["centre"], WEIGHTS["width"]
    return connectivity(lambda w: np.exp(-(((w - centre) / width) ** 2)), density)


def _suits(scheme: Scheme, model: Model) -> bool:
    try:
        if isinstance(scheme, Spectral):
            return not model.exchanges and scheme.suits(model, INITIALS["gaussian"](0.0, 0.25), (0.0, 1.0))
        scheme.discretize(model, model.grid(60))  # type: ignore[attr-defined]  # every model here has a grid
    except FokkerPlanckError:
        return False
    return True


def _options(model: Any, choices: Choices) -> dict[str, Any]:
    """Grid, scheme and steps for `solve`: as coarse as a picture bears, where the scheme is named."""
    steps = {} if choices.model in FIXED_STEPS else {"max_step": choices.end / SHORTEST_RUN}
    return _grid_and_scheme(model, choices) | steps


def _grid_and_scheme(model: Any, choices: Choices) -> dict[str, Any]:
    if choices.scheme == CHOSEN_BY_SOLVE:
        return {}
    method = named("scheme", SCHEMES, choices.scheme)()
    low = _lower_end(model, choices)
    if isinstance(model, Learning):
        grid = model.grid(LEARNING_CELLS, low)
        return {"grid": grid, "scheme": method, "stepper": BackwardEuler(LEARNING_STEP)}
    if isinstance(model, Polarization):
        return {"grid": model.grid(*_half_line(choices)), "scheme": method}
    if isinstance(model, TimeElapsed):
        return {"grid": model.grid(AGES), "scheme": method}
    if isinstance(method, Weno5):
        return {"grid": model.grid(EXPLICIT_CELLS, low), "scheme": method}
    if isinstance(method, FluxScheme):
        return {"grid": model.grid(CELLS, low, FINEST), "scheme": method}
    return {"scheme": method}


def _half_line(choices: Choices) -> tuple[int, float, float]:
    cells, end, finest = HALF_LINE
    return cells, max(end, TAIL * dict(choices.start_values)["scale"]), finest


def _lower_end(model: Any, choices: Choices) -> float | None:
    """Where the grid begins if the start reaches lower than a grid of the model alone; in tenths, to be read."""
    if not isinstance(model, VoltageModel):
        return None
    lowest = _density(choices).lowest
    return None if lowest >= model.lowest_potential() else float(np.floor(10.0 * lowest) / 10.0)


def _states(model: Any, choices: Choices) -> tuple[tuple[Rest, ...], str]:
    """Stationary states, and how many there are, in words."""
    if isinstance(model, Learning):
        if dict(choices.values).get("speed") == 0.0:
            return (), "frozen weights do not learn, so that every connectivity C(w) is stationary"
        states = tuple(Rest("N̄", (s.total,), f"w* = {s.edge:.4g}", s) for s in learned_connectivity(model))
        return states, _counted(states)
    if isinstance(model, Polarization) and not model.polarity.binds and model.total == model.polarity.critical_mass():
        return _critical(model, choices)
    try:
        found: Sequence[Any] = stationary_states(model)
    except FokkerPlanckError as error:
        return (), f"{UNKNOWN} ({error})"
    states = tuple(_state(model, s) for s in found)
    return states, _counted(states)


def _critical(model: Polarization, choices: Choices) -> tuple[tuple[Rest, ...], str]:
    """At the critical mass the one of infinitely many states that has the first moment of the start."""
    count = "of this critical mass every density that falls like e^(−αz), α > 0, is stationary"
    if not model.polarity.instant:
        return (), count
    # J = ∫ z n dz does not change, and is M/α there; an exponential start of the mean 1/α is the state itself.
    alike = model.steady_state(1.0 / dict(choices.start_values)["scale"])
    return (_state(model, alike),), f"{count}, and so is this start"


def _counted(states: tuple[Rest, ...]) -> str:
    return {0: NONE, 1: "one stationary state"}.get(len(states), f"{len(states)} stationary states")


def _state(model: Model, found: Any) -> Rest:
    rates = tuple(float(rate) for rate in np.atleast_1d(found.rate))
    symbol = ", ".join(_activities(model, len(rates)))
    return Rest(symbol, rates, UNCERTAIN[getattr(found, "stable", None)], found)


def _activities(model: Model, count: int) -> list[str]:
    """What the rates of a model are called, in plain letters."""
    return [model.activity] if count == 1 else [f"{model.activity}_{name}" for name in model.lane_names]


def _verdict(solution: Solution, count: str) -> tuple[str, str]:
    """What happened, and in which tone to say it."""
    if solution.blow_up is not None:
        return _blown_up(solution.blow_up), "blow-up"
    end, model = solution.t[-1], solution.model
    if solution.status is Status.STOPPED:
        return f"The page stopped this run after {PATIENCE:g} seconds, at t = {end:.4g}.", "trouble"
    if solution.status is not Status.FINISHED:
        advice = "choose the first scheme of the menu, or take the Python code below and a finer grid"
        return f"{_plain(solution.message)} To see more, {advice}.", "trouble"
    assert model is not None
    rates = np.atleast_1d(model.shown_rate(solution.rate)[-1])
    if isinstance(model, Learning):
        shown = f"N̄ = {total_rate(solution)[-1]:.4g}"
    else:
        pairs = zip(_activities(model, len(rates)), rates, strict=True)
        shown = ", ".join(f"{name} = {rate:.4g}" for name, rate in pairs)
    return f"No blow-up up to t = {end:g}, where {shown}; {count}.", "calm"


def _blown_up(blow_up: BlowUp) -> str:
    low, high = blow_up.interval
    if low == high:
        return f"Blow-up at once, at t* = {low:g}: the start has so many neurons at V_F that no rate is large enough."
    return f"Blow-up at t* = {blow_up.time:.5g}, between {low:.5g} and {high:.5g}."


def _plain(message: str) -> str:
    """What the solver says without its advice, which is about arguments that the page does not have."""
    return re.sub(r"; use [^)]*(?=\))|; use .*(?=\.$)", "", message)


def total_rate(solution: Solution) -> np.ndarray:
    """N̄ of a learning network at all steps."""
    assert isinstance(solution.model, Learning)
    return np.asarray(solution.rate.sum(axis=1) * solution.model.dw)


def _certificate(model: Any, choices: Choices, solution: Solution) -> str:
    """What the theorem says of this start, beside what the run has found."""
    if isinstance(model, TimeElapsed):
        return "No certificate: the theorem on blow-up is about neurons with a membrane potential."
    if isinstance(model, Learning):
        return "No certificate: the theorem on blow-up is about neurons that are all alike and do not learn."
    if not isinstance(model, Population | Polarization):
        return "No certificate: the criterion for blow-up is stated for one population."
    try:
        criterion = _criterion(choices)
    except FokkerPlanckError as error:
        return f"No certificate: {re.split(', not for |; use ', str(error))[0].rstrip('.')}."
    if isinstance(criterion, Criterion) and not np.isfinite(criterion.mu):
        return f"No certificate: {_never(model)}."
    compared = _compared(criterion)
    if criterion.satisfied:
        return (
            f"Certificate: the theorem promises a blow-up no later than T* = {criterion.latest_time:.5g} ({compared})."
        )
    missing = f"No certificate: the criterion of the theorem is not satisfied ({compared})"
    if solution.blow_up is None:
        return f"{missing}."
    return f"{missing}, and yet there is a blow-up: it is sufficient, not necessary."


@lru_cache(maxsize=64)
def _criterion(choices: Choices) -> Criterion | MomentCriterion:
    model: Any = model_from_dict(described(choices.model, dict(choices.values)))
    found: Criterion | MomentCriterion = blow_up_criterion(model, _density(choices))
    return found


def _never(model: Population | Polarization) -> str:
    """Why the theorem can promise no blow-up to any start."""
    if isinstance(model, Population) and model.coupling.delay > 0.0:
        return "with a transmission delay solutions exist for all times, whatever b is"
    return "with b ≤ 0 and constant noise solutions exist for all times"


def _compared(criterion: Criterion | MomentCriterion) -> str:
    if isinstance(criterion, MomentCriterion):
        return f"first moment J(0) = {criterion.moment:.4g}"
    moment, bound, at = f"M_μ(0) = {criterion.moment:.4g}", f"{criterion.bound:.4g}", f"with μ = {criterion.mu:.4g}"
    if not criterion.satisfied:
        return f"{moment} < {bound} {at}, the μ that comes closest"
    if criterion.moment <= (1.0 + EQUAL) * criterion.bound:
        return f"{moment} {at}, the μ of the earliest T*, where M_μ(0) just reaches the bound"
    return f"{moment} ≥ {bound} {at}, the μ of the earliest T*"


def _density(choices: Choices) -> Any:
    """The initial density, without what is learned."""
    return named("initial density", INITIALS, choices.start)(**dict(choices.start_values))


def _particle_options(view: View) -> dict[str, Any]:
    """Until where the density goes, with steps as short as the picture needs."""
    assert view.solution is not None
    end = float(view.solution.t[-1])
    return {
        "t_span": (0.0, end),
        "dt": min(0.01, end / PARTICLE_STEPS),
        "save_at": np.linspace(0.0, end, 61),
        "seed": 1,
    }


def _with_neurons(view: View) -> View:
    reason = no_particles(view.choices.model)
    if reason:
        return replace(view, notes=(*view.notes, reason))
    options = _particle_options(view)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            assert view.solution is not None
            neurons = simulate(view.solution.model, NEURONS, _start(view.choices), **options)  # type: ignore[arg-type]
    except FokkerPlanckError as error:
        return replace(view, notes=(*view.notes, f"Neurons: {error}"))
    said = [f"Neurons: {w.message}" for w in caught]
    if neurons.status is not Status.FINISHED:
        said.append(f"Neurons: {neurons.message}")
    t_span, dt = options["t_span"], options["dt"]
    code = (
        f"neurons = fp.simulate(model, {NEURONS}, start, {t_span!r}, dt={dt!r}, seed=1)\n"
        'neurons.plot().savefig("neurons.png")\n'
    )
    return replace(view, neurons=neurons, notes=(*view.notes, *dict.fromkeys(said)), code=view.code + code)


def _code(choices: Choices, description: dict[str, Any], model: Model) -> str:
    """Python that solves the same."""
    start = start_expression(choices.start, dict(choices.start_values))
    first = "import fokkerplanck as fp\n"
    states = "fp.stationary_states(model)"
    if isinstance(model, Learning):
        first = f"import numpy as np\n\n{first}"
        centre, width = WEIGHTS["centre"], WEIGHTS["width"]
        start = f"fp.connectivity(lambda w: np.exp(-(((w - {centre}) / {width}) ** 2)), {start})"
        states = "fp.learned_connectivity(model)"
    arguments = ["model", "start", f"(0.0, {choices.end!r})", *_option_expressions(choices, model)]
    arguments += [f"rtol={RTOL!r}", "estimate_error=False"]
    lines = [
        first,
        f"model = {model_expression(description)}",
        f"start = {start}",
        "sol = fp.solve(\n" + "".join(f"    {argument},\n" for argument in arguments) + ")",
        "print(sol)",
        f"print({states})",
    ]
    try:
        _criterion(choices)
        lines.append("print(fp.blow_up_criterion(model, start))")
    except FokkerPlanckError:
        pass  # the view says why there is no certificate
    return "\n".join([*lines, 'sol.plot().savefig("view.png")']) + "\n"


def _option_expressions(choices: Choices, model: Any) -> list[str]:
    """`_options` as they are written."""
    steps = [] if choices.model in FIXED_STEPS else [f"max_step={choices.end / SHORTEST_RUN!r}"]
    return [*_grid_and_scheme_expressions(choices, model), *steps]


def _grid_and_scheme_expressions(choices: Choices, model: Any) -> list[str]:
    if choices.scheme == CHOSEN_BY_SOLVE:
        return []
    written = [f"scheme={scheme_expression(choices.scheme)}"]
    low = _lower_end(model, choices)
    begins = "" if low is None else f", v_min={low!r}"
    if isinstance(model, Learning):
        return [f"grid=model.grid({LEARNING_CELLS}{begins})", *written, f"stepper=fp.BackwardEuler({LEARNING_STEP})"]
    if isinstance(model, Polarization):
        return [f"grid=model.grid{_half_line(choices)}", *written]
    if isinstance(model, TimeElapsed):
        return [f"grid=model.grid({AGES})", *written]
    if SCHEMES[choices.scheme] is Weno5:
        return [f"grid=model.grid({EXPLICIT_CELLS}{begins})", *written]
    if issubclass(SCHEMES[choices.scheme], FluxScheme):
        return [f"grid=model.grid({CELLS}{begins}, finest={FINEST})", *written]
    return written
