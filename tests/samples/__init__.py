"""Builders of every domain object. By default every field is set; `bare_…` leave out whatever may be left out.

Each takes the ids that it must carry, and fields by name that differ from the sample:
``samples.project(organization.id, name="Pay API")``.
"""

from __future__ import annotations

from tests.samples.basics import EARLIER, LATER, NOW, digest, new_id, repo_url, unique
from tests.samples.builds import (
    assigned_entry,
    bare_build,
    bare_delivery,
    bare_entry,
    bare_facts,
    bare_identity,
    bare_report,
    build,
    delivery,
    entry,
    facts,
    identity,
    identity_key,
    placement,
    rejected_entry,
    report,
    waiting_placement,
)
from tests.samples.credentials import bare_hook, bare_key, hook, key, window
from tests.samples.people import (
    actor,
    audit_event,
    bare_actor,
    bare_audit_event,
    bare_link,
    bare_organization,
    bare_user,
    link,
    member,
    organization,
    session,
    user,
)
from tests.samples.products import bare_release, bare_repository, project, release, repository, repository_link

__all__ = [
    "EARLIER",
    "LATER",
    "NOW",
    "actor",
    "assigned_entry",
    "audit_event",
    "bare_actor",
    "bare_audit_event",
    "bare_build",
    "bare_delivery",
    "bare_entry",
    "bare_facts",
    "bare_hook",
    "bare_identity",
    "bare_key",
    "bare_link",
    "bare_organization",
    "bare_release",
    "bare_report",
    "bare_repository",
    "bare_user",
    "build",
    "delivery",
    "digest",
    "entry",
    "facts",
    "hook",
    "identity",
    "identity_key",
    "key",
    "link",
    "member",
    "new_id",
    "organization",
    "placement",
    "project",
    "rejected_entry",
    "release",
    "repo_url",
    "report",
    "repository",
    "repository_link",
    "session",
    "unique",
    "user",
    "waiting_placement",
    "window",
]
