"""On whose behalf a use case runs."""

from __future__ import annotations

from uuid import UUID

from attrs import frozen

from lathe.application.intake import Admission
from lathe.domain.organization import Actor


@frozen
class Caller:
    """Who acts, in which organization. Never taken from a payload."""

    organization_id: UUID
    actor: Actor


def key_caller(admission: Admission) -> Caller:
    """Return the caller behind an admitted API key."""
    return Caller(admission.organization_id, Actor("key", admission.credential_id, admission.name))


def command_caller(organization_id: UUID) -> Caller:
    """Return the caller of a command on the server itself."""
    return Caller(organization_id, Actor("command", None, "command line"))
