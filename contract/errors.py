"""Errors of the contract.

ContractError
├── ConfigError     a camera file is wrong; carries every problem found, not only the first
├── WireError       a batch cannot be read at all (framing, size, compression, schema)
└── RecordError     one record of a readable batch is wrong; the others stand

None of them helps by retrying: the same bytes give the same answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class ContractError(Exception):
    """Base of the package. `retryable` is always False; `hint` says what the operator should do."""

    retryable = False

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a camera file: where it is, what it is, and what to do about it."""

    file: str
    line: int  # 1-based; 0 where no line can be named
    key: str  # dotted path, e.g. "rules.after-hours.zone"
    value: str  # the offending value, shortened, secrets removed
    message: str
    hint: str = ""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        key = f" {self.key}:" if self.key else ""
        value = f" (value: {self.value})" if self.value else ""
        hint = f"\n    hint: {self.hint}" if self.hint else ""
        return f"{where}:{key} {self.message}{value}{hint}"


class ConfigError(ContractError):
    """A camera file that cannot be used."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


class WireError(ContractError):
    """A body that is no batch. `code` is a stable word for machines."""

    def __init__(self, code: str, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.code = code


class RecordError(ContractError):
    """A record that central can never store. `code` is a stable word for machines."""

    def __init__(self, code: str, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.code = code
