"""Brings the outbox's records to central."""

from edge.uplink.cap import Cap
from edge.uplink.client import Answered, Client
from edge.uplink.worker import Pace, Uplink, UplinkStatus

__all__ = ["Answered", "Cap", "Client", "Pace", "Uplink", "UplinkStatus"]
