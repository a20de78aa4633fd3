"""A folder that keeps the finished pieces of a long computation, so that it can be killed at any time and go on.

The computation consists of points 0 … n − 1, and a piece is what was found for the points of one range: named columns
with a row for each point. A piece is one file, written whole or not at all; `sweep.json` says which computation it is.
A piece is a zip archive of NumPy arrays, as `numpy.savez` writes them, so `numpy.load` opens it; the checksum of
every array is part of that format. Nothing in it is pickled, so reading a folder cannot run code.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import socket
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from . import __version__
from .outcomes import FokkerPlanckWarning, InvalidArgument
from .pool import Columns, Faults, Range, checked
from .storage import atomic_write, check_writable

if TYPE_CHECKING:
    from filelock import BaseFileLock

FORMAT_VERSION = 1
"""Of the folder and of every piece. Raised whenever an older program could not read them rightly."""
PIECE = re.compile(r"piece-(\d+)-(\d+)\.npz")
UNFINISHED = re.compile(r"(piece-\d+-\d+\.npz|sweep\.json|strikes\.json|holder\.json)\.\d+\.[0-9a-f]{8}\.tmp")
"""What `atomic_write` leaves behind when the process is killed."""
OWN = re.compile(r"\..*|.*\.unusable|lock|holder\.json|strikes\.json")
"""What may be in a folder that has no sweep yet: hidden files, and what is left if the very beginning is killed."""
SHOWN = 3
"""Differences between two identities that a refusal spells out."""


class Ledger:
    """The finished pieces in a folder; a context manager that holds the folder's lock.

    Parameters
    ----------
    folder : path
        Made if it does not exist. One that holds anything but this computation is refused.
    identity : dict
        All that determines the result, as JSON: numbers, strings, lists, dictionaries.

    Raises
    ------
    InvalidArgument
        On entering, if the folder belongs to another computation (the message says what differs), to none, is being
        used by another process, or cannot be written.

    Warns
    -----
    FokkerPlanckWarning
        If the computation was begun by another version of this program; versions are not part of the identity.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, Ledger(folder, {"b": [0.5, 1.5]}) as ledger:
    ...     ledger.store(0, 1, {"rate": np.array([0.25])})
    ...     ledger.finished()
    {(0, 1): {'rate': array([0.25])}}
    """

    def __init__(self, folder: str | os.PathLike[str], identity: Mapping[str, Any]) -> None:
        self.folder = Path(folder).absolute()
        try:
            text = json.dumps(identity, sort_keys=True)
        except (TypeError, ValueError) as error:
            raise InvalidArgument(f"`identity` must be made of what JSON knows: {error}.") from None
        self.identity: dict[str, Any] = json.loads(text)
        self.key = hashlib.sha256(text.encode()).hexdigest()
        self._lock: BaseFileLock | None = None

    def __enter__(self) -> Ledger:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InvalidArgument(f"`folder` {self.folder} cannot be made: {error.strerror}.") from None
        check_writable(self.folder / "sweep.json")
        self._lock = self._locked()
        try:
            self._identify()
            _write_json(self.folder / "holder.json", {"pid": os.getpid(), "host": socket.gethostname()})
            for path in self.folder.iterdir():
                if UNFINISHED.fullmatch(path.name):
                    path.unlink()
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        (self.folder / "holder.json").unlink(missing_ok=True)
        if self._lock is not None:
            self._lock.release()

    def store(self, start: int, stop: int, columns: Mapping[str, np.ndarray]) -> None:
        """Keep what was found for the points start, …, stop − 1.

        Raises
        ------
        InvalidArgument
            If a column has not `stop` − `start` rows of numbers or text.
        OSError
            If it cannot be written, for example because the disk is full; `filename` is the piece's.
        """
        columns = checked(start, stop, columns)
        facts = {"format": FORMAT_VERSION, "key": self.key, "start": start, "stop": stop, "columns": list(columns)}
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            archive.writestr("piece.json", json.dumps(facts | {"version": __version__}))
            for name, values in columns.items():
                array = io.BytesIO()
                np.save(array, values, allow_pickle=False)
                archive.writestr(f"{name}.npy", array.getvalue())
        with atomic_write(self._path(start, stop)) as file:
            file.write(content.getvalue())

    def finished(self) -> dict[Range, Columns]:
        """Every piece that is whole and of this computation, in the order of the points.

        Warns
        -----
        FokkerPlanckWarning
            For each file that is damaged or of another computation. It is renamed to `*.unusable`, and its points
            count as not computed.
        """
        return dict(self._usable())

    def faults(self) -> Faults:
        """What `keep_faults` has kept last."""
        path = self.folder / "strikes.json"
        if not path.exists():
            return Faults()
        try:
            facts = json.loads(path.read_bytes())
            if facts["key"] != self.key:
                raise ValueError("it belongs to another sweep")
            strikes = {(int(start), int(stop)): int(count) for start, stop, count in facts["strikes"]}
            return Faults(strikes, {int(point): str(reason) for point, reason in facts["aside"]})
        except Exception as error:
            _set_aside(path, f"is damaged ({error}), so what killed workers is tried again")
            return Faults()

    def keep_faults(self, faults: Faults) -> None:
        """Replace what is known about points that kill processes."""
        strikes = [[start, stop, count] for (start, stop), count in sorted(faults.strikes.items())]
        facts = {"key": self.key, "strikes": strikes, "aside": sorted(faults.aside.items())}
        _write_json(self.folder / "strikes.json", facts)

    def _path(self, start: int, stop: int) -> Path:
        return self.folder / f"piece-{start:09d}-{stop:09d}.npz"

    def _usable(self) -> Iterator[tuple[Range, Columns]]:
        named = {path: PIECE.fullmatch(path.name) for path in sorted(self.folder.iterdir())}
        for path, match in named.items():
            if match is None:
                continue
            start, stop = int(match[1]), int(match[2])
            try:
                yield (start, stop), self._read(path, start, stop)
            except _Foreign:
                _set_aside(path, "belongs to another sweep; its points are computed")
            except Exception:  # damage meets zipfile and NumPy as an exception of any type, MemoryError included
                _set_aside(path, "is damaged; its points are computed again")

    def _read(self, path: Path, start: int, stop: int) -> Columns:
        with zipfile.ZipFile(path) as archive:
            facts = json.loads(archive.read("piece.json"))
            if facts["key"] != self.key or (facts["start"], facts["stop"]) != (start, stop):
                raise _Foreign
            contents = {name: io.BytesIO(archive.read(f"{name}.npy")) for name in facts["columns"]}
        return checked(start, stop, {name: np.load(array, allow_pickle=False) for name, array in contents.items()})

    def _locked(self) -> BaseFileLock:
        """The operating system releases it when the process dies, however that happens."""
        from filelock import FileLock, Timeout

        lock = FileLock(self.folder / "lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise InvalidArgument(
                f"`folder` {self.folder} is being used by another sweep{self._holder()}; wait for it, or give another "
                f"folder."
            ) from None
        except (OSError, NotImplementedError) as error:
            raise InvalidArgument(
                f"`folder` {self.folder} cannot be locked ({error}); give one on another file system."
            ) from None
        return lock

    def _holder(self) -> str:
        try:
            facts = json.loads((self.folder / "holder.json").read_bytes())
            return f" (process {facts['pid']} on {facts['host']})"
        except (OSError, ValueError, KeyError, TypeError):
            return ""

    def _identify(self) -> None:
        """Find this computation in the folder, or make the folder its own."""
        path = self.folder / "sweep.json"
        if not path.exists():
            foreign = sorted(
                entry.name
                for entry in self.folder.iterdir()
                if not OWN.fullmatch(entry.name) and not UNFINISHED.fullmatch(entry.name)
            )
            if foreign:
                raise InvalidArgument(
                    f"`folder` {self.folder} is not the folder of a sweep: it holds {foreign[0]}; give a new one."
                )
            facts = {"format": FORMAT_VERSION, "key": self.key, "version": __version__, "identity": self.identity}
            _write_json(path, facts)
            return
        try:
            facts = json.loads(path.read_bytes())
            made_by, key, there, number = facts["version"], facts["key"], facts["identity"], int(facts["format"])
        except (OSError, ValueError, KeyError, TypeError):
            raise InvalidArgument(
                f"{path} is damaged, so nobody knows whose pieces these are; give a new folder."
            ) from None
        if number > FORMAT_VERSION:
            raise InvalidArgument(
                f"{path} has format {number}, and this version of fokkerplanck reads up to {FORMAT_VERSION}; upgrade "
                f"it."
            )
        if key != self.key:
            raise InvalidArgument(
                f"`folder` {self.folder} holds another sweep: {_listed(there, self.identity)}. Give a new folder, or "
                f"what that sweep was begun with."
            )
        if made_by != __version__:
            warnings.warn(
                f"the sweep in {self.folder} was begun by fokkerplanck {made_by} and is continued by {__version__}; "
                f"if the changes between them matter, begin in a new folder.",
                FokkerPlanckWarning,
                stacklevel=3,
            )


class _Foreign(Exception):
    """A piece of another computation."""


def _write_json(path: Path, facts: dict[str, Any]) -> None:
    with atomic_write(path) as file:
        file.write(json.dumps(facts, indent=1).encode())


def _set_aside(path: Path, what: str) -> None:
    """Under a name that no sweep reads: not lost, and not complained about again."""
    unusable = path.with_name(f"{path.name}.unusable")
    os.replace(path, unusable)
    warnings.warn(f"{path} {what}. It is now called {unusable.name}.", FokkerPlanckWarning, stacklevel=5)


def _listed(there: Any, here: Any) -> str:
    """The first differences between two identities."""
    found = list(_differences("", there, here))
    more = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return "; ".join(found[:SHOWN]) + more


def _differences(name: str, there: Any, here: Any) -> Iterator[str]:
    if isinstance(there, dict) and isinstance(here, dict):
        for key in [*there, *(key for key in here if key not in there)]:
            inner = f"{name}.{key}" if name else key
            if key not in here or key not in there:
                yield f"`{inner}` is given only {'there' if key in there else 'here'}"
            else:
                yield from _differences(inner, there[key], here[key])
    elif isinstance(there, list) and isinstance(here, list):
        if len(there) != len(here):
            yield f"`{name}` has {len(there)} values there and {len(here)} here"
        else:
            for k, (old, new) in enumerate(zip(there, here, strict=True)):
                yield from _differences(f"{name}[{k}]", old, new)
    elif there != here or type(there) is not type(here):
        yield f"`{name}` is {there!r:.60} there and {here!r:.60} here"
