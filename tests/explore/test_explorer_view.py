"""What the explorer shows, without a page: facts, picture and code of every preset."""

import base64
import contextlib
import dataclasses
import importlib.util
import io
import json
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

import fokkerplanck as fp
from fokkerplanck.explore import page
from fokkerplanck.explore.picture import draw, frame_times, picture_of, scene_of
from fokkerplanck.explore.player import PAYLOAD, payload, player
from fokkerplanck.explore.presets import PRESETS
from fokkerplanck.explore.view import CHOSEN_BY_SOLVE, choices_of, no_particles, schemes, starts, view_of
from fokkerplanck.models.parameters import PARAMETERS, STARTS

LESSONS = Path(__file__).resolve().parents[2] / "notebooks"
every_preset = pytest.mark.parametrize("name", PRESETS)
BLOW_UPS = {"blow-up-by-concentration", "blow-up-by-b", "noise-blow-up", "refractory", "cell-polarization"}


def changed(name, particles=False, end=None, **values):
    """The choices of a preset with other values; a start by `start_mean=...`."""
    choices = choices_of(name)
    of_start = {key.removeprefix("start_"): value for key, value in values.items() if key.startswith("start_")}
    of_model = {key.replace("__", "."): value for key, value in values.items() if not key.startswith("start_")}
    return dataclasses.replace(
        choices,
        values=tuple((dict(choices.values) | of_model).items()),
        start_values=tuple((dict(choices.start_values) | of_start).items()),
        end=choices.end if end is None else end,
        particles=particles,
    )


# -- presets ----------------------------------------------------------------------------------------------------


@every_preset
def test_a_preset_lies_within_the_declared_ranges(name):
    preset = PRESETS[name]
    for parameters, values in ((PARAMETERS[preset.model], preset.values), (STARTS[preset.start], preset.start_values)):
        ranges = {parameter.name: (parameter.low, parameter.high) for parameter in parameters}
        for key, value in values.items():
            low, high = ranges[key]
            assert low <= value <= high
    assert preset.start in starts(preset.model)


@every_preset
def test_a_preset_has_its_theorem_its_source_and_something_to_try(name):
    preset = PRESETS[name]
    assert preset.sentence.endswith(".")
    assert preset.try_this.endswith(".")
    assert any(year in preset.source for year in ("2010", "2011", "2012", "2014", "2015", "2017"))
    with pytest.raises(TypeError):
        preset.values["b"] = 1.0


def test_the_numbers_in_the_texts_are_those_of_the_package():
    (fold,) = fp.fold_points(fp.nnlif(b=0.0))
    assert f"b = {fold.b:.2f}" in PRESETS["two-steady-states"].try_this
    assert f"b = {fold.b:.2f}" in PRESETS["blow-up-by-b"].try_this
    least = fp.certified_connectivity(fp.nnlif(b=1.0), fp.gaussian(**PRESETS["blow-up-by-b"].start_values))
    assert f"b = {least:.1f}" in PRESETS["blow-up-by-b"].try_this


@every_preset
def test_a_preset_shows_what_its_theorem_says(name):
    view = view_of(choices_of(name))
    assert view.tone == ("blow-up" if name in BLOW_UPS else "calm")
    if name in BLOW_UPS:
        assert f"t* = {view.solution.blow_up.time:.5g}" in view.verdict
        assert "Certificate: " in view.certificate
    counts = {"two-steady-states": 2, "blow-up-by-b": 0, "cell-polarization": 0}
    assert len(view.states) == counts.get(name, 1) or name == "blow-up-by-concentration"
    unstable = {"refractory", "random-threshold-rhythm", "time-elapsed-rhythm"}
    assert (view.states != () and view.states[0].stability == "unstable") == (name in unstable)


# -- what the texts tell to try ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("choices", "tone"),
    [
        (changed("inhibitory", a1=1.0), "blow-up"),
        (changed("two-steady-states", b=2.15, end=20.0), "blow-up"),
        (changed("two-steady-states", start_mean=1.5, start_variance=0.005), "blow-up"),
        (changed("blow-up-by-concentration", start_mean=1.2), "calm"),
        (changed("blow-up-by-concentration", start_variance=0.02), "blow-up"),
        (changed("blow-up-by-b", delay=0.5), "calm"),
        (changed("refractory", threshold__epsilon=0.02), "calm"),
        (changed("excitatory-inhibitory", b_EE=3.0, b_EI=0.75, b_IE=0.5, b_II=0.25), "blow-up"),
        (changed("cell-polarization", mass=0.9), "calm"),
        (changed("cell-polarization", polarity__L=1.0), "calm"),
    ],
)
def test_what_is_to_be_tried_comes_out(choices, tone):
    assert view_of(choices).tone == tone


def test_a_certificate_is_lost_before_the_blow_up_is():
    view = view_of(changed("blow-up-by-b", b=10.0))
    assert view.tone == "blow-up"
    assert view.certificate.startswith("No certificate: the criterion of the theorem is not satisfied (M_μ(0) = ")
    assert view.certificate.endswith("and yet there is a blow-up: it is sufficient, not necessary.")


def test_rhythms_die_where_the_texts_say_so():
    for choices in (
        changed("random-threshold-rhythm", b=2.0),
        changed("random-threshold-rhythm", threshold__epsilon=0.1),
    ):
        assert [rest.stability for rest in view_of(choices).states] == ["stable"]
    for J in (0.5, 1.5):
        assert [rest.stability for rest in view_of(changed("time-elapsed-rhythm", connectivity=J)).states] == ["stable"]


# -- what is refused or goes wrong ------------------------------------------------------------------------------


def test_what_a_model_refuses_is_said_in_its_own_words():
    view = view_of(changed("inhibitory", V_R=3.0))
    assert view.tone == "refused"
    assert view.verdict == "Not possible: the reset V_R = 3 must lie below the threshold V_F = 2; swap them?"
    assert (view.solution, view.code) == (None, "")
    assert 'data-version="" hidden' in page.verdict(view)


def test_warnings_of_the_solver_are_shown(monkeypatch):
    import warnings

    from fokkerplanck.explore import view as module

    def warn(*arguments, **options):
        warnings.warn("look here", fp.FokkerPlanckWarning, stacklevel=2)
        return fp.solve(*arguments, **options)

    monkeypatch.setattr(module, "solve", warn)
    module._solved.cache_clear()
    view = view_of(choices_of("inhibitory"))
    module._solved.cache_clear()
    assert "look here" in view.notes
    assert "<li>look here</li>" in page.details(view)


def test_a_run_that_takes_too_long_is_stopped_and_says_so(monkeypatch):
    from fokkerplanck.explore import view as module

    monkeypatch.setattr(module, "PATIENCE", 0.0)
    module._solved.cache_clear()
    view = view_of(choices_of("inhibitory"))
    module._solved.cache_clear()
    assert view.tone == "trouble"
    assert view.verdict.startswith("The page stopped this run after 0 seconds, at t = ")


# -- schemes and neurons ----------------------------------------------------------------------------------------


def test_the_schemes_are_those_that_suit_the_model():
    assert schemes("nnlif")[0] == "scharfetter-gummel"
    assert {"upwind", "weno-5", "spectral", CHOSEN_BY_SOLVE} < set(schemes("nnlif"))
    assert not {"van-leer", "characteristics"} & set(schemes("nnlif"))
    assert schemes("time-elapsed") == ("characteristics", CHOSEN_BY_SOLVE)
    assert "weno-5" not in schemes("learning")


@pytest.mark.parametrize("scheme", schemes("nnlif"))
def test_every_scheme_gives_the_same_view(scheme):
    view = view_of(dataclasses.replace(changed("weakly-excitatory", end=0.5), scheme=scheme))
    reference = view_of(changed("weakly-excitatory", end=0.5)).solution.rate[-1]
    assert view.solution.rate[-1] == pytest.approx(reference, rel=0.05)
    assert scene_of(view).distance  # a relative entropy for every grid


def test_neurons_are_laid_over_one_population_and_nothing_else():
    view = view_of(changed("weakly-excitatory", particles=True, end=1.0))
    assert view.neurons.count == 10_000
    frames = picture_of(view).frames
    assert len(frames["steps"]["nearest"]) == len(frames["t"])
    assert len(frames["steps"]["rows"][0]) == len(frames["steps"]["x"])
    assert "fp.simulate(model, 10000, start" in view.code
    assert [kind for kind in PARAMETERS if not no_particles(kind)] == ["nnlif"]
    assert "neurons that are all alike" in no_particles("learning")
    refused = view_of(changed("cell-polarization", particles=True))
    assert refused.neurons is None
    assert no_particles("cell-polarization") in refused.notes


# -- code -------------------------------------------------------------------------------------------------------


def executed(code):
    names = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(code, names)
    return names


@every_preset
def test_the_code_reproduces_the_view(name):
    view = view_of(choices_of(name))
    *lines, last = view.code.splitlines()
    assert last == 'sol.plot().savefig("view.png")'
    names = executed("\n".join(lines))
    assert np.array_equal(names["sol"].rate[-1], view.solution.rate[-1])
    assert names["sol"].status is view.solution.status


@pytest.mark.parametrize("scheme", ["weno-5", "spectral", CHOSEN_BY_SOLVE])
def test_the_code_has_the_scheme(scheme):
    view = view_of(dataclasses.replace(changed("weakly-excitatory", end=0.2), scheme=scheme))
    names = executed(view.code.replace("sol.plot()", "# "))
    assert names["sol"].rate[-1] == view.solution.rate[-1]


def test_the_whole_code_runs_with_its_figures_and_the_neurons(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    view = view_of(changed("weakly-excitatory", particles=True, end=0.2))
    names = executed(view.code)
    assert np.array_equal(names["neurons"].rate[1:], view.neurons.rate[1:])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["neurons.png", "view.png"]


# -- picture and player -----------------------------------------------------------------------------------------


@every_preset
def test_a_picture_has_a_frame_for_every_instant(name):
    view = view_of(choices_of(name))
    picture = picture_of(view)
    frames = picture.frames
    assert picture.png.startswith(b"\x89PNG")
    assert len(frames["t"]) == len(frame_times(view.solution))
    for curve in frames["curves"]:
        rows = np.array(curve["rows"])
        assert rows.shape == (len(frames["t"]), len(frames["x"]))
        assert np.all((rows >= 0.0) & (rows <= picture.height))
    for cursor in frames["cursors"]:
        assert len(cursor["x"]) == len(frames["t"])
        assert 0.0 <= min(cursor["x"]) <= max(cursor["x"]) <= picture.width
        assert 0.0 <= cursor["top"] < cursor["bottom"] <= picture.height


def test_the_frames_are_the_density():
    view = view_of(choices_of("weakly-excitatory"))
    scene = scene_of(view)
    (curve,) = scene.curves
    step = scene.x[1] - scene.x[0]
    assert np.allclose(curve.values.sum(axis=1) * step, 1.0, atol=5e-3)
    last = np.interp(scene.x, view.solution.v, view.solution.density[-1])
    assert np.allclose(curve.values[-1], last, atol=1e-2)
    (profile,) = scene.profiles
    assert profile.y.sum() * step == pytest.approx(1.0, abs=5e-3)


def test_towards_a_blow_up_the_frames_are_close_together():
    t = frame_times(view_of(choices_of("blow-up-by-concentration")).solution)
    assert np.all(np.diff(t) > 0.0)
    assert np.diff(t)[-1] < 0.1 * np.diff(t)[0]


def test_a_picture_can_be_drawn_on_any_figure():
    view = view_of(choices_of("two-steady-states"))
    figure = Figure()
    density, rates, image, distance = draw(figure, view)
    assert [ax in figure.axes for ax in (density, rates, image, distance)] == [True] * 4
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert sum("stable" in label for label in labels) == 2
    assert distance.get_yscale() == "log"


def test_without_a_stationary_state_there_is_no_entropy():
    scene = scene_of(view_of(choices_of("blow-up-by-b")))
    assert scene.distance == []
    assert "no stationary state" in scene.distance_name


def test_the_player_and_its_payload_ask_nobody_else():
    document = player(960, 540)
    picture = picture_of(view_of(choices_of("inhibitory")))
    told = payload(picture, "a <b> & c")
    for text in (document, told, page.theorem(PRESETS["inhibitory"])):
        assert "http" not in text.replace("http://www.w3.org/2000/svg", "")  # the name of a language, not an address
    assert f'id="{PAYLOAD}"' in told
    from html import unescape

    content = json.loads(unescape(told.split("hidden>")[1].removesuffix("</div>")))
    assert content["label"] == "a <b> & c"
    assert content["frames"]["x"] == picture.frames["x"]
    (curve,), (shown,) = picture.frames["curves"], content["frames"]["curves"]
    rows = [np.frombuffer(base64.b64decode(row), "<u2") / 10.0 for row in shown["rows"]]
    assert np.allclose(rows, curve["rows"], atol=1e-9)
    assert payload(picture, "another") != told


def test_texts_are_escaped_and_indices_set():
    assert page.mathematics("V_F < b") == "V<sub>F</sub> &lt; b"


@pytest.mark.skipif(importlib.util.find_spec("marimo") is None, reason="needs the extra `app` (marimo)")
def test_the_app_runs_as_a_script_without_a_failing_cell():
    from fokkerplanck.explore.app import app

    _, names = app.run()
    assert names["view"].tone == "calm"
    assert set(names["model_values"].value) == {parameter.name for parameter in PARAMETERS["nnlif"]}


# -- what a lecturer may move ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "tone", "certified"),
    [
        ({"a1": 0.6}, "blow-up", False),
        ({"a1": 0.3}, "calm", False),
        ({"b": -10.0}, "calm", False),
        ({"b": -10.0, "start_mean": 1.9, "start_variance": 0.0002}, "blow-up", True),
    ],
)
def test_what_the_preset_on_noise_says_to_try(values, tone, certified):
    view = view_of(changed("noise-blow-up", **values))
    assert view.tone == tone
    assert view.certificate.startswith("Certificate") == certified


@pytest.mark.parametrize("name", ["two-steady-states", "weakly-excitatory"])
def test_the_least_noise_of_the_slider_has_a_picture(name):
    (a0,) = (p for p in PARAMETERS["nnlif"] if p.name == "a0")
    view = view_of(changed(name, a0=a0.low))
    assert view.solution is not None


def test_at_the_critical_mass_there_are_infinitely_many_states():
    view = view_of(changed("cell-polarization", mass=1.0, end=2.0))
    assert "every density that falls like e^(−αz), α > 0, is stationary" in view.verdict
    assert len(view.states) == 1
    assert view.states[0].rates[0] == pytest.approx(view.solution.rate[-1], rel=1e-2)


def test_frozen_weights_have_no_single_connectivity():
    view = view_of(changed("learning", speed=0.0))
    assert view.states == ()
    assert "every connectivity C(w) is stationary" in view.verdict


def test_the_entropy_falls_along_a_straight_line_to_the_end():
    view = view_of(choices_of("two-steady-states"))
    (distance,) = scene_of(view).distance
    late = distance.x > 0.6 * distance.x[-1]
    slopes = np.diff(np.log(distance.y[late])) / np.diff(distance.x[late])
    stable = min(view.states, key=lambda rest: rest.rates[0]).exact
    assert slopes == pytest.approx(2.0 * stable.growth_rate, rel=0.05)


def test_a_model_of_ones_own_has_no_theorem_beside_it():
    preset = PRESETS["inhibitory"]
    assert preset.sentence.split(",")[0] in page.theorem(preset)
    assert "Your own model" in page.theorem(preset, own=False)
    assert preset.title not in page.theorem(preset, own=False)


@every_preset
def test_the_lesson_of_a_preset_is_there(name):
    lesson = PRESETS[name].lesson
    assert lesson == "" or (LESSONS / f"{lesson}.py").exists()


# -- what fresh eyes saw -------------------------------------------------------------------------------------------


def test_what_the_text_on_concentration_says_of_certificates():
    lost = view_of(changed("blow-up-by-concentration", start_mean=1.3))
    assert lost.tone == "blow-up"
    assert lost.certificate.startswith("No certificate")
    small = view_of(changed("blow-up-by-concentration", b=0.1, start_mean=1.97, start_variance=0.0002))
    assert small.certificate.startswith("Certificate: the theorem promises")
    assert small.solution.blow_up.time > 0.0


def test_a_blow_up_at_once_has_no_interval():
    view = view_of(changed("two-steady-states", start_mean=2.0))
    assert view.verdict.startswith("Blow-up at once, at t* = 0: ")
    assert "between" not in view.verdict


@pytest.mark.parametrize(
    ("choices", "reason"),
    [
        (changed("blow-up-by-b", delay=0.5, end=0.2), "with a transmission delay solutions exist for all times"),
        (changed("inhibitory", end=0.2), "with b ≤ 0 and constant noise solutions exist for all times"),
        (changed("time-elapsed-rhythm", end=1.0), "about neurons with a membrane potential"),
        (changed("learning", end=0.4), "about neurons that are all alike and do not learn"),
        (changed("weakly-excitatory", external=1.0, end=0.2), "is stated without external current."),
    ],
)
def test_a_missing_certificate_has_the_reason_that_fits(choices, reason):
    assert reason in view_of(choices).certificate


def test_a_certificate_is_no_tautology():
    certificate = view_of(choices_of("blow-up-by-concentration")).certificate
    assert "≥" not in certificate
    assert "the μ of the earliest T*, where M_μ(0) just reaches the bound" in certificate


@pytest.mark.parametrize(
    "choices",
    [
        changed("two-steady-states", a0=0.1, end=0.2),
        changed("weakly-excitatory", a0=0.1, end=0.2),
        changed("two-steady-states", a0=0.3, external=2.5, end=0.2),
        changed("excitatory-inhibitory", a0=0.1, end=0.2),
        changed("learning", a0=0.1, end=0.2),
    ],
)
def test_the_grid_reaches_down_to_the_start(choices):
    view = view_of(choices)
    assert view.tone != "refused"
    low = view.solution.grid.v_min
    assert low <= choices_lowest(choices)
    assert "v_min=" in view.code
    assert np.array_equal(executed(view.code.replace("sol.plot()", "# "))["sol"].grid.faces, view.solution.grid.faces)


def choices_lowest(choices):
    return fp.gaussian(**dict(choices.start_values)).lowest


def test_an_explicit_scheme_that_gives_up_says_nothing_of_arguments():
    view = view_of(dataclasses.replace(choices_of("blow-up-by-concentration"), scheme="weno-5"))
    assert view.tone == "trouble"
    assert "dt, or" not in view.verdict + view.notes[0]
    assert "choose the first scheme of the menu" in view.verdict


def test_both_stationary_levels_are_in_the_panel_of_the_rate():
    view = view_of(choices_of("two-steady-states"))
    density, rates, _, _ = draw(Figure(), view)
    low, high = rates.get_ylim()
    assert low < view.states[0].rates[0] < view.states[1].rates[0] < high
    assert density.get_ylim()[1] > view.states[1].exact.density(np.linspace(0.0, 2.0, 200)).max()


@pytest.mark.parametrize("name", ["two-steady-states", "weakly-excitatory", "excitatory-inhibitory"])
def test_the_legend_ends_within_the_picture(name):
    figure = Figure(figsize=(9.6, 5.4))
    draw(figure, view_of(changed(name, particles=name != "excitatory-inhibitory", end=0.5)))
    assert figure.legends[0].get_window_extent().x1 <= figure.bbox.x1


@pytest.mark.parametrize("name", ["cell-polarization", "time-elapsed-rhythm"])
def test_a_half_line_reaches_as_far_as_the_start(name):
    choices = changed(name, start_scale=4.0, end=0.1)
    view = view_of(choices)
    assert view.tone != "refused"
    end = view.solution.grid.faces[-1]
    assert executed(view.code.replace("sol.plot()", "# "))["sol"].grid.faces[-1] == end
