"""The chemical connectome of C. elegans as actual synapses: the data are in `c_elegans.csv`, with their sources."""

from pathlib import Path

import numpy as np
from scipy.sparse import csc_array

from fokkerplanck.models.synapses import SynapseMatrix

FILE = Path(__file__).with_name("c_elegans.csv")
NEURONS = 302


def edges() -> tuple[list[str], np.ndarray, np.ndarray, np.ndarray]:
    """The names of the neurons in alphabetical order, and of every connection receiver, sender and signed size."""
    lines = [line for line in FILE.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    rows = [line.split(",") for line in lines[1:]]
    names = sorted({name for row in rows for name in row[:2]})
    assert len(names) == NEURONS, f"{FILE.name} names {len(names)} neurons"
    number = {name: i for i, name in enumerate(names)}
    senders, receivers = (np.array([number[row[k]] for row in rows]) for k in (0, 1))
    return names, receivers, senders, np.array([float(row[2]) * float(row[3]) for row in rows])


def synapses(signed: bool = True) -> tuple[list[str], SynapseMatrix]:
    """The names, and w_ij = c · sign · count with c such that the largest row, sup_i Σ_j |w_ij|, is 1."""
    names, receivers, senders, sizes = edges()
    weights = csc_array((sizes if signed else np.abs(sizes), (receivers, senders)), shape=(NEURONS, NEURONS))
    return names, SynapseMatrix(weights / abs(weights).sum(axis=1).max())
