"""Files: what is saved comes back bit by bit, a file is whole or absent, and nothing else passes for one."""

import dataclasses
import errno
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from scipy.io import netcdf_file
from strategies import any_models, share_of_examples

import fokkerplanck as fp
from fokkerplanck import storage
from fokkerplanck.elements import Elements
from fokkerplanck.models import description
from fokkerplanck.models.description import model_from_dict, model_to_dict

ARRAYS = ("t", "rate", "refractory", "fired", "saved_t", "density", "bend", "v")


def blow_up():
    model = fp.nnlif(b=3.0)
    monitors = {"mean": fp.mean_potential, "mass error (%)": lambda state: 100 * (fp.mass(state) - 1), "rate": fp.mass}
    return fp.solve(model, fp.gaussian(-1.0, 0.5), (0.0, 4.0), grid=model.grid(160, finest=0.002), monitors=monitors)


def refractory():
    model = fp.nnlif(b=0.5, a0=0.9, external=0.25, refractory=fp.ExponentialRefractory(0.2))
    return fp.solve(model, fp.gaussian(0.0, 0.25), (-1.0, 1.0), grid=model.grid(80), save_at=[-1.0, 0.1, 1.0])


def fixed_steps():
    model = fp.nnlif(b=-1.0, a1=0.1)
    return fp.solve(
        model, fp.compatible_gaussian(0.0, 0.25), (0.0, 1.0), grid=model.grid(60), stepper=fp.BackwardEuler(0.1)
    )


def nothing_saved():
    model = fp.nnlif(b=0.0)
    return fp.solve(
        model, fp.gaussian(0.0, 0.25), (0.0, 1.0), grid=model.grid(60), save_at=[], stop_when=[lambda s: s.t > 0.1]
    )


def through_a_blow_up():
    model = fp.nnlif(b=0.5)
    grid = model.grid(160, finest=0.002)
    return fp.solve(model, fp.gaussian(1.8, 0.01), (0.0, 0.1), grid=grid, clock=fp.ActivityClock("keep"))


def network():
    """All that a file has to hold of several populations, with a past."""
    populations = {
        "E": fp.nnlif(b=0.0, external=0.5, drift=fp.QuadraticDrift()),
        "α 1": fp.nnlif(b=0.0, a0=0.5, V_R=-65.0, V_F=-50.0, refractory=fp.FixedRefractory(0.1)),
        "β": fp.nnlif(b=0.0, threshold=fp.RandomThreshold(0.1), refractory=fp.ExponentialRefractory(0.2)),
    }
    J = [[0.5, -0.25, 0.0], [0.25, -1.0, 0.125], [0.0, 0.3, 0.1]]
    model = fp.Network(populations, J, 0.01, delays=0.05 * np.arange(9).reshape(3, 3), time_constants=[1, 0.5, 2])
    monitors = {"mean": fp.mean_potential, "lane": lambda s: s.rate, "first": lambda s: s.rate[0]}
    monitors |= {"pair": lambda s: s.rate[:2], "potential": fp.mass}
    start = {"E": fp.compatible_gaussian(0, 0.25), "α 1": fp.compatible_gaussian(-70, 9), "β": fp.gaussian(0, 0.25)}
    grid, stepper = model.grid(60, v_min=-6.0), fp.BackwardEuler(0.05)
    return fp.solve(model, start, (0.0, 0.5), grid, stepper=stepper, monitors=monitors, save_at=[0.0, 0.31, 0.5])


def network_with_nothing_saved():
    model = fp.excitatory_inhibitory(0.5, 0.25, 0.25, 1.0)
    return fp.solve(model, fp.gaussian(0.0, 0.25), (0.0, 0.1), grid=model.grid(60), save_at=[])


def network_of_one():
    model = fp.Network([fp.nnlif(b=0.0)], -0.5)
    return fp.solve(model, fp.gaussian(0.0, 0.25), (0.0, 0.1))


def network_blow_up():
    model = fp.excitatory_inhibitory(3.0, 0.25, 0.25, 1.0)
    start = [fp.gaussian(0.0, 0.25), fp.gaussian(0.0, 0.25)]
    return fp.solve(model.with_J(model.J[::-1, ::-1]), start, (0.0, 4.0), grid=model.grid(160, finest=0.002))


NETWORKS = [network, network_with_nothing_saved, network_of_one, network_blow_up]
RUNS = [blow_up, refractory, fixed_steps, nothing_saved, through_a_blow_up, *NETWORKS]


@pytest.fixture(scope="module", params=RUNS, ids=lambda f: f.__name__)
def solution(request):
    return request.param()


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A small file that was written rightly."""
    path = tmp_path_factory.mktemp("saved") / "run.nc"
    refractory().save(path)
    return path


def same_bits(one, other):
    return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()


# -- what comes back --------------------------------------------------------------------------------------------


def test_everything_comes_back_bit_by_bit(solution, tmp_path):
    solution.save(tmp_path / "run.nc")
    loaded = fp.load(tmp_path / "run.nc")
    for name in ARRAYS:
        assert same_bits(getattr(loaded, name), getattr(solution, name)), name
    for name in ("model", "status", "message", "blow_up", "jumps", "settings"):
        assert getattr(loaded, name) == getattr(solution, name), name
    assert vars(loaded.quality) == vars(solution.quality)
    for one, other in zip(loaded.before, solution.before, strict=True):
        assert (one.t, one.rate, one.refractory) == (other.t, other.rate, other.refractory)
        assert same_bits(one.density, other.density)
    assert repr(loaded) == repr(solution)
    assert same_bits(loaded.grid.faces, solution.grid.faces)
    assert loaded.grid.V_R == solution.grid.V_R
    assert list(loaded.records) == list(solution.records)
    for name, record in solution.records.items():
        assert same_bits(loaded.records[name].t, record.t)
        assert same_bits(loaded.records[name].value, record.value)
    assert loaded.final.t == solution.final.t
    assert np.array_equal(loaded.final.rate, solution.final.rate)
    assert np.array_equal(loaded.final.refractory, solution.final.refractory)
    assert same_bits(loaded.final.density, solution.final.density)


def test_a_loaded_run_interpolates_and_continues_as_the_original(solution, tmp_path):
    solution.save(tmp_path / "run.nc")
    loaded = fp.load(tmp_path / "run.nc")
    times = np.linspace(solution.t[0], solution.t[-1], 57)
    assert same_bits(loaded.rate_at(times), solution.rate_at(times))
    if solution.status is fp.Status.BLOW_UP:
        return
    span = (solution.final.t, solution.final.t + 0.2)
    stepper = fp.BackwardEuler(0.05) if "BackwardEuler" in solution.settings["stepper"] else None
    here = fp.solve(solution.model, solution.final, span, stepper=stepper)
    there = fp.solve(loaded.model, loaded.final, span, stepper=stepper)
    for name in ARRAYS:
        assert same_bits(getattr(there, name), getattr(here, name)), name


def test_the_same_solution_gives_the_same_bytes(solution, tmp_path):
    solution.save(tmp_path / "one.nc")
    fp.load(tmp_path / "one.nc").save(tmp_path / "two.nc")
    assert (tmp_path / "one.nc").read_bytes() == (tmp_path / "two.nc").read_bytes()


def test_other_programs_find_named_dimensions_units_and_sentences(tmp_path):
    solution = blow_up()
    solution.save(tmp_path / "run.nc")
    with netcdf_file(tmp_path / "run.nc", mmap=False) as nc:
        assert nc.variables["rate"].dimensions == ("time",)
        assert nc.variables["density"].dimensions == ("saved", "cells")
        assert nc.variables["mean"].dimensions == ("time",)  # a monitor under its own name
        assert nc.variables["record_1"].long_name == b"monitor mass error (%)"  # one that NetCDF cannot name
        assert all(v.units and v.long_name for v in nc.variables.values())
        assert np.array_equal(nc.variables["density"][:], solution.density)
        assert nc.message.decode() == solution.message
        assert json.loads(nc.metadata)["model"]["b"] == 3.0


def test_a_model_with_a_function_is_left_out_with_a_warning(tmp_path):
    model = fp.nnlif(b=0.5, external=np.sin)
    solution = fp.solve(model, fp.gaussian(0.0, 0.25), (0.0, 0.5), grid=model.grid(60, v_min=-5.0))
    with pytest.warns(fp.FokkerPlanckWarning, match="`external` is a function of time") as caught:
        solution.save(tmp_path / "run.nc")
    assert caught[0].filename == __file__
    loaded = fp.load(tmp_path / "run.nc")
    assert loaded.model is None
    assert same_bits(loaded.density, solution.density)
    loaded.save(tmp_path / "again.nc")  # known by now, so not a word


def version_of(path):
    with netcdf_file(path, mmap=False) as nc:
        return int(nc.format_version)


def test_files_of_one_population_stay_as_they_were(tmp_path):
    """Programs of before there were lanes read format 3, and know nothing of the lane of a blow-up."""
    blow_up().save(tmp_path / "one.nc")
    assert version_of(tmp_path / "one.nc") == 3
    with netcdf_file(tmp_path / "one.nc", mmap=False) as nc:
        assert "lane" not in json.loads(nc.metadata)["blow_up"]
    network_of_one().save(tmp_path / "lanes.nc")
    assert version_of(tmp_path / "lanes.nc") == storage.LANES_VERSION == 4
    network_of_one().lane(0).save(tmp_path / "lane.nc")
    assert version_of(tmp_path / "lane.nc") == 3
    assert fp.load(tmp_path / "lane.nc").model == fp.nnlif(b=-0.5)


def test_a_network_comes_back_whole(tmp_path):
    solution = network()
    solution.save(tmp_path / "run.nc")
    loaded, model = fp.load(tmp_path / "run.nc"), solution.model
    assert loaded.model == model
    assert loaded.model.names == ("E", "α 1", "β")
    assert loaded.model.populations == model.populations
    for name in ("J", "noise", "delays", "time_constants"):
        assert same_bits(getattr(loaded.model, name), getattr(model, name)), name
    for name in ("t", "rate", "bend", "held"):
        assert same_bits(getattr(loaded.final.history, name), getattr(solution.final.history, name)), name
    assert same_bits(loaded.lane("α 1").density, solution.lane("α 1").density)
    with netcdf_file(tmp_path / "run.nc", mmap=False) as nc:
        assert nc.variables["density"].dimensions == ("saved", "lane", "cells")
        assert nc.variables["mean"].dimensions == ("time", "lane")
        assert nc.variables["first"].dimensions == ("time",)
        assert nc.variables["pair"].dimensions == ("time", "pair_part")


def test_the_lane_of_a_blow_up_comes_back(tmp_path):
    solution = network_blow_up()
    solution.save(tmp_path / "run.nc")
    assert fp.load(tmp_path / "run.nc").blow_up.lane == solution.blow_up.lane == 1


def test_a_network_with_a_function_is_left_out_with_a_warning(tmp_path):
    model = fp.excitatory_inhibitory(0.5, 0.25, 0.25, 1.0, external=(np.sin, 0.0))
    solution = fp.solve(model, fp.gaussian(0.0, 0.25), (0.0, 0.1), grid=model.grid(60, v_min=-6.0))
    with pytest.warns(fp.FokkerPlanckWarning, match="`external` is a function of time"):
        solution.save(tmp_path / "run.nc")
    loaded = fp.load(tmp_path / "run.nc")
    assert loaded.model is None
    assert same_bits(loaded.lane(1).density, solution.lane("I").density)
    assert same_bits(loaded.lane("1").rate, solution.lane("I").rate)
    assert fp.solve(model, loaded.final, (0.1, 0.2)).status is fp.Status.FINISHED


@share_of_examples(1)
@given(any_models())
def test_a_model_is_the_same_after_json(model):
    assert model_from_dict(json.loads(json.dumps(model_to_dict(model)))) == model


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"b": 1.0}, "Unknown model None"),
        ({"kind": "nnlfi", "b": 1.0}, "did you mean 'nnlif'"),
        ({"kind": "nnlif", "bb": 1.0}, "`model`"),
        ({"kind": "nnlif", "b": 1.0, "refractory": {"kind": "exponential", "taw": 1.0}}, "`refractory`"),
        ({"kind": "nnlif", "b": 1.0, "refractory": {"kind": "exp", "tau": 1.0}}, "Unknown refractory law 'exp'"),
        ({"kind": "nnlif", "b": 1.0, "V_R": 3.0}, "V_R = 3"),
    ],
)
def test_a_wrong_description_of_a_model_is_refused(given, message):
    with pytest.raises(fp.InvalidArgument, match=message):
        model_from_dict(given)


def test_a_part_of_a_model_that_no_file_can_hold_is_refused():
    class Pause:
        mean_duration = 0.1

    with pytest.raises(fp.InvalidArgument, match="refractory law"):
        model_to_dict(fp.nnlif(b=0.5, refractory=Pause()))


def test_files_of_format_2_still_open():
    """tests/data/format-2.nc holds a run with a past, of before anybody counted what had fired."""
    loaded = fp.load(Path(__file__).parent / "data" / "format-2.nc")
    model = fp.nnlif(b=0.5, refractory=fp.FixedRefractory(0.1))
    again = fp.solve(model, fp.gaussian(0.0, 0.25), (0.0, 0.5), grid=model.grid(60), save_at=[0.0, 0.25, 0.5])
    assert loaded.model == model
    assert len(loaded.fired) == 0
    assert loaded.jumps == ()
    np.testing.assert_allclose(loaded.density, again.density, rtol=1e-9, atol=1e-12)
    assert fp.solve(model, loaded.final, (0.5, 0.6)).status is fp.Status.FINISHED


def test_files_of_format_1_still_open():
    """tests/data/format-1.nc was saved by 0.1.0; the run below is the one it holds."""
    loaded = fp.load(Path(__file__).parent / "data" / "format-1.nc")
    model = fp.nnlif(b=0.5, refractory=fp.ExponentialRefractory(0.2))
    stepper, monitors = fp.BackwardEuler(0.1), {"mean": fp.mean_potential}
    expected = fp.solve(
        model, fp.gaussian(0.0, 0.25), (0.0, 0.5), grid=model.grid(24, v_min=-7.0), stepper=stepper, monitors=monitors
    )
    assert loaded.model == model
    np.testing.assert_allclose(loaded.rate, expected.rate, rtol=1e-12)
    np.testing.assert_allclose(loaded.density, expected.density, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(loaded.records["mean"].value, expected.records["mean"].value, rtol=1e-12, atol=1e-15)


# -- xarray -----------------------------------------------------------------------------------------------------


def test_xarray_labels_times_and_potentials():
    pytest.importorskip("xarray")
    solution = blow_up()
    dataset = solution.to_xarray()
    nearest = dataset.density.sel(saved=2.0, v=0.5, method="nearest")
    assert float(nearest.saved) == pytest.approx(2.0, abs=0.2)
    assert float(nearest) in solution.density
    assert np.array_equal(dataset.rate.time, solution.t)
    assert dataset["mean"].attrs["long_name"] == "monitor mean"
    assert dataset.attrs["status"] == "BLOW_UP"


def test_xarray_labels_the_populations():
    pytest.importorskip("xarray")
    solution = network()
    dataset = solution.to_xarray()
    assert dataset.lane.values.tolist() == ["E", "α 1", "β"]
    assert dataset.density.dims == ("saved", "lane", "cells")
    assert np.array_equal(dataset.rate.sel(lane="α 1"), solution.rate[:, 1])
    assert np.array_equal(dataset["mean"].sel(lane="β"), solution.records["mean"].value[:, 2])
    assert dataset.potential.sel(lane="α 1").values == pytest.approx(solution.model.potentials(solution.v)[1])
    plain = network_with_nothing_saved()
    assert "potential" not in plain.to_xarray().coords
    assert plain.to_xarray().lane.values.tolist() == ["E", "I"]
    unknown = dataclasses.replace(plain, model=None)
    assert unknown.to_xarray().lane.values.tolist() == ["0", "1"]


def test_without_xarray_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "xarray", None)
    with pytest.raises(ImportError, match=r"pip install 'fokkerplanck-neurons\[io\]'"):
        storage.to_xarray(None)


# -- whole or absent --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trouble", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(trouble, tmp_path):
    target = tmp_path / "run.nc"
    target.write_bytes(b"old")

    def fail():
        with storage.atomic_write(target) as file:
            file.write(b"new")
            raise trouble

    with pytest.raises(trouble):
        fail()
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["run.nc"]


def test_an_error_about_another_file_keeps_its_name(tmp_path):
    with pytest.raises(FileNotFoundError) as caught, storage.atomic_write(tmp_path / "run.nc"):
        (tmp_path / "other.txt").read_bytes()
    assert caught.value.filename == str(tmp_path / "other.txt")


@pytest.mark.parametrize("path", ["", "absent/run.nc", "/dev/null"])
def test_what_cannot_be_replaced_is_refused(path, tmp_path):
    with pytest.raises(fp.InvalidArgument, match="cannot write"), storage.atomic_write(tmp_path / path):
        pass
    assert os.listdir(tmp_path) == []


DISK_FULL_THEN_KILLED = """
import os, resource, signal, sys
from fokkerplanck import load
from fokkerplanck.storage import atomic_write, save

path = sys.argv[1]
solution = load(path)
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, resource.RLIM_INFINITY))
try:
    save(solution, path)
except OSError as error:
    print(error.filename, error.strerror, os.listdir(os.path.dirname(path)), sep=";", flush=True)
with atomic_write(path) as file:
    file.write(b"half")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
def test_diskfull_is_told_with_the_file_and_a_killed_writer_does_no_harm(saved, tmp_path):
    target = tmp_path / "run.nc"
    target.write_bytes(saved.read_bytes())
    child = subprocess.run(
        [sys.executable, "-c", DISK_FULL_THEN_KILLED, str(target)], capture_output=True, text=True, timeout=60
    )
    name, reason, files = child.stdout.strip().split(";")
    assert name == str(target)
    assert reason == "File too large while writing"
    assert files == "['run.nc']"
    assert child.returncode == -9, child.stderr
    assert target.read_bytes() == saved.read_bytes()


class FullDisk(io.BufferedRandom):
    """A file on a disk that has room for so many more bytes."""

    room = 0

    def write(self, data):
        room = type(self).room - len(memoryview(data).cast("B"))
        if room < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        type(self).room = room
        return super().write(data)


@pytest.mark.parametrize("room", [0, 1, 100, 3000, 6000])
def test_diskfull_at_any_byte_names_the_file_and_leaves_the_old_one(room, saved, tmp_path, monkeypatch):
    target, solution = tmp_path / "run.nc", fp.load(saved)
    target.write_bytes(b"old")
    assert saved.stat().st_size > 6000
    monkeypatch.setattr(FullDisk, "room", room)
    monkeypatch.setattr(storage, "open", lambda path, mode: FullDisk(io.FileIO(path, "x+")), raising=False)
    with pytest.raises(OSError, match="No space left on device while writing") as caught:
        solution.save(target)
    assert caught.value.errno == errno.ENOSPC
    assert caught.value.filename == str(target)
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["run.nc"]


def test_a_variable_beyond_the_format_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(storage, "LARGEST_VARIABLE", 1000)
    with pytest.raises(fp.InvalidArgument, match=r"`density` takes .* `save_at`"):
        fixed_steps().save(tmp_path / "run.nc")
    assert os.listdir(tmp_path) == []


# -- what is not ours -------------------------------------------------------------------------------------------


def refusal(path):
    with pytest.raises(fp.InvalidArgument) as caught:
        fp.load(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    assert "No such file" in refusal(tmp_path / "run.nc")
    assert "cannot read" in refusal(tmp_path)


def test_a_foreign_netcdf_file_is_refused(tmp_path):
    with netcdf_file(tmp_path / "run.nc", "w", version=2) as nc:
        nc.title = "weather"
    assert "was not written by Solution.save" in refusal(tmp_path / "run.nc")


def test_a_newer_format_is_refused(saved, tmp_path, monkeypatch):
    solution = fp.load(saved)
    monkeypatch.setattr(storage, "SINGLE_VERSION", storage.FORMAT_VERSION + 1)
    solution.save(tmp_path / "run.nc")
    monkeypatch.undo()
    assert f"has format {storage.FORMAT_VERSION + 1}" in refusal(tmp_path / "run.nc")


@pytest.mark.parametrize(
    "model",
    [
        fp.learning(lanes=8, signal=1.0, speed=0.5),
        fp.learning((0.0, 3.0), 8, 0.5, 1.0, fp.Saturating(2.0), 0.0, 0.5, -1.0, 3.0, fp.ExponentialRefractory(0.1)),
    ],
)
def test_a_learning_network_of_numbers_is_stored(model, tmp_path):
    start = fp.connectivity(np.ones_like, fp.gaussian(-2.0, 0.25))
    grid = model.grid(30, v_min=-6.0)
    sol = fp.solve(model, start, (0.0, 0.1), grid=grid, stepper=fp.BackwardEuler(0.05), estimate_error=False)
    sol.save(tmp_path / "learning.nc")
    loaded = fp.load(tmp_path / "learning.nc")
    assert loaded.model == model
    assert np.array_equal(loaded.density, sol.density)
    assert len(loaded.plot().axes) == len(sol.plot().axes)


def test_what_a_learning_network_cannot_store_is_told(tmp_path):
    model = fp.learning(lanes=8, signal=np.cos)
    start = fp.connectivity(np.ones_like, fp.gaussian(-2.0, 0.25))
    stepper = fp.BackwardEuler(0.05)
    sol = fp.solve(model, start, (0.0, 0.1), grid=model.grid(30), stepper=stepper, estimate_error=False)
    with pytest.warns(fp.FokkerPlanckWarning, match="`signal` is a function of the weight"):
        sol.save(tmp_path / "learning.nc")
    assert fp.load(tmp_path / "learning.nc").model is None


def test_an_unknown_law_is_not_mistaken_for_damage(saved, monkeypatch):
    monkeypatch.setitem(description.LAWS, "refractory", {})
    assert "does not know; upgrade it" in refusal(saved)


@pytest.mark.filterwarnings("ignore")
def test_random_bytes_are_refused(tmp_path):
    random, path = np.random.default_rng(0), tmp_path / "run.nc"
    for i in range(200):
        noise = random.bytes(int(random.integers(0, 3000)))
        # Half of them look like NetCDF: few dimensions, so that the reader gets further before it is lost.
        path.write_bytes((b"CDF\x02" + bytes(7) + b"\x0a" + bytes(3) + b"\x01" if i % 2 else b"") + noise)
        refusal(path)


@pytest.mark.filterwarnings("ignore")
def test_incomplete_files_are_refused(saved, tmp_path):
    content, path = saved.read_bytes(), tmp_path / "run.nc"
    for length in [*range(0, 200, 7), *np.linspace(200, len(content) - 1, 60, dtype=int)]:
        path.write_bytes(content[:length])
        refusal(path)


@pytest.mark.filterwarnings("ignore")
def test_one_changed_byte_is_noticed_or_harmless(saved, tmp_path):
    random, content, path = np.random.default_rng(1), saved.read_bytes(), tmp_path / "run.nc"
    original = fp.load(saved)
    header = content.index(b"density")
    refused = 0
    for position in [*random.integers(0, header, 150), *random.integers(0, len(content), 150)]:
        changed = bytearray(content)
        changed[position] ^= 1 << int(random.integers(8))
        path.write_bytes(bytes(changed))
        try:
            loaded = fp.load(path)
        except fp.InvalidArgument:
            refused += 1
            continue
        assert repr(loaded) == repr(original), position
        assert all(same_bits(getattr(loaded, name), getattr(original, name)) for name in ARRAYS), position
    assert refused > 150


@pytest.mark.parametrize("laws", [{}, {"threshold": fp.RandomThreshold(0.05)}], ids=["hard", "random"])
def test_the_long_names_are_true_for_elements_and_open_thresholds(laws, tmp_path):
    sol = fp.solve(fp.nnlif(b=0.5, **laws), fp.gaussian(0.0, 0.25), (0.0, 0.1), estimate_error=False)
    assert isinstance(sol.grid, Elements)
    sol.save(tmp_path / "run.nc")
    with netcdf_file(tmp_path / "run.nc", mmap=False) as nc:
        names = {name: variable.long_name.decode() for name, variable in nc.variables.items()}
    assert "node values" in names["density"]
    assert "node values" in names["final_density"]
    assert "nodes" in names["v"]
    assert "v_max" in names["faces"]
