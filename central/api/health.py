"""Whether central is up. Strangers may ask, so it tells nothing more."""

from __future__ import annotations

from fastapi import APIRouter

from central.api.deps import Parts
from central.api.failures import declared
from central.api.models import Health

router = APIRouter(prefix="/api", tags=["health"])


@router.get("/health", responses=declared(503))
async def health(central: Parts) -> Health:
    await central.store.last_change()
    return Health(status="ok", version=central.version)
