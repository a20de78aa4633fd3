"""Spikes that set off spikes at the same instant, of finitely many neurons; see `models.overshoot` for what is decided.

Within a step K0 neurons fire by themselves. Their kicks b/N arrive at its end, and whom they push over V_F fires there
and then. With a1 = 0 the kicks move everybody alike, so that order statistics say who: K is the smallest number for
which the next highest of the neurons that have not fired has V + bK/N < V_F. Only who is near V_F is looked at.

With a1 > 0 each kick is noise as well, and the generations are followed one by one: one of the share δ moves everybody
by bδ and a Gaussian number of variance 2 a1 δ, with the same bridge to V_F as in time. That is worth its price for a
volley of at least `LARGE`, and then to the end; the spikes of a smaller one, as of every ordinary step, become part of
the next step: bδ at its start, the variance 2 a1 δ spread over it, which is late by dt and no more.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from ..models.population import Population
from . import kernels
from .crowd import Crowd, Volley

LARGE = 0.01
"""Share of the population that makes a volley large."""
FURTHER = 1.5
"""How much further each band of candidates looks."""
PIECE = 1 << 16
"""Neurons that are treated at a time, so that what is computed on the way takes no memory to speak of."""
ROUNDS = 2.0
"""With a1 > 0, how often everybody has gone round before a cascade counts as one that never ends; see `_endless`."""


@dataclass
class Cascade:
    """What became of the spikes of a step.

    Attributes
    ----------
    spikes : int
        All of them, those that fired by themselves included.
    pending : int
        Spikes whose kicks have still to be added to the potentials.
    generations : list of int
        They add up to `spikes`.
    pushed : list of arrays
        Who fired after those, in the order of firing.
    eternal : bool
        It would never end. With a1 = 0 the neurons are then as they were before it: the kicks of the first generation
        are pending and nobody is pushed; with a1 > 0 they are where they were when that was clear.
    """

    spikes: int
    pending: int
    generations: list[int]
    pushed: list[np.ndarray] = field(default_factory=list)
    eternal: bool = False

    @property
    def fired(self) -> int:
        """Spikes of the neurons as they are now."""
        return self.generations[0] + sum(len(who) for who in self.pushed)


def instant(model: Population) -> bool:
    """Whether spikes act at the instant at which they are fired, on a threshold that they can push neurons over."""
    return model.coupling.delay == 0.0 and model.threshold.absorbing


def uniform_cascade(crowd: Crowd, volley: Volley, push: float, reach: float, overshoot: str, t: float) -> Cascade:
    """Resolve the cascade of a volley whose kicks move everybody by `push` > 0 each.

    Parameters
    ----------
    crowd : Crowd
        At the end of the step, the kicks not yet added. On return, whoever fired is where adding the kicks `pending`
        to everybody takes it to the end position of the convention.
    volley : Volley
        With all candidates less than `reach` below V_F.
    overshoot : str
        "keep", "discard" or "none".
    t : float
        The instant.
    """
    model, first = crowd.model, len(volley.fired)
    pushed = _pushed(crowd, volley, push, reach)
    spikes = first + sum(len(who) for who in pushed)
    sizes = generation_sizes((crowd.potentials[who] for who in pushed), first, push, model.V_F)
    cascade = Cascade(spikes, spikes, sizes, pushed)
    cascade.eternal = _fires_twice(crowd, pushed, push, spikes, overshoot)
    if cascade.eternal:
        cascade.pending, cascade.pushed = first, []
        return cascade
    order = volley.fired[np.argsort(volley.when, kind="stable")]
    crowd.potentials[order] -= push * (spikes if overshoot == "none" else np.arange(1, first + 1))
    before = first
    for who in pushed:
        _put_back(crowd, who, before, push, spikes, overshoot, t)
        before += len(who)
    return cascade


def _fires_twice(crowd: Crowd, pushed: list[np.ndarray], push: float, spikes: int, overshoot: str) -> bool:
    """Whether the kicks carry somebody who has been reset to V_F again: the first to fire, or with "keep" the highest.

    In the limit of many neurons a cascade that does that has no end (see `models.overshoot`), and it is cut here.
    """
    if overshoot == "none" or crowd.refractory:
        return False
    way = crowd.model.V_F - crowd.model.V_R
    highest = float(crowd.potentials[pushed[0][0]]) if overshoot == "keep" and pushed else -np.inf
    return push * (spikes - 1) >= way or highest + push * spikes - way >= crowd.model.V_F


def generation_sizes(bands: Iterable[np.ndarray], first: int, push: float, V_F: float) -> list[int]:
    """The sizes of the generations of a cascade that fires all neurons of these potentials, from the highest down.

    >>> generation_sizes([np.array([1.95, 1.8]), np.array([1.75])], first=1, push=0.1, V_F=2.0)
    [1, 1, 1, 1]
    """
    sizes, sent, size = [first], first, 0
    for levels in bands:
        depths, done = -levels, 0
        while True:
            reached = max(done, int(np.searchsorted(depths, push * sent - V_F, side="right")))
            size, done = size + reached - done, reached
            if done == len(levels):
                break
            if size == 0:  # the rounding of the other way to add
                size, done = 1, done + 1
            sizes.append(size)
            sent, size = sent + size, 0
    return [*sizes, size] if size else sizes


def _pushed(crowd: Crowd, volley: Volley, push: float, reach: float) -> list[np.ndarray]:
    """Who is pushed over, from the highest down: band after band, each looking further, until that is sure.

    They are sorted and returned in pieces, since a cascade of the whole population is to fit into memory, too.
    """
    first, V_F, near = len(volley.fired), crowd.model.V_F, volley.near
    bands: list[np.ndarray] = []
    sent = first
    while True:
        who, levels = _ranked(crowd.potentials, near)
        over = kernels.pushed_over(levels, sent, push, V_F)
        bands += [who[k : min(k + PIECE, over)] for k in range(0, over, PIECE)]
        sent += over
        # The rounding of V_F − V against V + push K must not hide anybody.
        if over < len(who) or push * sent < reach * (1.0 - 1e-9) or first == 0:
            return bands
        reach = FURTHER * push * sent
        near = crowd.above(V_F - reach, [volley.fired, *bands])


def _ranked(potentials: np.ndarray, near: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The neurons `near` and their potentials, from the highest down."""
    depths = potentials[near]
    np.negative(depths, out=depths)
    who = near[np.argsort(depths, kind="stable")]
    depths.sort()
    return who, np.negative(depths, out=depths)


def _put_back(crowd: Crowd, who: np.ndarray, before: int, push: float, spikes: int, overshoot: str, t: float) -> None:
    """Where those end who were pushed over after `before` others, less the kicks of all `spikes`."""
    V_R, V_F = crowd.model.V_R, crowd.model.V_F
    if crowd.refractory:
        crowd.silence(who, t)
    elif overshoot == "keep":
        crowd.potentials[who] -= V_F - V_R
    elif overshoot == "discard":
        crowd.potentials[who] = V_R - push * (before + np.arange(1, len(who) + 1))
    else:
        crowd.potentials[who] = V_R - push * spikes


def noisy_cascade(crowd: Crowd, volley: Volley, overshoot: str, t: float, large: float = LARGE) -> Cascade:
    """Follow the generations of a volley whose kicks are noise as well (a1 > 0) to the last, if it is large."""
    model, count = crowd.model, crowd.count
    push, noise = model.coupling.gain / count, model.noise.gain / count
    first = len(volley.fired)
    cascade = Cascade(first, first, [first])
    who = volley.fired[np.argsort(volley.when, kind="stable")]
    waiting = overshoot != "keep" and not crowd.refractory
    if first < large * count or not waiting:
        crowd.potentials[who] -= push * (first if overshoot == "none" else np.arange(1, first + 1))
    if first < large * count:
        return cascade
    resting: list[np.ndarray] = []
    while cascade.pending and not cascade.eternal:
        start = crowd.potentials[who] if len(cascade.generations) == 1 else np.full(len(who), model.V_R)
        if waiting:
            crowd.potentials[who] = np.nan
        over = crowd.shower(push * cascade.pending, noise * cascade.pending)
        if waiting and overshoot == "discard":
            over = np.concatenate([over, crowd.resume(who, start, push, noise)])
        elif waiting:
            resting.append(who)
        who = over[np.argsort(-crowd.potentials[over], kind="stable")]
        cascade.spikes += len(who)
        cascade.pending = len(who)
        if cascade.pending:
            cascade.generations.append(len(who))
            cascade.pushed.append(who)
        if crowd.refractory:
            crowd.silence(who, t)
        elif overshoot == "keep":
            crowd.potentials[who] -= model.V_F - model.V_R
        cascade.eternal = cascade.pending > 0 and _endless(crowd, cascade.spikes, overshoot)
    if cascade.eternal and waiting:
        resting.append(who)
    for some in resting:
        crowd.potentials[some] = model.V_R
    return cascade


def _endless(crowd: Crowd, spikes: int, overshoot: str) -> bool:
    """Whether everybody has been carried round `ROUNDS` times by a push that is strong enough to go on for ever.

    In the dilated time that counts spikes per neuron, a neuron has the drift b and the diffusion a1 and fires at the
    rate b/(V_F − V_R) in the long run. A cascade lives as long as that is at least 1; otherwise it ends by itself.
    """
    model = crowd.model
    b, way = model.coupling.gain, model.V_F - model.V_R
    return overshoot != "none" and not crowd.refractory and b >= way and b * spikes >= ROUNDS * way * crowd.count
