"""Sweeps: the same question asked at every point of a grid of parameters."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import numpy as np

from .cases import Case
from .clocks import Clock
from .diagnostics.entropy import relative_entropy
from .diagnostics.steady import Steady
from .grid import Cells, Grid
from .inputs import check_kinds, checked_flag, checked_past, checked_span, checked_tolerance, starting_state
from .models.model import Model
from .models.population import Population
from .models.side_by_side import SideBySide, joins, place
from .operators.schemes import FluxScheme, ScharfetterGummel
from .outcomes import FokkerPlanckWarning, InvalidArgument, Status, named, positive, whole_number
from .points import Axes, Subject, described
from .points import named as in_words
from .pool import Outcome, compute, processors
from .solution import Solution
from .solve import solve
from .state import InitialDensity, State, as_density, together
from .steppers.protocol import Stepper, Tolerance
from .steppers.rosenbrock import Rodas5P

Metric = Callable[[Solution], Any]

OUTCOMES = {
    Status.FINISHED: "finished",
    Status.BLOW_UP: "blow-up",
    Status.STOPPED: "steady",
    Status.ETERNAL: "eternal",
    Status.UNRESOLVED: "unresolved",
    Status.STALLED: "stalled",
    Status.INTERRUPTED: "interrupted",
}
ASIDE, MISSING = "set aside", "not computed"
TEXT = 240
"""Longest remark that is kept."""
ABREAST, ALONE = (32, 256), (1, 8)
"""Least and most points that are sent, kept and at most lost together: side by side, and one after the other."""
PIECES = 4
"""For each process, if there are points enough."""
ABOVE, SMALL, LATEST = 30.0, 0.3, 6
"""The decay of the entropy is that over the last so many steps with a relative deviation of at least 30 rtol, and 30
times that before the last step, all of which must be at most 0.3."""
BENT = 0.03
"""Relative difference of the slopes in the two halves of these steps above which the decay is not yet exponential."""


def sweep(
    what: Model | Case | Callable[..., Any],
    axes: Mapping[str, Any],
    *,
    initial: Any = None,
    t_span: tuple[float, float] | None = None,
    metrics: Sequence[str] | Mapping[str, Metric] | None = None,
    grid: Cells | None = None,
    scheme: FluxScheme | None = None,
    stepper: Stepper | None = None,
    rtol: float | None = None,
    atol: float | None = None,
    steady: float | None = 1e-6,
    max_step: float | None = None,
    estimate_error: bool = True,
    folder: str | os.PathLike[str] | None = None,
    executor: Any = None,
    workers: int | None = None,
    progress: bool = False,
) -> Any:
    """Solve a model at every point of a grid of parameters, or evaluate a function there.

    Populations without delay, fixed refractory time and I(t) are solved side by side, as lanes of one system on one
    grid of cells: each with its own adaptive steps and its own end (blow-up, steady state, end of `t_span`), as
    `fp.solve` would on that grid with that tolerance. All other models are solved one by one.

    Parameters
    ----------
    what : model, Case or callable
        A model, one of whose numbers each axis names; a Case; a function of the axes that makes a model, such as
        `fp.nnlif` (then `t_span` is needed); or without `t_span` any function of the axes that returns a number, or a
        dictionary of numbers and texts.
    axes : mapping of str to array
        Values of the parameters: {"b": …, "a1": …, "initial.mean": …}. The name is that of a number in the model,
        "coupling.delay" in full or "delay" where that is the only one; with "initial." before it, of one in `initial`.
    initial : initial density
        As for `fp.solve`; not for a Case, which has one.
    t_span : (float, float)
        Start and latest end (membrane time constants); not for a Case.
    metrics : sequence of str, or mapping of str to callable, optional
        Names from `METRICS`; or functions of a Solution that return a number or a text, by the names they are to have,
        beside the default metrics. Default: status, rate, t_star, t_end, error, remark.
    grid : Grid, optional
        For all points. Default: what the scheme chooses for all of them together.
    scheme, stepper : optional
        Default `fp.ScharfetterGummel()` and `fp.Rodas5P()`; with another stepper points are solved one by one.
    rtol, atol : float, optional
        Local error per step, default 1e-4 and rtol/1000; 1e-8 where the decay of the entropy is asked for.
    steady : float or None
        End a point where the density changes by less, in L¹ per membrane time constant; None: never.
    max_step : float, optional
        Longest step, by default one membrane time constant: an implicit step that is longer takes what decays for gone,
        and the point for steady. Infinite if `steady` is None.
    estimate_error : bool
        Estimate the error of N at each point by a second run with half the resolution.
    folder : path, optional
        Where finished pieces are kept: the same call goes on where it was interrupted or killed. The call is the same
        if arguments and code are, that of functions together with what they call; of libraries only the names count.
    executor : concurrent.futures.Executor, optional
        Default: processes on this machine. `dask.distributed.Client(...).get_executor()` uses a cluster.
    workers : int, optional
        Processes; default: one per processor. With 1 everything is done in this process.
    progress : bool
        Show a progress bar with the remaining time.

    Returns
    -------
    xarray.Dataset or numpy.recarray
        A variable for each metric over the axes; without xarray (extra `io`) a record array of the shape of the axes.

    Raises
    ------
    InvalidArgument
        If an axis names nothing, a value is out of range, a datum does not fit, or `folder` holds another sweep: before
        anything is run.

    >>> import numpy as np
    >>> import fokkerplanck as fp
    >>> table = fp.sweep(fp.nnlif(b=0.5), {"b": [0.5, 3.0]}, initial=fp.gaussian(-1.0, 0.5), t_span=(0.0, 20.0))
    >>> np.asarray(table["status"]).tolist()
    ['steady', 'blow-up']
    """
    checked = Axes.of(axes)
    if isinstance(what, Case | Model) or t_span is not None:
        work: Any = _runs(
            what, checked, initial, t_span, metrics, grid, scheme, stepper, rtol, atol, steady, max_step, estimate_error
        )
    elif callable(what):
        given = {"initial": initial, "metrics": metrics, "grid": grid, "scheme": scheme, "stepper": stepper}
        needless = [name for name, value in given.items() if value is not None]
        if needless:
            raise InvalidArgument(f"`{needless[0]}` is for models; if the function makes one, give `t_span` as well.")
        work = Evaluations(what, checked)
    else:
        raise InvalidArgument(f"`what` must be a model, a Case or a function, not {what!r:.60}.")
    identity = {"axes": {name: values.tolist() for name, values in checked.values.items()}, **work.identity}
    count = processors() if workers is None else whole_number("workers", workers, 1)
    how: dict[str, Any] = {"executor": executor, "workers": workers, "progress": checked_flag("progress", progress)}
    outcome = _computed(work, len(checked), work.piece(len(checked), count), identity, folder, how)
    return _table(checked, outcome, identity, folder is not None, work.names)


# -- what is computed at a range of points ---------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Evaluations:
    """A function of the axes."""

    function: Callable[..., Any]
    axes: Axes

    names: ClassVar[tuple[str, ...]] = ()

    def piece(self, n: int, workers: int) -> int:
        return _piece(n, workers, ALONE)

    @property
    def identity(self) -> dict[str, Any]:
        return {"function": described(self.function)}

    def __call__(self, start: int, stop: int) -> dict[str, np.ndarray]:
        rows = []
        for k in range(start, stop):
            point = self.axes.point(k)
            with _at(point):
                value = self.function(**point)
            rows.append(dict(value) if isinstance(value, Mapping) else {"value": value})
        return _columns(rows, self.axes)


@dataclass(frozen=True, eq=False)
class Runs:
    """Solutions of a model, and what the metrics say of them."""

    subject: Subject
    axes: Axes
    t_span: tuple[float, float]
    metrics: Mapping[str, Metric]
    grid: Cells | None
    grids: Mapping[Any, Grid]
    scheme: FluxScheme | None
    stepper: Stepper | None
    tolerance: Tolerance
    steady: float | None
    max_step: float
    estimate_error: bool
    clock: Clock | None

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.metrics)

    def piece(self, n: int, workers: int) -> int:
        return _piece(n, workers, ABREAST if self.grids else ALONE)

    @property
    def identity(self) -> dict[str, Any]:
        return {
            "model": described(self.subject.model),
            "initial": described(self.subject.initial),
            "t_span": list(self.t_span),
            "metrics": {name: described(metric) for name, metric in self.metrics.items()},
            "grid": "default" if self.grid is None else repr(self.grid),
            "scheme": described(self.scheme),
            "stepper": described(self.stepper),
            "clock": described(self.clock),
            "tolerance": [self.tolerance.rtol, self.tolerance.atol],
            "steady": self.steady,
            "max_step": self.max_step,
            "estimate_error": self.estimate_error,
        }

    def __call__(self, start: int, stop: int) -> dict[str, np.ndarray]:
        points = [self.subject.at(self.axes.point(k)) for k in range(start, stop)]
        rows: list[dict[str, Any]] = [{}] * len(points)
        for k, solution, told in self._solutions(points):
            with _at(self.axes.point(start + k)):
                row = {name: metric(solution) for name, metric in self.metrics.items()}
            if self.metrics.get("remark") is remark:
                new = [sentence for sentence in told if sentence not in solution.message]
                row["remark"] = " ".join(filter(None, [*new, row["remark"]]))[:TEXT]
            rows[k] = row
        return _columns(rows, self.axes)

    def _solutions(self, points: list[tuple[Model, Any]]) -> Iterator[tuple[int, Solution, list[str]]]:
        groups: dict[Any, list[int]] = {}
        for k, (model, _) in enumerate(points):
            groups.setdefault(self._place(model), []).append(k)
        alone = groups.pop(None, [])
        for key, members in groups.items():
            for k, solution, told in self._abreast(self.grids[key], members, points):
                if solution is None:
                    alone.append(k)
                else:
                    yield k, solution, told
        for k in alone:
            yield k, *self._alone(*points[k])

    def start(self, grid: Grid, model: Model, initial: Any) -> tuple[State, list[str]]:
        """The state from which a lane starts, and what there is to say about it."""
        scheme = self.scheme or ScharfetterGummel()
        past = checked_past(model, None, initial, self.t_span[0])
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", FokkerPlanckWarning)
            state = starting_state(model, initial, grid, scheme, self.t_span, past)
        return state, [str(warning.message) for warning in caught]

    def _abreast(
        self, grid: Grid, members: list[int], points: list[tuple[Model, Any]]
    ) -> Iterator[tuple[int, Solution | None, list[str]]]:
        from .side_by_side import Settings, solve_side_by_side

        scheme = self.scheme or ScharfetterGummel()
        settings = Settings(scheme, self.tolerance, self.steady, self.keeps, self.estimate_error, self.max_step)
        models = [cast(Population, points[k][0]) for k in members]
        states, told = zip(*(self.start(grid, *points[k]) for k in members), strict=True)
        for k, solution in solve_side_by_side(models, states, self.t_span[1], settings):
            yield members[k], solution, told[k]

    def _place(self, model: Model) -> Any:
        """By which a model finds its grid, if it is solved side by side with others."""
        return place(cast(Population, model)) if self.grids and joins(model) else None

    def _alone(self, model: Model, initial: Any) -> tuple[Solution, list[str]]:
        grid = self.grids.get(self._place(model), self.grid)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", FokkerPlanckWarning)
            solution = solve(
                model,
                initial,
                self.t_span,
                grid=grid,
                scheme=self.scheme,
                stepper=self.stepper,
                rtol=self.tolerance.rtol,
                atol=self.tolerance.atol,
                max_step=self.max_step,
                save_at=None if self.keeps else [],
                stop_when=[] if self.steady is None else [Steady(self.steady)],
                estimate_error=self.estimate_error,
                clock=self.clock,
            )
        if solution.status is Status.INTERRUPTED:
            raise KeyboardInterrupt
        return solution, [str(warning.message) for warning in caught]

    @property
    def keeps(self) -> bool:
        """Whether a metric looks at densities before the end."""
        return not set(self.metrics.values()) <= LIGHT


def _runs(
    what: Any,
    axes: Axes,
    initial: Any,
    t_span: Any,
    metrics: Any,
    grid: Any,
    scheme: Any,
    stepper: Any,
    rtol: float | None,
    atol: float | None,
    steady: float | None,
    max_step: float | None,
    estimate_error: bool,
) -> Runs:
    """The runs, with every argument and every point checked."""
    clock = None
    chosen = _checked_metrics(metrics, axes)
    if isinstance(what, Case):
        doubled = [name for name, value in {"initial": initial, "t_span": t_span}.items() if value is not None]
        if doubled:
            raise InvalidArgument(f"`{doubled[0]}` is part of the case; leave it out.")
        t_span, grid, scheme, stepper = what.t_span, grid or what.grid, scheme or what.scheme, stepper or what.stepper
        rtol, atol, clock = rtol or what.rtol, atol or what.atol, what.clock
    elif initial is None or t_span is None:
        raise InvalidArgument("`initial` and `t_span` are needed, as for fp.solve.")
    subject = Subject.of(what, initial, axes.values)
    if rtol is None:
        rtol = 1e-8 if entropy_decay in chosen.values() else 1e-4
    tolerance = checked_tolerance(rtol, 1e-3 * rtol if atol is None else atol)
    span = checked_span(t_span)
    points = [subject.at(axes.point(k)) for k in range(len(axes))]
    check_kinds(points[0][0], grid, scheme, stepper)
    if steady is not None:
        steady = positive("steady", steady)
    if max_step is None:
        max_step = math.inf if steady is None else 1.0
    natural = clock is None and (stepper is None or isinstance(stepper, Rodas5P))
    natural = natural and (scheme is None or (isinstance(scheme, FluxScheme) and not math.isfinite(scheme.bound)))
    grids: dict[Any, Grid] = {}
    if natural and not isinstance(subject.initial, State):
        grids = _grids(axes, points, span, grid, scheme or ScharfetterGummel())
    runs = Runs(
        subject=subject,
        axes=axes,
        t_span=span,
        metrics=chosen,
        grid=grid,
        grids=grids,
        scheme=scheme,
        stepper=stepper,
        tolerance=tolerance,
        steady=steady,
        max_step=max_step,
        estimate_error=checked_flag("estimate_error", estimate_error),
        clock=clock,
    )
    for k, (model, datum) in enumerate(points if grids else []):
        if joins(model):
            with _at(axes.point(k)):
                runs.start(grids[place(cast(Population, model))], model, datum)
    return runs


@contextmanager
def _at(point: Mapping[str, float]) -> Iterator[None]:
    """Name the point in what goes wrong there."""
    try:
        yield
    except InvalidArgument as error:
        raise InvalidArgument(f"at {in_words(point)}: {error}") from None
    except Exception as error:
        error.add_note(f"at {in_words(point)}")
        raise


def _piece(n: int, workers: int, bounds: tuple[int, int]) -> int:
    """Points that are sent together: enough pieces for all processes, none too small or too large."""
    return min(max(-(-n // (PIECES * workers)), bounds[0]), bounds[1])


def _grids(
    axes: Axes, points: list[tuple[Model, Any]], t_span: tuple[float, float], grid: Grid | None, scheme: FluxScheme
) -> dict[Any, Grid]:
    """A grid for all the points that have V_R, V_F and the kind of threshold in common."""
    models: dict[Any, dict[Population, None]] = {}
    data: dict[Any, dict[int, InitialDensity]] = {}
    for model, initial in points:
        if joins(model):
            assert isinstance(model, Population)
            models.setdefault(place(model), {})[model] = None
            datum = as_density(initial)
            data.setdefault(place(model), {})[id(initial)] = datum
    grids = {}
    for key, distinct in models.items():
        beside = SideBySide(tuple(distinct))
        if grid is None:
            try:
                chosen: Any = scheme.default_grid(beside, together(tuple(data[key].values())), t_span)
            except InvalidArgument:
                for k, (model, _) in enumerate(points):  # which of them is it?
                    if joins(model):
                        with _at(axes.point(k)):
                            cast(Population, model).lowest_potential(t_span)
                raise
        else:
            beside.check_grid(grid)
            chosen = grid
        grids[key] = chosen
    return grids


# -- metrics ---------------------------------------------------------------------------------------------------------


def status(solution: Solution) -> str:
    """ "steady", "blow-up", "finished" (the end of t_span), "unresolved", "stalled" or "eternal"."""
    return OUTCOMES[solution.status]


def rate(solution: Solution) -> float:
    """N at the end; of several populations the largest."""
    last = solution.rate[-1]
    return float(np.max(last if solution.model is None else solution.model.shown_rate(last)))


def peak(solution: Solution) -> float:
    """Largest N of the run, without a peak at its very start."""
    return solution.largest_rate


def t_star(solution: Solution) -> float:
    """Time of the blow-up; not a number without one."""
    return math.nan if solution.blow_up is None else solution.blow_up.time


def t_end(solution: Solution) -> float:
    """Time at which the run ended."""
    return float(solution.t[-1])


def steps(solution: Solution) -> int:
    """Steps, accepted and rejected."""
    return solution.quality.steps + solution.quality.rejected


def error(solution: Solution) -> float:
    """Estimated relative error of N; see `Solution.error_estimate`."""
    return solution.error_estimate


def mass_error(solution: Solution) -> float:
    """Largest |∫ n dv + R − 1|."""
    return solution.quality.mass_error


def remark(solution: Solution) -> str:
    """What the run itself says of its quality beyond the status, and why it is unresolved."""
    plain = solution.status in (Status.FINISHED, Status.STOPPED, Status.BLOW_UP)
    told = solution.message.partition(". ")[2] if plain else solution.message
    return told if not plain or solution.status is not Status.BLOW_UP else ""


def entropy_decay(solution: Solution) -> float:
    """−d/dt ln of the relative entropy of n to the density that the run comes to; not a number unless it is steady.

    Least squares over the last steps at which the deviation is larger than what the tolerance leaves of it; not a
    number if the decay bends there. The smaller rtol, the closer to the limit.
    """
    if solution.status is not Status.STOPPED:
        return math.nan
    end, rtol = solution.final, float(solution.settings["rtol"])
    entropy = np.array([_entropy(solution, k, end) for k in range(len(solution.saved_t))])
    # The end is the limit only up to what the last step still moved.
    floor = max(ABOVE * rtol, ABOVE * math.sqrt(entropy[-2]))
    late = np.flatnonzero(entropy > floor**2)[-LATEST:]
    if len(late) < LATEST or entropy[late].max() > SMALL**2:
        return math.nan
    t, logarithm = solution.saved_t[late], np.log(entropy[late])
    slopes = [np.polyfit(t[half], logarithm[half], 1)[0] for half in (slice(LATEST // 2), slice(LATEST // 2, None))]
    if abs(slopes[1] / slopes[0] - 1.0) > BENT:
        return math.nan
    return -float(np.polyfit(t, logarithm, 1)[0])


def _entropy(solution: Solution, k: int, end: State) -> float:
    state = State(float(solution.saved_t[k]), solution.grid, solution.density[k], rate=math.nan)
    return float(np.max(relative_entropy(state, end)))


METRICS: dict[str, Metric] = {
    "status": status,
    "rate": rate,
    "peak": peak,
    "t_star": t_star,
    "t_end": t_end,
    "steps": steps,
    "error": error,
    "mass_error": mass_error,
    "entropy_decay": entropy_decay,
    "remark": remark,
}
"""What a sweep can tell of every point."""
DEFAULT = ("status", "rate", "t_star", "t_end", "error", "remark")
LIGHT = set(METRICS.values()) - {entropy_decay}


def _checked_metrics(metrics: Any, axes: Axes) -> dict[str, Metric]:
    chosen = _chosen_metrics(metrics)
    for name in chosen:
        if not isinstance(name, str) or not name:
            raise InvalidArgument(f"`metrics`: a name must be a text, not {name!r}.")
        if name in axes.values:
            raise InvalidArgument(
                f"`axes` and `metrics` both have {name!r}; name the axis model.{name}, or the metric anew."
            )
    return chosen


def _chosen_metrics(metrics: Any) -> dict[str, Metric]:
    chosen = {name: METRICS[name] for name in DEFAULT}
    if metrics is None:
        return chosen
    if isinstance(metrics, Mapping):
        for name, metric in metrics.items():
            if not callable(metric):
                raise InvalidArgument(f"`metrics[{name!r}]` must be a function of a Solution, not {metric!r:.60}.")
        return chosen | dict(metrics)
    if isinstance(metrics, str) or not isinstance(metrics, Sequence) or not metrics:
        raise InvalidArgument(f"`metrics` must be a list of names or a mapping to functions, not {metrics!r:.60}.")
    return {name: named("metric", METRICS, name) for name in metrics}


# -- the table -------------------------------------------------------------------------------------------------------


def _columns(rows: list[dict[str, Any]], axes: Axes) -> dict[str, np.ndarray]:
    """Rows as columns of numbers and texts."""
    names = list(rows[0])
    columns = {}
    for row in rows:
        if list(row) != names:
            raise InvalidArgument(f"a function must return the same names at every point, not {names} and {list(row)}.")
    if not names:
        raise InvalidArgument("a function must return a number, or a dictionary with something in it.")
    for name in names:
        if name in axes.values:
            raise InvalidArgument(f"{name!r} is the name of an axis; return it under another one.")
        column = np.array([row[name] for row in rows])
        kinds = {isinstance(row[name], str) for row in rows}
        if column.ndim != 1 or column.dtype.kind not in "biufU" or len(kinds) > 1:
            raise InvalidArgument(f"{name!r} must be one number or one text at every point, not {rows[0][name]!r:.60}.")
        columns[name] = column
    return columns


def _computed(
    work: Runs | Evaluations,
    n: int,
    piece: int,
    identity: dict[str, Any],
    folder: str | os.PathLike[str] | None,
    how: dict[str, Any],
) -> Outcome:
    if folder is None:
        return compute(work, n, piece=piece, **how)
    from .ledger import Ledger

    with Ledger(folder, identity) as ledger:
        return compute(work, n, piece=piece, ledger=ledger, **how)


def _table(axes: Axes, outcome: Outcome, identity: dict[str, Any], kept: bool, names: tuple[str, ...]) -> Any:
    """The columns over the axes: an xarray.Dataset where there is one, else a record array."""
    columns = dict(outcome.columns)
    for name in names if not columns else ():  # interrupted before anything was finished
        columns[name] = np.full(len(axes), "" if name in ("status", "remark") else math.nan)
    for k, why in outcome.missing.items():
        warnings.warn(f"The point {in_words(axes.point(k))} was set aside: {why}.", FokkerPlanckWarning, stacklevel=3)
    if outcome.interrupted:
        goes_on = "the same call goes on" if kept else "with a `folder` the same call would go on"
        count = f"{np.count_nonzero(outcome.done)} of {len(axes)} points are computed"
        warnings.warn(f"Interrupted: {count}; {goes_on}.", FokkerPlanckWarning, stacklevel=3)
    if not np.all(outcome.done) and "status" in columns:
        words = columns["status"].astype(f"U{max(len(word) for word in (ASIDE, MISSING, *OUTCOMES.values()))}")
        words[~outcome.done] = MISSING
        words[list(outcome.missing)] = ASIDE
        columns["status"] = words
    shaped = {name: column.reshape(axes.shape) for name, column in columns.items()}
    try:
        import xarray
    except ImportError:
        places = {name: column.reshape(axes.shape) for name, column in axes.columns().items()}
        fields = places | shaped
        record = np.dtype([(name, column.dtype) for name, column in fields.items()])
        return np.rec.fromarrays(list(fields.values()), dtype=record)
    import json

    over = list(axes.values)
    return xarray.Dataset(
        {name: (over, column) for name, column in shaped.items()},
        coords=dict(axes.values),
        attrs={"sweep": json.dumps({key: value for key, value in identity.items() if key != "axes"})},
    )
