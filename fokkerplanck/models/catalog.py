"""The named models: one call each, in the notation of the papers."""

from __future__ import annotations

from ..outcomes import InvalidArgument
from .coupling import Current, MeanFieldCoupling
from .drift import Leak
from .noise import ActivityNoise
from .population import Population
from .refractory import NoRefractory, Refractory
from .reset import FixedReset
from .threshold import HardThreshold


def nnlif(
    b: float,
    a0: float = 1.0,
    a1: float = 0.0,
    V_R: float = 1.0,
    V_F: float = 2.0,
    external: Current = 0.0,
    refractory: Refractory | None = None,
) -> Population:
    """The nonlinear noisy leaky integrate-and-fire model.

        ∂t n + ∂v[(−v + bN + I) n] − (a0 + a1 N) ∂vv n = S δ(v − V_R),   v ≤ V_F,   n(V_F, t) = 0,
        N = −(a0 + a1 N) ∂v n(V_F, t)

    All quantities are dimensionless: potentials in an arbitrary unit, times in membrane time constants.

    Parameters
    ----------
    b : float
        Connectivity: positive excitatory, negative inhibitory.
    a0, a1 : float
        Diffusion a(N) = a0 + a1 N, with a0 > 0 and a1 ≥ 0.
    V_R, V_F : float
        Reset and firing potential, V_R < V_F.
    external : float or callable
        External current I or I(t).
    refractory : None or ExponentialRefractory
        Refractory law; None resets at once (S = N).

    Raises
    ------
    InvalidArgument
        If a parameter is not finite or out of range, or V_R ≥ V_F.

    Source: Cáceres, Carrillo, Perthame, J. Math. Neurosci. 1:7 (2011); with refractory state:
    Cáceres, Perthame, J. Theor. Biol. 350 (2014).

    >>> nnlif(b=0.5).V_F
    2.0
    """
    if refractory is not None and (isinstance(refractory, type) or not hasattr(refractory, "mean_duration")):
        raise InvalidArgument(
            f"`refractory` must be None or a law such as fp.ExponentialRefractory(0.2), not {refractory!r}."
        )
    return Population(
        drift=Leak(),
        noise=ActivityNoise(a0, a1),
        threshold=HardThreshold(V_F),
        reset=FixedReset(V_R),
        refractory=refractory or NoRefractory(),
        coupling=MeanFieldCoupling(b, external),
    )
