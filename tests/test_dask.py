"""The same pieces on a cluster of dask: several processes, of which one is killed."""

import os
import signal
import sys
import time

import numpy as np
import pytest

from fokkerplanck.ledger import Ledger
from fokkerplanck.pool import compute

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals"),
    pytest.mark.filterwarnings("default"),  # dask's and tornado's are not ours
]


@pytest.fixture(scope="module")
def client():
    # Not at the top: loading dask takes seconds, and only the process that runs these tests needs it.
    distributed = pytest.importorskip("distributed", reason="needs the extra `cluster`")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def test_a_worker_killed_in_the_middle_costs_nothing_but_time(client, tmp_path):
    flag = tmp_path / "killed"

    def work(start, stop):
        time.sleep(0.01)
        if start == 20 and not flag.exists():
            flag.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return {"square": np.arange(start, stop) ** 2}

    with Ledger(tmp_path / "sweep", {"n": 60}) as ledger:
        found = compute(work, 60, piece=5, executor=client.get_executor(), ledger=ledger)
        assert len(ledger.finished()) == 12  # dask has tried again by itself
    assert flag.exists()
    assert found.columns["square"].tolist() == [k**2 for k in range(60)]
    assert not found.missing


def test_a_point_that_always_kills_is_named_and_the_rest_is_finished(client, monkeypatch):
    def work(start, stop):
        if start <= 5 < stop:
            os.kill(os.getpid(), signal.SIGKILL)
        return {"square": np.arange(start, stop) ** 2}

    # Otherwise dask tries everything four times, and each death takes the time in which a worker starts.
    monkeypatch.setattr(client.cluster.scheduler, "allowed_failures", 0)
    found = compute(work, 8, piece=2, executor=client.get_executor())
    assert list(found.missing) == [5]
    assert "processes died while they computed it; the last was a KilledWorker of dask" in found.missing[5]
    assert found.done.tolist() == [k != 5 for k in range(8)]


def test_what_work_raises_comes_back(client):
    def work(start, stop):
        raise ZeroDivisionError("oh")

    with pytest.raises(ZeroDivisionError, match="oh"):
        compute(work, 8, piece=4, executor=client.get_executor())
