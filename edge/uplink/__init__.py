"""Brings the outbox's records to central."""

from edge.uplink.client import Answered, Client
from edge.uplink.worker import Pace, Uplink, UplinkStatus

__all__ = ["Answered", "Client", "Pace", "Uplink", "UplinkStatus"]
