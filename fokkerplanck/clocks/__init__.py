"""By which time a run goes on: that of the equation, or one that runs with the activity and so through a blow-up."""

from .activity import ActivityClock
from .physical import PhysicalTime

Clock = PhysicalTime | ActivityClock

__all__ = ["ActivityClock", "Clock", "PhysicalTime"]
