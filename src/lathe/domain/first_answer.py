"""FirstAnswer: what a request was answered whose sender gave it a key, to be repeated when it comes again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from attrs import frozen

REPEATED_FOR: Final = timedelta(hours=24)
"""How long a first answer is repeated. Then its key is free again."""


@frozen
class FirstAnswer:
    """An answer as it was first written down.

    ``name`` is the SHA-256 of the sender's credential and key: the same key of another credential is another one.
    ``digest`` is the SHA-256 of the body, by which the same request is told from another one under the same key.
    ``delivery_id`` is the delivery that was answered, ``at`` when.
    """

    organization_id: UUID
    name: bytes
    digest: bytes
    delivery_id: UUID
    at: datetime
    written: bytes

    def stands(self, now: datetime) -> bool:
        """Whether it is still repeated."""
        return now < self.at + REPEATED_FOR
