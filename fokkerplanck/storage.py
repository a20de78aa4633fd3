"""Solutions on disk: one NetCDF-3 file per run, written whole or not at all.

NetCDF-3 is read by xarray, MATLAB, Julia and ncdump alike, and SciPy writes it. Numbers are 64-bit floats, kept
bit by bit; names, parameters and sentences are one JSON attribute. What the format cannot do: a variable of 2 GiB.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import os
import secrets
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from scipy.io import netcdf_file

from .elements import Elements
from .grid import Cells, Grid, HalfLine
from .interpolation import RateHistory
from .models.description import model_from_dict, model_to_dict
from .models.voltage import VoltageModel
from .outcomes import BlowUp, FokkerPlanckWarning, InvalidArgument, Jump, Status
from .solution import Quality, Record, Solution
from .state import State

if TYPE_CHECKING:
    from .models.model import Model

FORMAT_VERSION = 5
"""What this program reads. Raised whenever an older program could not read the file rightly."""
SINGLE_VERSION, LANES_VERSION = 3, 4
"""What it writes for one population and for several, whose files have not changed since; half-lines are newer."""
LARGEST_VARIABLE = 2**31 - 4
"""In bytes. NetCDF-3 itself allows 4 GiB, SciPy's writer counts in signed 32-bit integers."""

LONG_NAMES = {
    "time": "time of every accepted step",
    "rate": "firing rate N",
    "refractory": "mass R of the refractory pool",
    "fired": "spikes per neuron since the start, firing events included",
    "saved": "time of every saved density",
    "density": "cell averages (or node values) of the density n(v, t)",
    "final_density": "cell averages (or node values) of the density at the end",
    "final_rate": "firing rate N of each lane at the end",
    "final_refractory": "mass R of the refractory pool of each lane at the end",
    "before": "cell averages of the density at the beginning of each firing event",
    "before_pool": "mass R of the refractory pool at the beginning of each firing event",
    "v": "cell centres (or nodes)",
    "faces": "cell boundaries, from v_min to V_F or, if neurons can exceed it, v_max",
    "bend": "coefficients of the dense output of N, for each step",
    "past": "times before the end that a delay or a fixed refractory time looks back on",
    "past_rate": "firing rate N at those times",
    "past_held": "1 for steps of backward Euler, whose rate is the one at their end",
    "past_bend": "coefficients of the dense output of N between them",
}
HIDDEN = (
    "bend", "before", "before_pool", "faces", "final_density", "final_rate", "final_refractory",
    "past", "past_rate", "past_bend", "past_held",
)  # fmt: skip
"""What only a restart needs."""
UNITS = {"time": "membrane time constants", "saved": "membrane time constants", "rate": "1/membrane time constant"}


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Open `path` for writing bytes so that it holds the old content or the whole new one, never a part.

    The bytes go to a temporary file in the same folder, which is flushed to the disk and then takes the name. Whatever
    happens before that, Ctrl-C and a full disk included, removes the temporary file and leaves `path` alone.

    Parameters
    ----------
    path : path
        File to write; its folder must exist.

    Raises
    ------
    InvalidArgument
        If `path` is a folder or a device, or its folder does not exist.
    OSError
        If it cannot be written, for example because the disk is full; `filename` is `path`.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with atomic_write(Path(folder, "note.txt")) as file:
    ...         _ = file.write(b"all or nothing")
    ...     Path(folder, "note.txt").read_text()
    'all or nothing'
    """
    check_writable(path)
    target = Path(path)
    temporary = target.with_name(f"{target.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
    try:
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException as error:
        # The file is closed by now, even if flushing what it still held has failed a second time.
        temporary.unlink(missing_ok=True)
        # A write knows only its file descriptor; an OSError with another name is not about this file.
        if isinstance(error, OSError) and error.filename in (None, str(temporary)):
            raise OSError(error.errno, f"{error.strerror} while writing", str(target)) from error
        raise


def check_writable(path: str | os.PathLike[str]) -> None:
    """Refuse a `path` that `atomic_write` could not replace: worth knowing before a long run."""
    target = Path(path)
    if not target.parent.is_dir():
        raise InvalidArgument(f"cannot write {target}: there is no folder {target.parent}.")
    if target.exists() and not target.is_file():  # a device such as /dev/null would be replaced by a file
        raise InvalidArgument(f"cannot write {target}: it exists and is not a file.")
    if not os.access(target.parent, os.W_OK):
        raise InvalidArgument(f"cannot write {target}: the folder {target.parent} is read-only.")


def save(solution: Solution, path: str | os.PathLike[str]) -> None:
    """Write a solution to a NetCDF-3 file; `load` gives it back, bit by bit.

    Parameters
    ----------
    solution : Solution
    path : path
        File to write or to replace, usually called `*.nc`.

    Raises
    ------
    InvalidArgument
        If an array is larger than the format allows.
    OSError
        If the file cannot be written.

    Warns
    -----
    FokkerPlanckWarning
        If the model cannot be stored because a part of it is code, such as an external current I(t); the rest is.
    """
    arrays, names, metadata = _arrays(solution), _long_names(solution), json.dumps(_metadata(solution))
    for name, (_, values) in arrays.items():
        if values.nbytes > LARGEST_VARIABLE:
            raise InvalidArgument(
                f"`{name}` takes {values.nbytes / 2**30:.2g} GiB, and a NetCDF-3 file holds at most 2 GiB of each "
                f"variable; keep fewer times with `save_at`."
            )
    with atomic_write(path) as file:
        nc: Any = netcdf_file(file, "w", version=2)
        nc.title = "Solution of a Fokker-Planck equation of neural networks"
        nc.message = solution.message.encode()
        nc.format_version = _version(solution)
        nc.metadata = metadata
        nc.checksum = _checksum(metadata, {name: values for name, (_, values) in arrays.items()})
        for name, (dimensions, values) in arrays.items():
            if values.size == 0:  # a dimension of length 0 would be NetCDF's unlimited one
                continue
            for dimension, length in zip(dimensions, values.shape, strict=True):
                if dimension not in nc.dimensions:
                    nc.createDimension(dimension, length)
            variable = nc.createVariable(name, "d", dimensions)
            variable[:] = values
            variable.long_name = names[name].encode()
            variable.units = UNITS.get(name, "1")
        nc.flush()


def load(path: str | os.PathLike[str]) -> Solution:
    """Read a solution that `Solution.save` has written.

    Its `final` continues the run as the original would. `model` is None if it could not be stored.

    Parameters
    ----------
    path : path

    Raises
    ------
    InvalidArgument
        If there is no such file, or it is not ours, incomplete, damaged, or of a newer format.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise InvalidArgument(f"cannot read {path}: {error.strerror}.") from None
    if content[:4] not in (b"CDF\x01", b"CDF\x02"):
        raise InvalidArgument(f"{path} is not a NetCDF-3 file, so it was not written by Solution.save.")
    damaged = f"{path} is damaged: it is incomplete or was changed after it had been written."
    try:
        nc = netcdf_file(io.BytesIO(content), "r", mmap=False)
    except Exception:  # damage meets SciPy's reader as an exception of any type, MemoryError included
        raise InvalidArgument(damaged) from None
    version = getattr(nc, "format_version", None)
    if not isinstance(version, np.integer):
        raise InvalidArgument(f"{path} is a NetCDF file, but was not written by Solution.save.")
    if version > FORMAT_VERSION:
        raise InvalidArgument(
            f"{path} has format {version}, and this version of fokkerplanck reads up to {FORMAT_VERSION}; upgrade it."
        )
    try:
        facts, arrays = _verified(nc)
    except Exception:
        raise InvalidArgument(damaged) from None
    try:
        return _solution(facts, arrays)
    except Exception as error:  # it is as it was written, so by a program that knew more
        raise InvalidArgument(
            f"{path} holds something that this version of fokkerplanck does not know; upgrade it. ({error})"
        ) from None


def to_xarray(solution: Solution) -> Any:
    """The solution as an `xarray.Dataset` with the dimensions time, saved and cells, and lane for several populations.

    Both clocks and `v` are indices, so `dataset.density.sel(saved=1.0, v=0.5, method="nearest")` works. Lanes are
    labelled by their names, as in `dataset.rate.sel(lane="E")`, or by numbers if the model is not known. `potential`
    are the potentials of populations whose V_R or V_F differ from those of the grid.

    Raises
    ------
    ImportError
        If xarray is not installed.
    """
    try:
        import xarray
    except ImportError:
        raise ImportError("to_xarray needs xarray; install it with: pip install 'fokkerplanck-neurons[io]'") from None
    names = _long_names(solution)
    dataset = xarray.Dataset(
        {
            name: (dimensions, values, {"long_name": names[name], "units": UNITS.get(name, "1")})
            for name, (dimensions, values) in _arrays(solution).items()
            if name not in HIDDEN
        },
        attrs={"status": solution.status.name, "message": solution.message, **solution.settings},
    )
    if _lanes(solution):
        lanes, model = solution.rate.shape[1], solution.model
        labels = [str(k) for k in range(lanes)] if model is None else list(model.lane_names)
        dataset = dataset.assign_coords(lane=("lane", labels, {"long_name": "population"}))
        ends = (solution.grid.V_R, solution.grid.V_F)
        own = [model.lane_potentials(k) if isinstance(model, VoltageModel) else ends for k in range(lanes)]
        if any(pair != ends for pair in own):
            share = (solution.v - solution.grid.V_R) / (solution.grid.V_F - solution.grid.V_R)
            potentials = np.array([V_R + (V_F - V_R) * share for V_R, V_F in own])
            label = {"long_name": "potential of each population in its own unit"}
            dataset = dataset.assign_coords(potential=(("lane", "cells"), potentials, label))
    return dataset.set_coords(["time", "saved", "v"]).set_xindex("v")


# -- what is in a file ------------------------------------------------------------------------------------------


def _arrays(solution: Solution) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
    """Every array of a solution: name, dimensions and values. Several lanes are the dimension "lane" of theirs."""
    lanes = _lanes(solution)
    parts = {
        "time": (("time",), solution.t),
        "rate": (("time", *lanes), solution.rate),
        "refractory": (("time", *lanes), solution.refractory),
        "fired": (("fired", *lanes) if len(solution.fired) != len(solution.t) else ("time", *lanes), solution.fired),
        "bend": (("step", "coefficient", *lanes), solution.bend),
        "saved": (("saved",), solution.saved_t),
        "density": (("saved", *lanes, "cells"), solution.density),
        "v": (("cells",), solution.v),
        "faces": (("faces",), solution.grid.faces),
        "final_density": ((*lanes, "cells"), solution.final.density),
    }
    if lanes:
        parts["final_rate"] = (lanes, solution.final.rate)
        parts["final_refractory"] = (lanes, solution.final.refractory)
    if solution.before:
        parts["before"] = (("event", "cells"), np.array([state.density for state in solution.before]))
        parts["before_pool"] = (("event",), np.array([state.refractory for state in solution.before]))
    history = solution.final.history
    if history is not None:
        parts["past"] = (("past",), history.t)
        parts["past_rate"] = (("past", *lanes), history.rate)
        parts["past_bend"] = (("past_step", "past_coefficient", *lanes), history.bend)
        parts["past_held"] = (("past_held",), history.held)
    for name, variable in _record_names(solution).items():
        record = solution.records[name]
        clock = "time"
        if not np.array_equal(record.t, solution.t):
            clock = f"{variable}_time"
            parts[clock] = ((clock,), record.t)
        # A monitor may return one number for each lane.
        own = () if record.value.ndim == 1 else lanes if record.value.shape[1:] == solution.rate.shape[1:] else None
        parts[variable] = ((clock, *((f"{variable}_part",) if own is None else own)), record.value)
    return {name: (dimensions, np.asarray(values, dtype=float)) for name, (dimensions, values) in parts.items()}


def _version(solution: Solution) -> int:
    """The oldest format that can hold it."""
    if isinstance(solution.grid, HalfLine):
        return FORMAT_VERSION
    return LANES_VERSION if _lanes(solution) else SINGLE_VERSION


def _lanes(solution: Solution) -> tuple[str, ...]:
    """The dimension of the lanes, where there is one."""
    return ("lane",) if np.ndim(solution.rate) == 2 else ()


def _long_names(solution: Solution) -> dict[str, str]:
    names = {variable: f"monitor {name}" for name, variable in _record_names(solution).items()}
    clocks = {f"{variable}_time": f"time of the {name}" for variable, name in names.items()}
    return LONG_NAMES | names | clocks


def _record_names(solution: Solution) -> dict[str, str]:
    """The variable of each record: its own name where NetCDF allows it, which xarray users will look for."""
    reserved = {*LONG_NAMES, "lane", "cells", "step", "coefficient", "event", "past_step", "past_coefficient"}
    reserved |= {"potential"} if _lanes(solution) else set()
    plain = {name for name in solution.records if name.isascii() and name.isidentifier()} - reserved
    plain = {name for name in plain if not name.startswith("record_") and not name.endswith("_time")}
    return {name: name if name in plain else f"record_{i}" for i, name in enumerate(solution.records)}


def _metadata(solution: Solution) -> dict[str, Any]:
    """Everything that is not an array, for JSON."""
    final, variables = solution.final, _record_names(solution)
    arrays = _arrays(solution)
    return {
        "model": _described(solution.model),
        "settings": solution.settings,
        "status": solution.status.name,
        "message": solution.message,
        "blow_up": _described_blow_up(solution),
        "jumps": [dataclasses.asdict(jump) for jump in solution.jumps],
        "quality": dataclasses.asdict(solution.quality),
        "grid": _described_grid(solution.grid),
        "final": {"t": float(final.t), **_numbers_of(final)},
        "records": [[name, variable, arrays[variable][0][0]] for name, variable in variables.items()],
        "empty": {name: values.shape for name, (_, values) in arrays.items() if values.size == 0},
    }


def _described_blow_up(solution: Solution) -> dict[str, Any] | None:
    if solution.blow_up is None:
        return None
    facts = dataclasses.asdict(solution.blow_up)
    if not _lanes(solution):
        del facts["lane"]  # which programs of before there were lanes do not know
    return facts


def _numbers_of(final: State) -> dict[str, float]:
    """Rate and pool of a single population; of several they are arrays."""
    if np.ndim(final.rate):
        return {}
    return {"rate": float(final.rate), "refractory": float(final.refractory)}


def _described_grid(grid: Cells | Elements) -> dict[str, Any]:
    """What a grid is besides its faces."""
    if isinstance(grid, HalfLine):
        return {"kind": "half-line"}
    assert isinstance(grid, Grid | Elements)
    potentials = {"V_R": float(grid.V_R), "V_F": float(grid.V_F)}
    if isinstance(grid, Elements):
        return {"edges": grid.edges.tolist(), "degree": grid.degree, **potentials}
    return potentials


def _described(model: Model | None) -> dict[str, Any] | None:
    if model is None:
        return None
    try:
        return model_to_dict(model)
    except InvalidArgument as error:
        warnings.warn(
            f"the model is not stored, and will be None when the file is loaded: {error}",
            FokkerPlanckWarning,
            stacklevel=5,
        )
        return None


def _solution(facts: dict[str, Any], arrays: dict[str, np.ndarray]) -> Solution:
    """The inverse of `_arrays` and `_metadata`."""
    made = facts["grid"]
    grid: Cells | Elements
    if made.get("kind") == "half-line":
        grid = HalfLine(arrays["faces"])
    else:
        grid = Elements(**made) if "degree" in made else Grid(arrays["faces"], **made)
    blow_up = None
    if facts["blow_up"] is not None:
        blow_up = BlowUp(**_with_tuples(facts["blow_up"]))
    history = None
    if "past" in arrays:
        held = arrays["past_held"].astype(bool)
        history = RateHistory(arrays["past"], arrays["past_rate"], arrays["past_bend"], held)
    jumps = tuple(Jump(**_with_tuples(jump)) for jump in facts.get("jumps", ()))
    by_lane: dict[str, Any] = {
        name: arrays[f"final_{name}"] for name in ("rate", "refractory") if f"final_{name}" in arrays
    }
    return Solution(
        model=None if facts["model"] is None else model_from_dict(facts["model"]),
        grid=grid,
        t=arrays["time"],
        rate=arrays["rate"],
        refractory=arrays["refractory"],
        saved_t=arrays["saved"],
        density=arrays["density"],
        records={name: Record(arrays[clock], arrays[variable]) for name, variable, clock in facts["records"]},
        status=Status[facts["status"]],
        message=facts["message"],
        blow_up=blow_up,
        final=State(grid=grid, density=arrays["final_density"], history=history, **facts["final"], **by_lane),
        quality=Quality(**facts["quality"]),
        settings=facts["settings"],
        bend=arrays["bend"],
        fired=arrays.get("fired", np.empty(0)),  # before format 3 nobody counted
        jumps=jumps,
        before=tuple(
            State(jump.time, grid, density, np.inf, float(pool))
            for jump, density, pool in zip(jumps, arrays.get("before", ()), arrays.get("before_pool", ()), strict=True)
        ),
    )


def _with_tuples(facts: dict[str, Any]) -> dict[str, Any]:
    """JSON has lists only."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in facts.items()}


def _verified(nc: Any) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Metadata and arrays of a file, if they are the ones that were written."""
    metadata = nc.metadata.decode()
    facts = json.loads(metadata)
    arrays = {name: np.array(variable[:], dtype=float) for name, variable in nc.variables.items()}
    arrays |= {name: np.empty(shape) for name, shape in facts["empty"].items()}
    if _checksum(metadata, arrays).encode() != nc.checksum:
        raise ValueError("the checksum differs")
    return facts, arrays


def _checksum(metadata: str, arrays: dict[str, np.ndarray]) -> str:
    """CRC-32 of all that `load` uses: a flipped bit in a density would otherwise pass for physics."""
    crc = zlib.crc32(metadata.encode())
    for name in sorted(arrays):
        values = np.ascontiguousarray(arrays[name], dtype=">f8")  # the byte order of the file, whatever the machine's
        crc = zlib.crc32(values.data, zlib.crc32(f"{name}{values.shape}".encode(), crc))
    return f"{crc:08x}"
