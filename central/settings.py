"""How central is started. Checked here once; nothing is touched on disk or network."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path

from central.errors import SettingsError

LOOPBACK = ("127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Settings:
    """Times in seconds. Raises SettingsError."""

    data: Path  # the folder of the store; one central a folder
    host: str = "127.0.0.1"
    port: int = 8440  # 0: any free port
    tls_cert: Path | None = None
    tls_key: Path | None = None
    behind_proxy: bool = False  # a proxy in front ends TLS
    proxies: tuple[str, ...] = LOOPBACK  # whose X-Forwarded-* is believed, if behind_proxy
    readers: int = 4  # reading connections
    write_queue: int = 256  # batches waiting for the writer; more are answered 503
    max_desks: int = 200  # open feeds; more are answered 503
    desk_queue: int = 256  # events waiting for a slow desk; more, and it reads on from the store
    keep_alive: float = 15.0  # between comment lines on a silent feed
    request_wait: float = 30.0  # for a request to come in whole; the connection is closed then
    grace: int = 1  # for open requests at shutdown

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise SettingsError(f"there is no port {self.port}", hint="take one of 1 to 65535, or 0 for any")
        if (self.tls_cert is None) != (self.tls_key is None):
            raise SettingsError("TLS needs both files", hint="give --tls-cert and --tls-key, or neither")
        for name in ("readers", "write_queue", "max_desks", "desk_queue", "keep_alive", "request_wait", "grace"):
            if getattr(self, name) <= 0:
                raise SettingsError(f"{name} must be above 0")
        if not (self.loopback or self.tls_cert or self.behind_proxy):
            raise SettingsError(
                f"plain HTTP on {self.host} would send passwords and tokens in clear",
                hint="give --tls-cert and --tls-key, or --behind-proxy where a proxy ends TLS, or listen on 127.0.0.1",
            )

    @property
    def loopback(self) -> bool:
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def secure_cookies(self) -> bool:
        """Browsers keep `Secure` cookies of plain HTTP nowhere but, in part, on loopback: so not there."""
        return self.behind_proxy or self.tls_cert is not None
