"""What a neuron that fires within a cascade does with the kicks that the cascade sends at that same instant.

When firing begets firing at one instant, a fraction Δ of the population fires at once. Every neuron that does not fire
moves from V to V + bΔ, and as long as nobody fires twice and the noise is constant (a1 = 0)

    Δ = inf{z > 0 : P(V ≥ V_F − b z) < z}

in all conventions, which differ in where those end who fired:

* "keep": a neuron is reset the moment it crosses V_F, and receives every kick sent after that crossing: it moves from V
  to V + bΔ − (V_F − V_R). Source: Delarue, Inglis, Rubenthaler, Tanré (2015), arXiv:1406.1151.
* "discard": the spikes are sent one after the other. A neuron waits at V_F for its turn, is then reset to V_R exactly,
  and receives the kicks of those that fire after it: the fired mass ends with the density 1/b on [V_R, V_R + bΔ].
  It is the limit that a dilated time gives, and that of a random threshold that becomes sharp. Source: Dou, Zhou
  (2022), arXiv:2206.06972.
* "none": who has fired ends at V_R exactly and receives nothing of the rest.

With a1 > 0 the kicks are noise as well: neurons that were reset may meet V_F again, and Δ depends on the convention.
With a refractory state those who fire wait there, whatever the convention, and fire once.

The reset neurons of "keep" and "discard" may reach V_F again within the cascade. With b < V_F − V_R that cannot happen,
because bΔ ≤ b. If bΔ ≥ V_F − V_R, everybody above V_R goes round and round: each round of V_F − V_R = bz costs z spikes
and triggers at least as many. Such a cascade never ends, and a run that meets one returns with `Status.ETERNAL`.
"""

from __future__ import annotations

from ..outcomes import InvalidArgument

OVERSHOOTS = ("keep", "discard", "none")


def checked_overshoot(overshoot: object) -> str:
    """One of OVERSHOOTS, or a refusal that says what there is."""
    if not isinstance(overshoot, str) or overshoot not in OVERSHOOTS:
        raise InvalidArgument(
            f'`overshoot` = {overshoot!r}, but what fired neurons do with the rest of a cascade is "keep" (they '
            f'receive what follows their crossing), "discard" (what follows their turn) or "none".'
        )
    return overshoot
