"""A case: one run described in a TOML file.

    [model]                                  # as fp.nnlif
    kind = "nnlif"
    b = 3.0
    refractory = { kind = "exponential", tau = 0.2 }       # optional

    [initial]
    kind = "gaussian"                        # or "compatible-gaussian"
    mean = -1.0
    variance = 0.5

    [grid]                                   # optional, as model.grid
    cells = 800
    finest = 1e-5

    [run]
    t_span = [0.0, 4.0]
    scheme = "scharfetter-gummel"            # or { kind = "spectral", accuracy = 1e-8 }; optional, as all below
    stepper = { kind = "backward-euler", dt = 0.001 }
    save_at = { count = 101 }                # or a list of times
    clock = { kind = "activity", overshoot = "keep" }      # goes on through a blow-up

Several populations, as fp.excitatory_inhibitory, where pairs are (E, I):

    [model]
    kind = "excitatory-inhibitory"
    b_EE = 0.5
    b_EI = 0.25
    b_IE = 0.25
    b_II = 1.0
    external = [0.5, 0.0]                    # one for both, or a pair
    refractory.E = { kind = "exponential", tau = 0.2 }     # without the .E for both
    delays = [[0.1, 0.1], [0.1, 0.1]]        # rows receive; or one number

    [initial.E]                              # or one [initial] for all
    kind = "gaussian"
    mean = -1.0
    variance = 0.5

or, as fp.Network, with any populations and names:

    [model]
    kind = "network"
    J = [[0.5, -0.25], [0.25, -1.0]]         # row = who receives, column = who fires
    populations.E = { a0 = 1.0 }             # the fields of "nnlif", without b, a1 and delay
    populations.I = { refractory = { kind = "fixed", duration = 0.1 } }
    noise = 0.1                              # optional, as delays and time_constants

What is no neuron has a grid of its own:

    [model]
    kind = "cell-polarization"               # as fp.cell_polarization
    mass = 2.0
    polarity = { kind = "relaxing", L = 1.0 }              # or "instant", "membrane-exchange"

    [initial]
    kind = "exponential"
    scale = 1.0

    [grid]
    cells = 800
    end = 40.0
    finest = 1e-4

This is the only place where names stand for objects: `INITIALS`, `SCHEMES`, `STEPPERS`, and the dictionaries of the
models. A file with faults is refused with all of them at once, each by its dotted name.
"""

from __future__ import annotations

import copy
import inspect
import itertools
import json
import math
import os
import re
import tomllib
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from .clocks import ActivityClock, Clock, PhysicalTime
from .elements import HIGHEST_DEGREE, LOWEST_DEGREE
from .grid import Cells
from .models.description import MODELS, POPULATIONS, model_from_dict, model_to_dict
from .models.model import Model
from .models.overshoot import OVERSHOOTS, checked_overshoot
from .operators.characteristics import Characteristics
from .operators.schemes import FLUX_SCHEMES, Scheme
from .operators.spectral import Spectral
from .operators.van_leer import VanLeer
from .operators.weno import Weno5
from .outcomes import InvalidArgument, did_you_mean, named
from .solution import Solution
from .solve import solve
from .state import InitialDensity, State, compatible_gaussian, exponential, gaussian
from .steppers.explicit import SspRk3
from .steppers.implicit import BackwardEuler
from .steppers.protocol import Stepper
from .steppers.rosenbrock import Rodas5P

__all__ = [
    "INITIALS",
    "SCHEMES",
    "STEPPERS",
    "Case",
    "load_case",
    "model_from_dict",
    "model_to_dict",
    "parse_case",
    "schema",
]

INITIALS: dict[str, Callable[..., InitialDensity]] = {
    "gaussian": gaussian,
    "compatible-gaussian": compatible_gaussian,
    "exponential": exponential,
}
SCHEMES: dict[str, type[Scheme]] = {
    **FLUX_SCHEMES,
    "weno-5": Weno5,
    "van-leer": VanLeer,
    "spectral": Spectral,
    "characteristics": Characteristics,
}
STEPPERS: dict[str, type[Stepper]] = {"rodas5p": Rodas5P, "backward-euler": BackwardEuler, "ssp-rk3": SspRk3}


@dataclass(frozen=True)
class Case:
    """One run: the arguments of `solve`, as objects.

    >>> data = {"model": {"kind": "nnlif", "b": 0.5},
    ...         "initial": {"kind": "gaussian", "mean": 0.0, "variance": 0.25},
    ...         "run": {"t_span": [0.0, 1.0]}}
    >>> parse_case(data).run().status.name
    'FINISHED'
    """

    title: str
    model: Model
    initial: InitialDensity | State | dict[str, InitialDensity]
    t_span: tuple[float, float]
    grid: Cells | None
    scheme: Scheme | None
    stepper: Stepper | None
    rtol: float
    atol: float
    save_at: np.ndarray | None
    clock: Clock | None = None

    def run(self, progress: bool = False) -> Solution:
        """Solve it; see `fokkerplanck.solve`."""
        return solve(
            self.model,
            self.initial,
            self.t_span,
            grid=self.grid,
            scheme=self.scheme,
            stepper=self.stepper,
            rtol=self.rtol,
            atol=self.atol,
            save_at=self.save_at,
            progress=progress,
            clock=self.clock,
        )

    def resumed(self, state: State) -> Case:
        """The rest of the run, from the state in which an earlier one ended.

        Raises
        ------
        InvalidArgument
            If the state is at the end of `t_span` or beyond it.
        """
        start, end = state.t, self.t_span[1]
        if not start < end:
            raise InvalidArgument(
                f"the earlier run ended at t = {start:.9g}, so nothing is left up to t = {end:g}; "
                f"give a later end in `run.t_span`."
            )
        save_at = None if self.save_at is None else self.save_at[self.save_at >= start]
        return replace(self, initial=state, t_span=(start, end), save_at=save_at)


@dataclass(frozen=True)
class CaseModel:
    """The model of a case as a function of fields of its table: what a sweep varies where a model has no such number.

    >>> data = {"model": {"kind": "nnlif", "b": 0.5}, "initial": {"kind": "gaussian", "mean": 0.0, "variance": 0.25},
    ...         "run": {"t_span": [0.0, 1.0]}}
    >>> CaseModel(data)(b=2.0).coupling.b
    2.0
    """

    data: Mapping[str, Any]

    def __call__(self, **fields: float) -> Model:
        return parse_case(changed(self.data, {f"model.{name}": value for name, value in fields.items()})).model


def load_case(path: str | os.PathLike[str], settings: Mapping[str, Any] | None = None) -> Case:
    """Read a case from a TOML file.

    Parameters
    ----------
    path : path
        The file.
    settings : mapping of str to value, optional
        Fields with another value than the file gives them, by their dotted names: {"model.b": 1.2}.

    Raises
    ------
    InvalidArgument
        If there is no such file, it is no TOML, or the case has faults; the message has one line for each.
    """
    return parse_case(*_read(path, settings))


def load_model(path: str | os.PathLike[str], settings: Mapping[str, Any] | None = None) -> CaseModel:
    """The model of a case in a TOML file, as a function of the fields of its table."""
    return CaseModel(_read(path, settings)[0])


def _read(path: str | os.PathLike[str], settings: Mapping[str, Any] | None) -> tuple[dict[str, Any], str]:
    """The tables of a file with these changes, and how to call it."""
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise InvalidArgument(f"cannot read {path}: {error.strerror}.") from None
    try:
        data = tomllib.loads(content.decode())
    except UnicodeDecodeError:
        raise InvalidArgument(f"{path} is not a text file in UTF-8.") from None
    except RecursionError:
        raise InvalidArgument(f"{path} is not a valid TOML file: it is nested too deeply.") from None
    except ValueError as error:  # TOMLDecodeError, and a number of thousands of digits
        raise InvalidArgument(f"{path} is not a valid TOML file: {error}.") from None
    if not settings:
        return data, str(path)
    return changed(data, settings), f"{path} with {', '.join(settings)}"


def parse_case(data: Mapping[str, Any], name: str = "the case") -> Case:
    """The case that nested dictionaries describe, as read from a TOML file.

    Raises
    ------
    InvalidArgument
        If it has faults; the message has one line for each, with its dotted name.
    """
    try:
        described = CaseTable.model_validate(data)
    except ValidationError as error:
        faults = [_fault(fault, data) for fault in error.errors(include_url=False)]
        raise InvalidArgument(_refusal(name, faults)) from None
    model, initial, run = described.model.build(), described.start(), described.run
    try:
        grid = None if described.grid is None else described.grid.build(model)
    except InvalidArgument as error:
        raise InvalidArgument(_refusal(name, [f"grid: {error}"])) from None
    return Case(
        title=described.title,
        model=model,
        initial=initial,
        t_span=run.t_span,
        grid=grid,
        scheme=run.discretisation(),
        stepper=None if run.stepper is None else run.stepper.build(),
        rtol=run.rtol,
        atol=run.atol,
        save_at=run.times(),
        clock=None if run.clock is None else run.clock.build(),
    )


def changed(data: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of nested tables in which the fields with these dotted names have these values.

    >>> changed({"model": {"b": 0.5}}, {"model.b": 1.2, "grid.cells": 400})
    {'model': {'b': 1.2}, 'grid': {'cells': 400}}
    """
    result = copy.deepcopy(dict(data))
    for name, value in settings.items():
        *tables, field = name.split(".")
        table = result
        for part in tables:
            inner = table.setdefault(part, {})
            if not isinstance(inner, dict):
                raise InvalidArgument(f"{name}: `{part}` is no table of the case, so it has no fields.")
            table = inner
        table[field] = value
    return result


def schema() -> dict[str, Any]:
    """The JSON schema of a case, which editors use to complete and to check it."""
    return CaseTable.model_json_schema()


# -- what a file may say ----------------------------------------------------------------------------------------


class Table(BaseModel):
    """A TOML table: no other fields, no conversions ("1" is not a number, 1.5 not a count), no inf or nan."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        allow_inf_nan=False,
        field_title_generator=lambda name, _: name,  # the schema calls V_R "V R" otherwise
    )


def _one_of(what: str, names: Mapping[str, Any]) -> Callable[[str], str]:
    def check(name: str) -> str:
        named(what, names, name)
        return name

    return check


Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
SchemeName = Annotated[str, AfterValidator(_one_of("scheme", SCHEMES)), WithJsonSchema({"enum": list(SCHEMES)})]
InitialName = Annotated[
    str, AfterValidator(_one_of("initial density", INITIALS)), WithJsonSchema({"enum": list(INITIALS)})
]
Overshoot = Annotated[str, AfterValidator(checked_overshoot), WithJsonSchema({"enum": list(OVERSHOOTS)})]
ModelName = Annotated[str, AfterValidator(_one_of("model", MODELS)), WithJsonSchema({"enum": list(POPULATIONS)})]


class ExponentialTable(Table):
    kind: Literal["exponential"]
    tau: Positive


class FixedTable(Table):
    kind: Literal["fixed"]
    duration: Positive


class RandomThresholdTable(Table):
    kind: Literal["random"]
    epsilon: Positive


class QuadraticDriftTable(Table):
    kind: Literal["quadratic"]


class ConstantDriftTable(Table):
    kind: Literal["constant"]
    speed: float


class ExponentialDriftTable(Table):
    kind: Literal["exponential"]
    sharpness: Positive
    V_T: float


class DescribedTable(Table):
    """A model, which is made as soon as its table is read: what is wrong with it is a fault of the table."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        self.build()
        return self

    def build(self) -> Model:
        # What the file leaves out is left to the model's own defaults.
        return model_from_dict(self.model_dump(exclude_unset=True))


class ModelTable(DescribedTable):
    kind: ModelName
    b: float
    a0: NotNegative = 1.0
    a1: NotNegative = 0.0
    V_R: float = 1.0
    V_F: float = 2.0
    external: float = 0.0
    delay: NotNegative = 0.0
    refractory: Annotated[ExponentialTable | FixedTable, Field(discriminator="kind")] | None = None
    threshold: RandomThresholdTable | None = None
    drift: (
        Annotated[ConstantDriftTable | QuadraticDriftTable | ExponentialDriftTable, Field(discriminator="kind")] | None
    ) = None


class PopulationTable(ModelTable):
    """One of several populations; what couples them is said elsewhere."""

    kind: Annotated[str, AfterValidator(_one_of("population", POPULATIONS))] = "nnlif"
    b: float = 0.0

    def described(self) -> dict[str, Any]:
        return {"kind": self.kind, "b": self.b, **self.model_dump(exclude_unset=True)}

    def build(self) -> Model:
        return model_from_dict(self.described())


def _number_or_list(value: object) -> str:
    return "list" if isinstance(value, list | tuple) else "number"


def _number_or_table(value: object) -> str:
    return "table" if isinstance(value, dict | Table) else "number"


def _one_or_each(value: object) -> str:
    """Whether a table is meant for all populations, or holds a table for each by its name."""
    if isinstance(value, dict) and value and "kind" not in value:
        return "each" if all(isinstance(part, dict | Table) for part in value.values()) else "one"
    return "one"


Matrix = Annotated[
    Annotated[float, Tag("number")] | Annotated[list[list[float]], Tag("list")], Discriminator(_number_or_list)
]
Rates = Annotated[Annotated[float, Tag("number")] | Annotated[list[float], Tag("list")], Discriminator(_number_or_list)]
Pair = Annotated[
    Annotated[float, Tag("number")]
    | Annotated[Annotated[tuple[float, float], Field(strict=False)], Tag("list")],
    Discriminator(_number_or_list),
]  # fmt: skip


class NetworkTable(DescribedTable):
    kind: Annotated[str, AfterValidator(_one_of("model", MODELS)), WithJsonSchema({"const": "network"})]
    populations: dict[str, PopulationTable]
    J: Matrix
    noise: Matrix = 0.0
    delays: Matrix = 0.0
    time_constants: Rates = 1.0

    def build(self) -> Model:
        members = {name: member.described() for name, member in self.populations.items()}
        return model_from_dict(self.model_dump(exclude_unset=True) | {"populations": members})


RefractoryTable = Annotated[ExponentialTable | FixedTable, Field(discriminator="kind")]


class ExcitatoryInhibitoryTable(DescribedTable):
    kind: Annotated[str, AfterValidator(_one_of("model", MODELS)), WithJsonSchema({"const": "excitatory-inhibitory"})]
    b_EE: NotNegative
    b_EI: NotNegative
    b_IE: NotNegative
    b_II: NotNegative
    a0: Pair = 1.0
    V_R: Pair = 1.0
    V_F: Pair = 2.0
    external: Pair = 0.0
    refractory: (
        Annotated[
            Annotated[RefractoryTable, Tag("one")] | Annotated[dict[Literal["E", "I"], RefractoryTable], Tag("each")],
            Discriminator(_one_or_each),
        ]
        | None
    ) = None
    threshold: (
        Annotated[
            Annotated[RandomThresholdTable, Tag("one")]
            | Annotated[dict[Literal["E", "I"], RandomThresholdTable], Tag("each")],
            Discriminator(_one_or_each),
        ]
        | None
    ) = None
    noise: Matrix = 0.0
    delays: Matrix = 0.0
    time_constants: Pair = 1.0

    def build(self) -> Model:
        given = self.model_dump(exclude_unset=True)
        for slot in ("refractory", "threshold"):
            if isinstance(getattr(self, slot), dict):
                given[slot] = [given[slot].get(name) for name in "EI"]
        return model_from_dict(given)


class InstantPolarityTable(Table):
    kind: Literal["instant"]


class RelaxingPolarityTable(Table):
    kind: Literal["relaxing"]
    L: Positive = 1.0
    start: NotNegative = 0.0


class MembraneExchangeTable(Table):
    kind: Literal["membrane-exchange"]
    L: Positive = 1.0
    start: NotNegative = 0.0


class PolarizationTable(DescribedTable):
    kind: Annotated[str, AfterValidator(_one_of("model", MODELS)), WithJsonSchema({"const": "cell-polarization"})]
    mass: Positive
    polarity: (
        Annotated[InstantPolarityTable | RelaxingPolarityTable | MembraneExchangeTable, Field(discriminator="kind")]
        | None
    ) = None


class ConductanceTable(DescribedTable):
    kind: Annotated[str, AfterValidator(_one_of("model", MODELS)), WithJsonSchema({"const": "voltage-conductance"})]
    S_E: NotNegative
    nu: NotNegative
    f_E: NotNegative
    sigma_E: Positive
    N_E: Positive | None = None
    g_L: Positive = 1.0
    V_E: float = 14.0 / 3.0
    V_R: float = 0.0
    V_F: float = 1.0
    g_min: float = 0.0
    g_max: float | None = None
    lanes: Annotated[int, Field(ge=4, le=10_000)] | None = None


class HillTable(Table):
    kind: Literal["hill"]
    quiet: NotNegative
    active: NotNegative
    half: Positive
    steepness: Positive = 4.0


class StepHazardTable(Table):
    kind: Literal["step"]
    sigma: Annotated[
        Annotated[NotNegative, Tag("number")] | Annotated[HillTable, Tag("table")], Discriminator(_number_or_table)
    ]
    height: Positive = 1.0


class SigmoidHazardTable(Table):
    kind: Literal["sigmoid"]
    maximum: Positive = 1.0
    threshold: float = 0.0
    slope: float = 1.0
    recovery: Positive = 1.0


class TabulatedHazardTable(Table):
    kind: Literal["tabulated"]
    ages: list[float]
    rates: list[float]


class TimeElapsedTable(DescribedTable):
    kind: Annotated[str, AfterValidator(_one_of("model", MODELS)), WithJsonSchema({"const": "time-elapsed"})]
    hazard: Annotated[StepHazardTable | SigmoidHazardTable | TabulatedHazardTable, Field(discriminator="kind")]
    connectivity: float = 1.0
    delay: NotNegative = 0.0
    spread: NotNegative = 0.0
    start: NotNegative = 0.0


def _model_kind(value: object) -> str:
    """The tag of a model; where its kind is misspelt, what its fields look like."""
    if not isinstance(value, dict):
        return getattr(value, "kind", "nnlif")
    kind = value.get("kind")
    if isinstance(kind, str) and kind in MODEL_TABLES:
        return kind
    if "populations" in value:
        return "network"
    return "excitatory-inhibitory" if {"b_EE", "b_EI", "b_IE", "b_II"} & set(value) else "nnlif"


MODEL_TABLES: dict[str, type[Table]] = {
    "nnlif": ModelTable,
    "network": NetworkTable,
    "excitatory-inhibitory": ExcitatoryInhibitoryTable,
    "cell-polarization": PolarizationTable,
    "voltage-conductance": ConductanceTable,
    "time-elapsed": TimeElapsedTable,
}


class InitialTable(Table):
    kind: InitialName
    mean: float
    variance: Positive

    def build(self) -> InitialDensity:
        return INITIALS[self.kind](self.mean, self.variance)


class ExponentialInitialTable(Table):
    kind: Literal["exponential"]
    scale: Positive

    def build(self) -> InitialDensity:
        return INITIALS[self.kind](self.scale)


def _initial_kind(value: object) -> str:
    """The tag of an initial density: `one` with mean and variance, the exponential, or one for each population."""
    kind = value.get("kind") if isinstance(value, dict) else getattr(value, "kind", None)
    return "exponential" if kind == "exponential" else _one_or_each(value)


class GridTable(Table):
    cells: Annotated[int, Field(ge=8, le=1_000_000)] = 400
    v_min: float | None = None
    v_max: float | None = None
    finest: Positive | None = None
    end: Positive | None = None

    def build(self, model: Model) -> Cells:
        make: Callable[..., Cells] = model.grid
        given, fields = self.model_dump(exclude_unset=True), inspect.signature(make).parameters
        for name in given:
            if name not in fields:
                known = ", ".join(field for field in fields if field in type(self).model_fields)
                raise InvalidArgument(f"`{name}` is no field of the grid of this model; it has {known}.")
        return make(**given)


class SpectralTable(Table):
    kind: Literal["spectral"]
    accuracy: Annotated[float, Field(ge=1e-13, lt=1)] = 1e-8
    degree: Annotated[int, Field(ge=LOWEST_DEGREE, le=HIGHEST_DEGREE)] | None = None

    def build(self) -> Scheme:
        return Spectral(self.accuracy, self.degree)


class Rodas5PTable(Table):
    kind: Literal["rodas5p"] = "rodas5p"

    def build(self) -> Stepper:
        return Rodas5P()


class BackwardEulerTable(Table):
    kind: Literal["backward-euler"]
    dt: Positive
    self_consistent: bool = False

    def build(self) -> Stepper:
        return BackwardEuler(self.dt, self.self_consistent)


class SspRk3Table(Table):
    kind: Literal["ssp-rk3"]
    dt: Positive | None = None
    share: Annotated[float, Field(gt=0, le=1)] = 0.9

    def build(self) -> Stepper:
        return SspRk3(self.dt, self.share)


class PhysicalTimeTable(Table):
    kind: Literal["physical"]

    def build(self) -> Clock:
        return PhysicalTime()


class ActivityClockTable(Table):
    kind: Literal["activity"]
    overshoot: Overshoot = "discard"
    transport: bool = False

    def build(self) -> Clock:
        return ActivityClock(self.overshoot, self.transport)


class CountTable(Table):
    count: Annotated[int, Field(ge=2, le=100_000)]


def _list_or_table(value: object) -> str:
    return "table" if isinstance(value, dict | CountTable) else "list"


def _name_or_table(value: object) -> str:
    return "table" if isinstance(value, dict | SpectralTable) else "name"


class RunTable(Table):
    # TOML has lists where Python has tuples; its elements are checked strictly all the same.
    t_span: Annotated[tuple[float, float], Field(strict=False)]
    scheme: (
        Annotated[
            Annotated[SchemeName, Tag("name")] | Annotated[SpectralTable, Tag("table")],
            Discriminator(_name_or_table),
        ]
        | None
    ) = None
    stepper: Annotated[Rodas5PTable | BackwardEulerTable | SspRk3Table, Field(discriminator="kind")] | None = None
    rtol: Positive = 1e-6
    atol: Positive = 1e-9
    clock: Annotated[PhysicalTimeTable | ActivityClockTable, Field(discriminator="kind")] | None = None
    save_at: (
        Annotated[
            Annotated[list[float], Tag("list")] | Annotated[CountTable, Tag("table")],
            Discriminator(_list_or_table),
        ]
        | None
    ) = None

    @field_validator("t_span")
    @classmethod
    def _forwards(cls, t_span: tuple[float, float]) -> tuple[float, float]:
        start, end = t_span
        if not start < end:
            raise InvalidArgument(f"[{start:g}, {end:g}] runs backwards; the end must come after the start.")
        return t_span

    @field_validator("save_at")
    @classmethod
    def _within(cls, save_at: list[float] | CountTable | None, info: ValidationInfo) -> list[float] | CountTable | None:
        if isinstance(save_at, list) and len(save_at) > 0:
            if any(late <= early for early, late in itertools.pairwise(save_at)):
                raise InvalidArgument("the times must increase.")
            start, end = info.data.get("t_span", (-math.inf, math.inf))
            if save_at[0] < start or save_at[-1] > end:
                raise InvalidArgument(
                    f"reaches from {save_at[0]:g} to {save_at[-1]:g}, outside t_span = [{start:g}, {end:g}]."
                )
        return save_at

    def discretisation(self) -> Scheme | None:
        if isinstance(self.scheme, str):
            return SCHEMES[self.scheme]()
        return None if self.scheme is None else self.scheme.build()

    def times(self) -> np.ndarray | None:
        if isinstance(self.save_at, CountTable):
            return np.linspace(*self.t_span, self.save_at.count)
        return None if self.save_at is None else np.array(self.save_at, dtype=float)


class CaseTable(Table):
    title: str = ""
    model: Annotated[
        Annotated[ModelTable, Tag("nnlif")]
        | Annotated[NetworkTable, Tag("network")]
        | Annotated[ExcitatoryInhibitoryTable, Tag("excitatory-inhibitory")]
        | Annotated[PolarizationTable, Tag("cell-polarization")]
        | Annotated[ConductanceTable, Tag("voltage-conductance")]
        | Annotated[TimeElapsedTable, Tag("time-elapsed")],
        Discriminator(_model_kind),
    ]
    initial: Annotated[
        Annotated[InitialTable, Tag("one")]
        | Annotated[ExponentialInitialTable, Tag("exponential")]
        | Annotated[dict[str, InitialTable], Tag("each")],
        Discriminator(_initial_kind),
    ]
    grid: GridTable | None = None
    run: RunTable

    @field_validator("initial")
    @classmethod
    def _for_each(
        cls, initial: InitialTable | ExponentialInitialTable | dict[str, InitialTable], info: ValidationInfo
    ) -> InitialTable | ExponentialInitialTable | dict[str, InitialTable]:
        if isinstance(initial, dict) and "model" in info.data:
            model = info.data["model"].build()
            names = list(model.lane_names)
            if not model.structured:
                raise InvalidArgument(
                    f"names the populations {', '.join(map(_shown, initial))}, but `model` is a single one; "
                    f"write kind, mean and variance into [initial] itself."
                )
            if set(initial) != set(names):
                raise InvalidArgument(
                    f"names the populations {', '.join(map(_shown, initial))}, but those of `model` are "
                    f"{', '.join(map(_shown, names))}."
                )
        return initial

    def start(self) -> InitialDensity | dict[str, InitialDensity]:
        if isinstance(self.initial, dict):
            return {name: table.build() for name, table in self.initial.items()}
        return self.initial.build()


# -- faults in the user's words ---------------------------------------------------------------------------------

EXPECTED = {
    "float_type": "a number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "string_type": "a name in quotes",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "model_type": "a table",
    "dict_type": "a table",
    "model_attributes_type": "a table",
    "finite_number": "finite",
    "greater_than": "greater than {gt:g}",
    "greater_than_equal": "at least {ge:g}",
    "less_than": "less than {lt:g}",
    "less_than_equal": "at most {le:g}",
}
"""What pydantic's error types ask for, to follow "must be"."""


def _refusal(name: str, faults: list[str]) -> str:
    count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
    return "\n".join([f"{name} has {count}:", *(f"  {fault}" for fault in faults)])


def _fault(fault: Any, data: Any) -> str:
    """One line for one of pydantic's errors: dotted name, what is wrong, what would be right."""
    kind, context, value = fault["type"], fault.get("ctx", {}), fault["input"]
    path = _path_in(data, fault["loc"], absent=kind == "missing")
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        path.append("kind")
        value = value.get("kind") if isinstance(value, dict) else value
    dotted = _dotted(path)
    if kind == "missing" or kind == "union_tag_not_found":
        return f"{dotted}: is missing."
    if kind == "extra_forbidden":
        fields = _fields_beside(path, data)
        return f"{dotted}: there is no such field{did_you_mean(path[-1], fields)} Fields here: {', '.join(fields)}."
    if kind in ("union_tag_invalid", "literal_error"):
        names = dict.fromkeys(re.findall(r"'([^']+)'", context.get("expected_tags", context.get("expected", ""))))
        return f"{dotted}: Unknown name {_shown(value)}{did_you_mean(value, names)} Available: {', '.join(names)}."
    if kind == "value_error":
        return f"{dotted}: {context['error']}"
    if kind in ("too_short", "too_long"):
        return f"{dotted}: has {context['actual_length']} entries instead of 2."
    if kind in EXPECTED:
        return f"{dotted}: must be {EXPECTED[kind].format(**context)}, not {_shown(value)}."
    return f"{dotted}: {fault['msg']}."


def _path_in(data: Any, location: tuple[int | str, ...], absent: bool) -> list[int | str]:
    """The keys of pydantic's location without the tags of unions, which are in no file; the last may be absent."""
    path: list[int | str] = []
    for i, key in enumerate(location):
        try:
            data = data[key]
        except (KeyError, IndexError, TypeError):
            if not (absent and i == len(location) - 1):
                continue
        path.append(key)
    return path


def _fields_beside(path: list[int | str], data: Any) -> dict[str, Any]:
    """The fields of the table in which the last key of `path` was found."""
    table: type[Table] = CaseTable
    members: list[type[Table]] = []  # of a table of named tables
    for key in path[:-1]:
        data = data[key]
        kinds = members
        if not kinds:
            annotation = table.model_fields[str(key)].annotation
            kinds, members = _tables_in(annotation), _members_in(annotation)
            if members and (not kinds or _one_or_each(data) == "each"):
                continue
        members = []
        table = next((k for k in kinds if data.get("kind") in typing.get_args(_kind(k))), kinds[0])
        if kinds == list(MODEL_TABLES.values()):
            table = MODEL_TABLES[_model_kind(data)]
    return dict(table.model_fields)


def _tables_in(annotation: Any) -> list[type[Table]]:
    if isinstance(annotation, type) and issubclass(annotation, Table):
        return [annotation]
    if isinstance(annotation, types.GenericAlias):
        return []
    return [table for part in typing.get_args(annotation) for table in _tables_in(part)]


def _members_in(annotation: Any) -> list[type[Table]]:
    """The tables that a table by names may hold."""
    if isinstance(annotation, types.GenericAlias) and typing.get_origin(annotation) is dict:
        return _tables_in(typing.get_args(annotation)[1])
    return [table for part in typing.get_args(annotation) for table in _members_in(part)]


def _kind(table: type[Table]) -> Any:
    return table.model_fields["kind"].annotation if "kind" in table.model_fields else None


def _dotted(path: list[int | str]) -> str:
    """`run.t_span[1]`, as TOML writes it: keys that are not plain words in quotes."""
    dotted = ""
    for key in path:
        if isinstance(key, int):
            dotted += f"[{key}]"
        else:
            dotted += ("." if dotted else "") + (key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _shown(key))
    return dotted or "the file"


def _shown(value: object) -> str:
    """A value as TOML writes it, cut short."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    text = json.dumps(value, default=str, ensure_ascii=False)
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return text if len(text) <= 60 else f"{text[:57]}..."
