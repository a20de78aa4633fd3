"""Films: a solution in motion, as a GIF or an MP4 file."""

from __future__ import annotations

import contextlib
import io
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb

from ..outcomes import FokkerPlanckError, FokkerPlanckWarning, InvalidArgument, positive, whole_number
from ..particles.solution import ParticleSolution
from ..progress import progress_bar
from ..solution import Solution
from ..storage import atomic_write, check_writable
from .scenes import Scene, scene_of
from .style import COLOURS, POPULATIONS, STYLE

if TYPE_CHECKING:
    from os import PathLike

    from ..stationary import StationaryState

FRAMES, FPS, DPI = 120, 20.0, 100
"""Six seconds, 900 pixels wide."""
PALETTE_FRAMES = 8
"""Frames that the 256 colours of a GIF are chosen from."""
UNCHANGED = 255
"""The colour of a GIF that stands for what the frame before has there."""
EXACT = 48
"""Colours of a GIF that are those of the most pixels."""
LARGEST_DELAY = 65535
"""Hundredths of a second that one frame of a GIF can last."""
Write = Callable[[np.ndarray], None]


def animate(
    solution: Solution | ParticleSolution,
    path: str | PathLike[str],
    frames: int | None = None,
    fps: float = FPS,
    dpi: int = DPI,
    stationary: StationaryState | None = None,
    progress: bool | None = None,
) -> Path:
    """Write a film of a solution: the density at each time, and N(t) up to it.

    Frames are evenly spaced in time from the first saved density to the last. Between saved densities they are
    interpolated linearly in time, never across a firing event; of neurons the nearest saved histogram is shown. Only
    what moves is drawn again, and frames are written as they are made: memory does not grow with their number.

    Parameters
    ----------
    solution : Solution or ParticleSolution
        With at least two saved densities.
    path : path
        Ends in `.gif`, or in `.mp4` where the program ffmpeg is installed. Written whole or not at all.
    frames : int, optional
        Default: 120, or as many as densities were saved if those are fewer.
    fps : float
        Frames per second, at most 50 in a GIF, which counts time in hundredths of a second.
    dpi : int
        Pixels per inch; a film is 9 inches wide.
    stationary : StationaryState, optional
        Of `fp.stationary_states`, drawn as a dashed line; for one population.
    progress : bool, optional
        Show a progress bar; by default on a terminal.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InvalidArgument
        If the suffix is another one, ffmpeg is missing, the file cannot be written, fewer than two densities were
        saved, or a number makes no sense. Nothing is drawn before all that is known.
    FokkerPlanckError
        If ffmpeg fails; with what it says.

    >>> import tempfile
    >>> import fokkerplanck as fp
    >>> sol = fp.solve(fp.nnlif(b=0.5), fp.gaussian(0.0, 0.25), (0.0, 1.0), save_at=np.linspace(0.0, 1.0, 11))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     film = animate(sol, Path(folder, "relaxation.gif"), fps=5, dpi=40)
    ...     film.stat().st_size > 1000
    True
    """
    target = _checked_path(path)
    if not isinstance(solution, Solution | ParticleSolution):
        raise InvalidArgument(f"`solution` must be what fp.solve or fp.simulate returns, not {solution!r:.60}.")
    rate, density = positive("fps", fps), whole_number("dpi", dpi, 10)
    if target.suffix.lower() == ".gif" and not 100.0 / LARGEST_DELAY <= rate <= 50.0:
        raise InvalidArgument(f"`fps` = {fps:g}, but a GIF shows at most 50 frames per second; write an .mp4 for more.")
    times = _frame_times(solution, frames)
    with mpl.rc_context(STYLE):
        film = _Film(scene_of(solution, stationary), density)
        with (
            atomic_write(target) as file,
            _writer(target, file, film, times, rate) as write,
            progress_bar(progress, len(times), "frame") as report,
        ):
            for k, t in enumerate(times):
                write(film.picture(t))
                report(k + 1)
    return target


class _Film:
    """A scene whose axes are drawn once, and what moves again for every picture."""

    def __init__(self, scene: Scene, dpi: int) -> None:
        self.scene = scene
        scene.figure.set_dpi(dpi)
        self.canvas = FigureCanvasAgg(scene.figure)
        for artist in scene.moving:
            artist.set_animated(True)
        self.canvas.draw()
        scene.figure.set_layout_engine("none")  # the panels stay where they are
        self.canvas.draw()
        self.still = self.canvas.copy_from_bbox(scene.figure.bbox)

    def picture(self, t: float) -> np.ndarray:
        """Shape (height, width, 3), both even, as video formats want them; valid until the next one is drawn."""
        self.scene.show(t)
        self.canvas.restore_region(self.still)
        for artist in self.scene.moving:
            if artist.axes is not None:
                artist.axes.draw_artist(artist)
            else:
                self.scene.figure.draw_artist(artist)
        pixels = np.asarray(self.canvas.buffer_rgba())[:, :, :3]
        height, width = (2 * (size // 2) for size in pixels.shape[:2])
        return pixels[:height, :width]


# -- what is accepted -------------------------------------------------------------------------------------------


def _checked_path(path: str | PathLike[str]) -> Path:
    target = Path(path)
    kind = target.suffix.lower()
    if kind not in (".gif", ".mp4"):
        raise InvalidArgument(f"`path` = {str(target)!r} must end in .gif (or in .mp4, if ffmpeg is installed).")
    if kind == ".mp4" and _ffmpeg() is None:
        raise InvalidArgument("`path` ends in .mp4, which needs the program ffmpeg: install it, or write a .gif.")
    check_writable(target)
    return target


def _ffmpeg() -> str | None:
    return shutil.which(str(mpl.rcParams["animation.ffmpeg_path"]))


def _frame_times(solution: Solution | ParticleSolution, frames: int | None) -> np.ndarray:
    saved = solution.saved_t
    if len(saved) < 2 or not saved[-1] > saved[0]:
        raise InvalidArgument(
            "`solution` needs densities that were saved at two times at least: leave `save_at` out, or name more times."
        )
    if frames is None:
        return np.linspace(saved[0], saved[-1], min(FRAMES, len(saved)))
    number = whole_number("frames", frames, 2)
    if number > len(saved):
        between = "interpolated linearly" if isinstance(solution, Solution) else "shown several times"
        warnings.warn(
            f"{number} frames, but {len(saved)} densities were saved: those between are {between}; name more times in "
            f"`save_at`, or ask for fewer `frames`.",
            FokkerPlanckWarning,
            stacklevel=4,
        )
    return np.linspace(saved[0], saved[-1], number)


# -- files ------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _writer(target: Path, file: IO[bytes], film: _Film, times: np.ndarray, fps: float) -> Iterator[Write]:
    """What takes one picture after the other."""
    if target.suffix.lower() == ".gif":
        some = times[np.unique(np.linspace(0, len(times) - 1, PALETTE_FRAMES).round().astype(int))]
        gif = _Gif(file, _palette([film.picture(t).copy() for t in some]), fps)
        yield gif.write
        gif.end()
        return
    with _video(file.name, film.picture(times[0]).shape, fps) as write:
        yield write


def _palette(pictures: list[np.ndarray]) -> np.ndarray:
    """The 255 colours that a few pictures need, shape (255, 3).

    Those of the quantities exactly, and so the most frequent ones, lest white become grey; means of the others.
    """
    from PIL import Image

    pixels = np.concatenate(pictures)
    found, count = np.unique(_codes(pixels), return_counts=True)
    named = np.array([to_rgb(colour) for colour in (*COLOURS.values(), *POPULATIONS)])
    exact = np.unique(np.append(found[np.argsort(-count, kind="stable")[:EXACT]], _codes((255 * named).round())))
    means = Image.fromarray(pixels).quantize(UNCHANGED - len(exact), Image.Quantize.MEDIANCUT)
    colours = np.concatenate([_colours(exact), np.reshape(means.getpalette("RGB") or [], (-1, 3))])[:UNCHANGED]
    return np.concatenate([colours, np.repeat(colours[-1:], UNCHANGED - len(colours), axis=0)]).astype(np.uint8)


def _codes(pixels: np.ndarray) -> np.ndarray:
    """Each colour as one number."""
    red, green, blue = (pixels[..., k].astype(np.uint32) for k in range(3))
    return red << 16 | green << 8 | blue


def _colours(codes: np.ndarray) -> np.ndarray:
    return np.stack([codes >> 16, codes >> 8 & 255, codes & 255], axis=-1)


class _Nearest:
    """Which of the colours of a palette is the nearest to each pixel. Pillow looks for it among nearby ones only."""

    def __init__(self, palette: np.ndarray) -> None:
        self.palette = palette.astype(int)
        self.known = np.full(2**24, UNCHANGED, dtype=np.uint8)

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        codes = _codes(picture)
        found = self.known[codes]
        missing = found == UNCHANGED
        if np.any(missing):
            new = np.unique(codes[missing])
            distance = np.sum((_colours(new).astype(int)[:, None] - self.palette) ** 2, axis=-1)
            self.known[new] = np.argmin(distance, axis=-1)
            found = self.known[codes]
        return found


class _Gif:
    """A GIF file that is written frame by frame. Pillow, and with it Matplotlib's writer, keeps them all until the end.

    Each frame is a rectangle that holds all that has changed, transparent where nothing has. Pillow compresses it, as a
    GIF of one frame, whose image block is what follows its header and its colour table.
    """

    def __init__(self, file: IO[bytes], palette: np.ndarray, fps: float) -> None:
        self.file, self.fps, self.nearest = file, fps, _Nearest(palette)
        self.before: np.ndarray | None = None
        self.shown = 0
        self.colours = palette.tobytes().ljust(768, b"\0")

    def write(self, picture: np.ndarray) -> None:
        now = self.nearest(picture)
        height, width = now.shape
        if self.before is None:
            self.file.write(b"GIF89a" + _short(width, height) + b"\xf7\0\0" + self.colours)
            self.file.write(b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0")  # again and again
            top, bottom, left, right, pixels = 0, height, 0, width, now
        else:
            changed = now != self.before
            changed[0, 0] |= not np.any(changed)
            (top, bottom), (left, right) = (_span(np.any(changed, axis=axis)) for axis in (1, 0))
            pixels = np.where(changed, now, np.uint8(UNCHANGED))[top:bottom, left:right]
        # Rounded so that the film as a whole has the length it should.
        end = round(100 * (self.shown + 1) / self.fps)
        delay = end - round(100 * self.shown / self.fps)
        self.file.write(b"\x21\xf9\x04\x05" + _short(delay) + bytes([UNCHANGED, 0]))
        self.file.write(b"\x2c" + _short(left, top, right - left, bottom - top) + b"\0" + self._compressed(pixels))
        self.before, self.shown = now, self.shown + 1

    def _compressed(self, pixels: np.ndarray) -> bytes:
        """The pixels in the compression of the format."""
        from PIL import Image

        alone, piece = io.BytesIO(), Image.fromarray(np.ascontiguousarray(pixels))
        piece.putpalette(self.colours)
        piece.save(alone, "GIF", optimize=False, interlace=False)
        data = alone.getvalue()
        start = 13 + 3 * 2 ** ((data[10] & 7) + 1)
        while data[start : start + 1] == b"\x21":  # extensions: blocks up to an empty one
            start += 2
            while data[start]:
                start += 1 + data[start]
            start += 1
        return data[start + 10 : -1]

    def end(self) -> None:
        self.file.write(b"\x3b")


def _span(where: np.ndarray) -> tuple[int, int]:
    found = np.flatnonzero(where)
    return int(found[0]), int(found[-1]) + 1


def _short(*numbers: int) -> bytes:
    return b"".join(number.to_bytes(2, "little") for number in numbers)


@contextlib.contextmanager
def _video(name: str, shape: tuple[int, ...], fps: float) -> Iterator[Write]:
    """ffmpeg, which is sent raw pictures and writes H.264."""
    program = _ffmpeg()
    assert program is not None
    height, width = shape[:2]
    command = [program, "-loglevel", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}"]
    command += ["-r", f"{fps:g}", "-i", "-", "-an", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-f", "mp4", name]
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=said)
        assert process.stdin is not None
        try:
            # What a broken pipe means, ffmpeg says itself.
            with contextlib.suppress(BrokenPipeError):
                yield lambda picture: _send(process.stdin, picture)
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
            status = process.wait()
        except BaseException:
            process.kill()
            process.wait()
            raise
        if status:
            said.seek(0)
            reason = said.read().decode(errors="replace").strip()[-300:]
            raise FokkerPlanckError(f"ffmpeg could not write the film: {reason}")


def _send(pipe: Any, picture: np.ndarray) -> None:
    pipe.write(np.ascontiguousarray(picture).data)
