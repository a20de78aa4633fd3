"""The named models: one call each, in the notation of the papers."""

from __future__ import annotations

from ..outcomes import InvalidArgument, finite_number
from .coupling import Current, MeanFieldCoupling
from .drift import Drift, Leak
from .noise import ActivityNoise
from .population import Population
from .refractory import NoRefractory, Refractory
from .reset import FixedReset
from .threshold import HardThreshold, Threshold


def nnlif(
    b: float,
    a0: float = 1.0,
    a1: float = 0.0,
    V_R: float = 1.0,
    V_F: float = 2.0,
    external: Current = 0.0,
    refractory: Refractory | None = None,
    threshold: Threshold | None = None,
    delay: float = 0.0,
    drift: Drift | None = None,
) -> Population:
    """The nonlinear noisy leaky integrate-and-fire model.

        ∂t n + ∂v[(−v + bA + I) n] − (a0 + a1 A) ∂vv n = S δ(v − V_R),   v ≤ V_F,   n(V_F, t) = 0,
        N = −(a0 + a1 A) ∂v n(V_F, t),   A(t) = N(t − d)

    All quantities are dimensionless: potentials in an arbitrary unit, times in membrane time constants.

    Parameters
    ----------
    b : float
        Connectivity: positive excitatory, negative inhibitory.
    a0, a1 : float
        Diffusion a = a0 + a1 A, both zero or positive; a0 = a1 = 0 is the deterministic neuron.
    V_R, V_F : float
        Reset and firing potential, V_R < V_F.
    external : float or callable
        External current I or I(t).
    refractory : None, ExponentialRefractory or FixedRefractory
        Refractory law; None resets at once (S = N).
    threshold : None, RandomThreshold or SoftThreshold
        Threshold law; None is the hard threshold, an absorbing boundary at V_F.
    delay : float
        Transmission delay d ≥ 0: drift and noise at time t follow the rate at t − d.
    drift : callable, optional
        f(v) in place of −v, for example `fp.QuadraticDrift()` or any function of an array of potentials.

    Raises
    ------
    InvalidArgument
        If a parameter is not finite or out of range, or V_R ≥ V_F.

    Source: Cáceres, Carrillo, Perthame, J. Math. Neurosci. 1:7 (2011); with refractory state and random threshold:
    Cáceres, Perthame, J. Theor. Biol. 350 (2014); with delay: Cáceres, Roux, Salort, Schneider, Commun. Partial Differ.
    Equ. 44 (2019).

    >>> nnlif(b=0.5).V_F
    2.0
    """
    _check_law("refractory", refractory, "mean_duration", "fp.ExponentialRefractory(0.2)")
    _check_law("threshold", threshold, "hazard", "fp.RandomThreshold(0.02)")
    if drift is not None and (isinstance(drift, type) or not callable(drift)):
        raise InvalidArgument(f"`drift` must be None or a function such as fp.QuadraticDrift(), not {drift!r}.")
    return Population(
        drift=drift or Leak(),
        noise=ActivityNoise(a0, a1),
        threshold=HardThreshold(V_F) if threshold is None else threshold.placed(finite_number("V_F", V_F)),
        reset=FixedReset(V_R),
        refractory=refractory or NoRefractory(),
        coupling=MeanFieldCoupling(b, external, delay),
    )


def _check_law(name: str, law: object, mark: str, example: str) -> None:
    if law is not None and (isinstance(law, type) or not hasattr(law, mark)):
        raise InvalidArgument(f"`{name}` must be None or a law such as {example}, not {law!r}.")
