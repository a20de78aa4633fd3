"""Where a theorem can be seen: models, data and times by the names of the theorems."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True)
class Preset:
    """A theorem and the run that shows it.

    Attributes
    ----------
    title : str
    sentence : str
        What the theorem says.
    source : str
        Who proved it, or what is known else.
    try_this : str
        What to change, and what to look for.
    model, start : str
        Names of files: see `PARAMETERS` and `STARTS` in `fokkerplanck.models.parameters`.
    end : float
        The run is from 0 to here.
    values, start_values : mapping of str to float
        What is not the default.
    lesson : str
        The notebook about it, without its ending; empty if there is none.
    """

    title: str
    sentence: str
    source: str
    try_this: str
    model: str
    start: str
    end: float
    values: Mapping[str, float] = field(default_factory=dict)
    start_values: Mapping[str, float] = field(default_factory=dict)
    lesson: str = ""

    def __post_init__(self) -> None:
        for name in ("values", "start_values"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))


FIRST = "two-steady-states"
"""What the page shows when nothing is asked for."""

PRESETS: dict[str, Preset] = {
    "inhibitory": Preset(
        title="Inhibitory: never a blow-up",
        sentence=(
            "If b ≤ 0 and the noise is constant, solutions exist for all times, and N(t) stays below a bound that "
            "does not depend on b. That they converge is proved for small |b| only; for strong inhibition it is what "
            "computations show."
        ),
        source="Carrillo, Perthame, Salort, Smets, Nonlinearity 28 (2015) 3365",
        try_this=(
            "Make b more negative: the rate falls, and the density is pushed down, but nothing breaks. Then let the "
            "noise follow the activity, a₁ = 1: now even b < 0 blows up."
        ),
        model="nnlif",
        start="compatible-gaussian",
        end=4.0,
        values={"b": -5.0},
        start_values={"mean": 1.6, "variance": 0.04},
        lesson="06_inhibition_saves_the_day",
    ),
    "weakly-excitatory": Preset(
        title="Weakly excitatory: the start is forgotten",
        sentence=(
            "If |b| is small, there is one stationary state, and solutions that do not start too far from it converge "
            "to it at an exponential rate, in relative entropy: the network desynchronises."
        ),
        source="Cáceres, Carrillo, Perthame, J. Math. Neurosci. 1:7 (2011); Carrillo, Perthame, Salort, Smets (2015)",
        try_this=(
            "Move the start: the lines of the entropy end up parallel. With b = 0 it never grows; with b ≠ 0 it may "
            "for a while."
        ),
        model="nnlif",
        start="gaussian",
        end=8.0,
        values={"b": 0.5},
        start_values={"mean": -1.0, "variance": 0.5},
        lesson="04_forgetting_the_start",
    ),
    "two-steady-states": Preset(
        title="Two stationary states",
        sentence=(
            "Without a refractory state, an excitatory network has at least one stationary state for b < V_F − V_R; "
            "beyond that there can be two, and for large b there is none."
        ),
        source="Cáceres, Carrillo, Perthame, J. Math. Neurosci. 1:7 (2011), Theorem 3.1",
        try_this=(
            "Raise b slowly: the two levels approach each other, merge at b = 2.10 and are gone. Start closer to V_F: "
            "beyond the upper, unstable state the solution does not come back."
        ),
        model="nnlif",
        start="gaussian",
        end=12.0,
        values={"b": 1.5},
        start_values={"mean": 0.0, "variance": 0.25},
        lesson="05_how_many_steady_states",
    ),
    "blow-up-by-concentration": Preset(
        title="Blow-up by concentration",
        sentence=(
            "For every b > 0, however small, a start that is concentrated enough near V_F blows up in finite time: "
            "there is no global solution."
        ),
        source="Cáceres, Carrillo, Perthame, J. Math. Neurosci. 1:7 (2011), Theorem 2.2",
        try_this=(
            "Move the start down to v₀ = 1.3: the certificate is lost, the blow-up is not, since the theorem is "
            "sufficient and not necessary. At v₀ = 1.2 there is none, with the same b. And b = 0.1 is enough for the "
            "start v₀ = 1.97, s² = 0.0002."
        ),
        model="nnlif",
        start="gaussian",
        end=0.5,
        values={"b": 1.5},
        start_values={"mean": 1.5, "variance": 0.005},
        lesson="07_blow_up_with_a_certificate",
    ),
    "blow-up-by-b": Preset(
        title="Blow-up by connectivity",
        sentence="For every start there is a b above which the solution blows up in finite time.",
        source="Cáceres, Carrillo, Perthame, J. Math. Neurosci. 1:7 (2011), Theorem 2.2",
        try_this=(
            "Lower b: T*, by when the theorem promises the blow-up, moves away and is gone below b = 14.3; the "
            "blow-up itself remains down to b = 2.10. Then give the connections a delay, d = 0.5: solutions are global "
            "for any b, though N may outgrow any grid."
        ),
        model="nnlif",
        start="gaussian",
        end=1.0,
        values={"b": 30.0},
        start_values={"mean": 0.0, "variance": 0.25},
        lesson="08_the_map_of_fates",
    ),
    "noise-blow-up": Preset(
        title="Noise that the spikes make",
        sentence=(
            "If the noise follows the activity, a(N) = a₀ + a₁ N with a₁ > 0, inhibition does not help: for every b, "
            "however negative, starts that are concentrated enough near V_F blow up in finite time."
        ),
        source="Carrillo, Perthame, Salort, Smets, Nonlinearity 28 (2015) 3365",
        try_this=(
            "Lower a₁ to 0.6: the certificate is lost, the blow-up is not; to 0.3: N(t) comes down again. Back at "
            "a₁ = 1, ten times the inhibition, b = −10, saves this start, but not one closer to V_F: v₀ = 1.9, "
            "s² = 0.0002."
        ),
        model="nnlif",
        start="compatible-gaussian",
        end=0.1,
        values={"b": -1.0, "a1": 1.0},
        start_values={"mean": 1.5, "variance": 0.02},
        lesson="09_noise_does_not_help",
    ),
    "refractory": Preset(
        title="A refractory pause is not enough",
        sentence=(
            "With a refractory state there is always a stationary state, and still solutions blow up, if the start is "
            "concentrated near V_F or b is large."
        ),
        source="Cáceres, Perthame, J. Theor. Biol. 350 (2014) 81",
        try_this=(
            "Change τ: t* hardly moves, because hardly anybody has had the time to come back. Then blur the "
            "threshold, ε = 0.02."
        ),
        model="nnlif",
        start="gaussian",
        end=0.5,
        values={"b": 3.0, "refractory.tau": 0.2},
        start_values={"mean": 1.5, "variance": 0.005},
        lesson="10_a_pause_is_not_enough",
    ),
    "random-threshold-rhythm": Preset(
        title="A random threshold: bounded, and a rhythm",
        sentence=(
            "If a neuron above V_F fires at the rate 1/ε, then N(t) ≤ 1/ε for every b: no blow-up. With a refractory "
            "state and strong excitation computations show a rhythm that nothing from outside drives."
        ),
        source="Cáceres, Perthame, J. Theor. Biol. 350 (2014) 81",
        try_this="Lower b from 4 to 2: the stationary state becomes stable and the rhythm dies. Raise ε: the same.",
        model="nnlif",
        start="gaussian",
        end=1.75,
        values={"b": 4.0, "refractory.tau": 0.2, "threshold.epsilon": 0.02},
        start_values={"mean": 1.0, "variance": 0.25},
        lesson="11_a_blurred_threshold",
    ),
    "excitatory-inhibitory": Preset(
        title="Excitation and inhibition",
        sentence=(
            "Inhibition does not rule out blow-up: if the excitatory neurons start concentrated near V_F, or b_EE is "
            "large, their rate blows up in finite time. For weak connections there is one stationary state."
        ),
        source="Cáceres, Schneider, Kinet. Relat. Models 10 (2017) 587; delays: ESAIM: M2AN 52 (2018) 1733",
        try_this=(
            "b_EE = 3, b_EI = 0.75, b_IE = 0.5, b_II = 0.25 blows up; more inhibition b_EI delays and prevents it. "
            "b = (1, 20, 10, 30) with the delay d = 2 up to t = 30 oscillates."
        ),
        model="excitatory-inhibitory",
        start="compatible-gaussian",
        end=6.0,
        values={"b_EE": 0.5, "b_EI": 0.25, "b_IE": 0.25, "b_II": 1.0},
        start_values={"mean": 0.0, "variance": 0.5},
    ),
    "learning": Preset(
        title="Learning: one connectivity remains",
        sentence=(
            "Hebbian learning with inhibitory weights and a given signal I has exactly one stationary connectivity "
            "C(w): a ramp between 0 and w*, where it jumps to zero."
        ),
        source="Perthame, Salort, Wainrib, Physica D 353–354 (2017) 20",
        try_this="Raise the signal I: w* moves away from 0. Learn slower (ε): the same end, later.",
        model="learning",
        start="gaussian",
        end=8.0,
        values={"signal": 1.0, "rule": -1.0, "speed": 1.0},
        start_values={"mean": 0.0, "variance": 0.25},
        lesson="12_learning",
    ),
    "cell-polarization": Preset(
        title="The same mechanism in a cell",
        sentence=(
            "Molecules are carried to the wall by what is there. Below the mass M = 1 they spread; above it a density "
            "that falls with the distance blows up in finite time, no later than J(0)²/((M − 1) M²)."
        ),
        source="Calvez, Hawkins, Meunier, Voituriez, SIAM J. Math. Anal. 44 (2012) 594",
        try_this="Cross M = 1. Then give the polarity a memory, L > 0: growth without end instead of a blow-up.",
        model="cell-polarization",
        start="exponential",
        end=3.0,
        values={"mass": 1.5},
        lesson="13_after_the_blow_up",
    ),
    "time-elapsed-rhythm": Preset(
        title="A rhythm of ages",
        sentence=(
            "Structured by the time since the last spike, a weakly or a strongly connected network forgets its start; "
            "in between there are periodic solutions."
        ),
        source="Pakdaman, Perthame, Salort, Nonlinearity 23 (2010) 55",
        try_this="Lower or raise J: the rhythm dies, and the network comes to rest.",
        model="time-elapsed",
        start="exponential",
        end=30.0,
    ),
}  # fmt: skip
