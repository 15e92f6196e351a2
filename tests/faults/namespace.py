"""A network of its own, in which edge and central see each other and packets can be dropped."""

from __future__ import annotations

import ctypes
import os
import subprocess

CLONE_NEWNET = 0x40000000

# What is done to packets by the port of central: to it, from it.
RULES = {
    "requests": "tcp dport {port} drop",
    "answers": "tcp sport {port} drop",
    "both": "tcp dport {port} drop\ntcp sport {port} drop",
    "reset": "tcp dport {port} reject with tcp reset",
    "third": "tcp dport {port} numgen inc mod 3 == 0 drop\ntcp sport {port} numgen inc mod 3 == 0 drop",
}


class Namespace:
    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def prefix(self) -> tuple[str, ...]:
        """Before a command that is to run in it."""
        return ("ip", "netns", "exec", self.name)

    def make(self) -> None:
        """Raises CalledProcessError where this machine makes none, or filters nothing in it."""
        self._run("ip", "netns", "add", self.name)
        try:
            self._run(*self.prefix, "ip", "link", "set", "lo", "up")
            self.hurt("both", 9)
            self.heal()
        except subprocess.CalledProcessError:
            self.remove()
            raise

    def remove(self) -> None:
        self._run("ip", "netns", "del", self.name)

    def hurt(self, rule: str, port: int) -> None:
        lines = ("table inet faults {", "chain way {", "type filter hook input priority 0;")
        text = "\n".join((*lines, RULES[rule].format(port=port), "}", "}", ""))
        self._run(*self.prefix, "nft", "-f", "-", text=text)

    def heal(self) -> None:
        self._run(*self.prefix, "nft", "flush", "ruleset")

    def enter(self) -> None:
        """The calling process, which must not have threads yet."""
        fd = os.open(f"/run/netns/{self.name}", os.O_RDONLY)
        if ctypes.CDLL(None, use_errno=True).setns(fd, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"cannot enter the namespace {self.name}")
        os.close(fd)

    @staticmethod
    def _run(*command: str, text: str = "") -> None:
        subprocess.run(command, check=True, capture_output=True, input=text, text=True, timeout=20)
