"""Films: as many frames as asked for, each of its own time, and a file that is whole or not there."""

import os
import stat
import tracemalloc
from itertools import pairwise
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

import fokkerplanck as fp
from fokkerplanck.plotting import film as films
from fokkerplanck.plotting.moments import SavedDensities
from fokkerplanck.plotting.scenes import Lanes, Neurons, Profiles, scene_of

SMALL = {"dpi": 40, "fps": 10}


def relaxing(b=0.5, end=1.0, saves=11, **options):
    model = fp.nnlif(b=b)
    save_at = np.linspace(0.0, end, saves)
    return fp.solve(model, fp.gaussian(0.0, 0.25), (0.0, end), grid=model.grid(60), save_at=save_at,
                    estimate_error=False, **options)  # fmt: skip


@pytest.fixture(scope="module")
def relaxation():
    return relaxing()


@pytest.fixture(scope="module")
def eventful():
    model = fp.nnlif(b=0.5)
    return fp.solve(
        model, fp.gaussian(1.83, 0.003), (0.0, 0.01), grid=model.grid(200, finest=1e-3), clock=fp.ActivityClock(),
        save_at=np.linspace(0.0, 0.01, 5), estimate_error=False,
    )  # fmt: skip


def pictures(path):
    with Image.open(path) as film:
        found = []
        for k in range(film.n_frames):
            film.seek(k)
            found.append((np.asarray(film.convert("RGB")).astype(int), film.info["duration"]))
        return found, film.size


def test_a_film_has_the_frames_the_size_and_the_length_asked_for(relaxation, tmp_path):
    path = relaxation.animate(tmp_path / "film.gif", frames=7, fps=8.0, dpi=40)
    assert path == tmp_path / "film.gif"
    frames, size = pictures(path)
    assert (len(frames), size) == (7, (360, 152))
    assert sum(duration for _, duration in frames) == pytest.approx(7 / 8.0 * 1000, abs=10)
    for (one, _), (other, _) in pairwise(frames):
        assert np.any(one != other)
    assert np.all(frames[0][0][0, 0] == 255)
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_read_back_is_what_was_drawn(relaxation, tmp_path):
    path = relaxation.animate(tmp_path / "film.gif", frames=4, **SMALL)
    frames, _ = pictures(path)
    with mpl.rc_context(films.STYLE):
        film = films._Film(scene_of(relaxation), 40)
    for t, (seen, _) in zip(np.linspace(0.0, 1.0, 4), frames, strict=True):
        wrong = np.abs(film.picture(t).astype(int) - seen).max(axis=-1)
        assert np.mean(wrong > 24) < 0.002


def test_frames_are_the_saved_densities_and_straight_lines_between_them(relaxation):
    at = SavedDensities(relaxation)
    for t, density in zip(relaxation.saved_t, relaxation.density, strict=True):
        assert np.array_equal(at(t), density)
    np.testing.assert_allclose(at(0.25), 0.5 * (relaxation.density[2] + relaxation.density[3]), rtol=1e-12)
    with pytest.raises(fp.InvalidArgument, match="among the saved times"):
        at(1.01)


def test_nothing_is_interpolated_across_a_firing_event(eventful):
    (jump,), (before,) = eventful.jumps, eventful.before
    at = SavedDensities(eventful)
    k = int(np.searchsorted(eventful.saved_t, jump.time))
    np.testing.assert_allclose(at(jump.time * (1 - 1e-12)), before.density, atol=1e-6)
    for t in (jump.time, 0.5 * (jump.time + eventful.saved_t[k]), eventful.saved_t[k]):
        np.testing.assert_allclose(at(t), eventful.density[k], rtol=1e-12)


def test_the_rate_is_drawn_up_to_the_present(relaxation):
    scene = scene_of(relaxation)
    assert isinstance(scene, Profiles)
    scene.show(0.37)
    line, dot = scene._lines[0], scene._dots[0]
    assert line.get_xdata()[-1] == dot.get_xdata()[0] == 0.37
    assert dot.get_ydata()[0] == relaxation.rate_at(0.37)
    np.testing.assert_array_equal(line.get_ydata(), relaxation.rate_at(line.get_xdata()))
    profile = scene._profiles[0]
    np.testing.assert_allclose(profile.line.get_ydata()[:-1], SavedDensities(relaxation)(0.37))


def test_a_firing_event_is_told_once_it_has_happened(eventful):
    scene, (jump,) = scene_of(eventful), eventful.jumps
    ((_, line),) = scene._events
    for t, seen in ((0.5 * jump.time, False), (jump.time, True)):
        scene.show(t)
        assert line.get_visible() is seen
        assert (f"{jump.fraction:.3g}" in scene._fired.get_text()) is seen


def test_a_stationary_state_is_drawn_beside(relaxation, tmp_path):
    (state,) = fp.stationary_states(relaxation.model)
    scene = scene_of(relaxation, state)
    lines = [line for line in scene.left.lines if len(line.get_xdata()) > 500]
    np.testing.assert_allclose(lines[0].get_ydata(), state.density(lines[0].get_xdata()))
    with pytest.raises(fp.InvalidArgument, match="stationary"):
        relaxation.animate(tmp_path / "film.gif", stationary=0.3)


def learning():
    model = fp.learning(lanes=6, signal=1.0)
    start = fp.connectivity(lambda w: np.ones_like(w), fp.compatible_gaussian(0.0, 0.25))
    return fp.solve(model, start, (0.0, 0.4), grid=model.grid(cells=40), stepper=fp.BackwardEuler(0.1))


def conductances():
    model = fp.voltage_conductance(0.1, nu=20.0, f_E=0.05, sigma_E=0.2, V_E=2.0, lanes=10)
    grid = model.grid(30, v_min=-0.4)
    return fp.solve(model, fp.gaussian(0.5, 0.01), (0.0, 0.05), grid=grid, estimate_error=False)


def labels():
    threshold = fp.SoftThreshold(lambda v: 5.0 / (1.0 + np.exp(-(v - 1.0) / 0.2)))
    neuron = fp.nnlif(b=0.0, a0=0.125, V_R=0.0, V_F=1.0, threshold=threshold)
    model = fp.ExtendedPopulation(lambda x, y: x - y, neuron, 6, external=lambda xi: xi)
    grid = model.grid(60, v_min=-2.5, v_max=6.0)
    return fp.solve(model, fp.gaussian(0.2, 0.09), (0.0, 0.2), grid=grid, estimate_error=False)


def two_populations():
    network = fp.excitatory_inhibitory(0.5, 0.75, 0.5, 1.0)
    return fp.solve(network, fp.compatible_gaussian(0.0, 0.5), (0.0, 0.3), grid=network.grid(60), estimate_error=False)


def polarizing():
    return fp.solve(fp.cell_polarization(mass=2.0), fp.exponential(1.0), (0.0, 1.0), estimate_error=False)


def ages():
    model = fp.time_elapsed(fp.StepHazard(1.0))
    return fp.solve(model, fp.exponential(1.0), (0.0, 1.0), estimate_error=False)


def blow_up():
    model = fp.nnlif(b=3.0)
    return fp.solve(model, fp.gaussian(1.2, 0.1), (0.0, 4.0), model.grid(100, finest=0.002), estimate_error=False)


def neurons():
    return fp.simulate(fp.nnlif(b=0.8), 500, fp.gaussian(1.8, 0.01), (0.0, 0.1), dt=1e-3, save_at=[0.0, 0.05, 0.1])


KINDS = {
    learning: Lanes, conductances: Lanes, labels: Lanes, two_populations: Profiles, polarizing: Profiles,
    ages: Profiles, blow_up: Profiles, neurons: Neurons,
}  # fmt: skip


@pytest.mark.parametrize("make", KINDS, ids=lambda make: make.__name__)
def test_every_kind_of_solution_has_its_film(make, tmp_path):
    solution = make()
    scene = scene_of(solution)
    assert isinstance(scene, KINDS[make])
    frames, _ = pictures(solution.animate(tmp_path / "film.gif", frames=3, **SMALL))
    assert len(frames) == 3
    assert np.any(frames[0][0] != frames[-1][0])


def test_an_image_shows_the_cell_that_each_pixel_is_in():
    solution = learning()
    scene = scene_of(solution)
    scene.show(solution.saved_t[-1])
    shown, (left, right, low, high) = np.asarray(scene.image.get_array()), scene.image.get_extent()
    w = left + (np.arange(shown.shape[1]) + 0.5) / shown.shape[1] * (right - left)
    v = low + (np.arange(shown.shape[0]) + 0.5) / shown.shape[0] * (high - low)
    assert v[-1] > solution.grid.V_F
    assert not np.any(shown[-1])
    for i, j in ((200, 60), (250, 300), (220, 10)):
        lane = int(np.searchsorted(solution.model.w_faces, w[j])) - 1
        cell = int(np.searchsorted(solution.grid.faces, v[i])) - 1
        assert shown[i, j] == pytest.approx(solution.density[-1, lane, cell], abs=1e-6)


def test_refusals_come_before_anything_is_drawn(relaxation, tmp_path, monkeypatch):
    monkeypatch.setattr(films, "scene_of", lambda *_: pytest.fail("drawn"))
    monkeypatch.setitem(mpl.rcParams, "animation.ffmpeg_path", str(tmp_path / "nothing"))
    for path, options, message in (
        ("film.avi", {}, r"must end in \.gif"),
        ("film.mp4", {}, r"needs the program ffmpeg.*write a \.gif"),
        ("no/film.gif", {}, "no folder"),
        ("film.gif", {"frames": 1}, "`frames`"),
        ("film.gif", {"frames": 2.5}, "`frames`"),
        ("film.gif", {"fps": 0.0}, "`fps`"),
        ("film.gif", {"fps": 60}, "at most 50"),
        ("film.gif", {"dpi": 3}, "`dpi`"),
    ):
        with pytest.raises(fp.InvalidArgument, match=message):
            relaxation.animate(tmp_path / path, **options)
    with pytest.raises(fp.InvalidArgument, match="two times"):
        relaxing(saves=1, end=0.1).animate(tmp_path / "film.gif")
    assert list(tmp_path.iterdir()) == []


def test_more_frames_than_densities_are_announced(relaxation, tmp_path):
    with pytest.warns(fp.FokkerPlanckWarning, match=r"15 frames, but 11 densities.*interpolated linearly") as warned:
        relaxation.animate(tmp_path / "film.gif", frames=15, **SMALL)
    assert Path(warned[0].filename) == Path(__file__)
    assert len(pictures(relaxation.animate(tmp_path / "film.gif", **SMALL))[0]) == 11  # by itself no more than that


@pytest.mark.parametrize("trouble", [KeyboardInterrupt, ValueError])
def test_what_fails_leaves_no_part_and_the_old_film(trouble, relaxation, tmp_path, monkeypatch):
    def failing(self, t, show=Profiles.show):
        if t > 0.5 and len(list(tmp_path.iterdir())) == 2:
            raise trouble
        show(self, t)

    path = tmp_path / "film.gif"
    path.write_bytes(b"the old one")
    monkeypatch.setattr(films, "_palette", lambda pictures, palette=films._palette: palette(pictures[:1]))
    monkeypatch.setattr(Profiles, "show", failing)
    with pytest.raises(trouble):
        relaxation.animate(path, **SMALL)
    assert path.read_bytes() == b"the old one"
    assert list(tmp_path.iterdir()) == [path]


def test_memory_does_not_grow_with_the_number_of_frames():
    pictures = np.random.default_rng(0).integers(0, 255, (3, 120, 120, 3), dtype=np.uint8)
    with open(os.devnull, "wb") as nowhere:
        gif = films._Gif(nowhere, films._palette(list(pictures)), 20.0)
        for picture in pictures:
            gif.write(picture)
        tracemalloc.start()
        gif.write(pictures[0])
        before, peak = tracemalloc.get_traced_memory()
        for k in range(40):
            gif.write(pictures[(k + 1) % 3])
        after, later = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    few = 5 * 120 * 120  # pictures, of the 40, with a byte a pixel
    assert after - before < few
    assert later - peak < few


def test_progress_is_shown_where_it_is_wanted(relaxation, tmp_path, capsys):
    relaxation.animate(tmp_path / "film.gif", frames=3, **SMALL)
    assert capsys.readouterr().err == ""
    relaxation.animate(tmp_path / "film.gif", frames=3, progress=True, **SMALL)
    assert "3/3" in capsys.readouterr().err


FAKE = """#!/bin/sh
for last; do :; done
cat > "$last"
"""


def program(folder, text):
    path = folder / "ffmpeg"
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_a_video_is_sent_to_ffmpeg_frame_by_frame(relaxation, tmp_path, monkeypatch):
    """By a stand-in that keeps what it is sent: whole pictures, of even size, one for each frame."""
    monkeypatch.setitem(mpl.rcParams, "animation.ffmpeg_path", program(tmp_path, FAKE))
    path = relaxation.animate(tmp_path / "film.mp4", frames=3, dpi=39)  # 351 × 148 pixels
    sent = np.frombuffer(path.read_bytes(), dtype=np.uint8).reshape(3, 148, 350, 3)
    assert np.any(sent[0] != sent[2])


@pytest.mark.parametrize("reads", ["cat > /dev/null", "true"])
def test_an_ffmpeg_that_fails_says_why_and_leaves_nothing(reads, relaxation, tmp_path, monkeypatch):
    text = f"#!/bin/sh\n{reads}\necho no such codec >&2\nexit 1\n"
    monkeypatch.setitem(mpl.rcParams, "animation.ffmpeg_path", program(tmp_path, text))
    with pytest.raises(fp.FokkerPlanckError, match="no such codec"):
        relaxation.animate(tmp_path / "film.mp4", frames=3, **SMALL)
    assert [path.name for path in tmp_path.iterdir()] == ["ffmpeg"]
