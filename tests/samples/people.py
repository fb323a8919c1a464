"""Samples of organizations, people and how they get in."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from attrs import evolve

from lathe.domain.audit import Action, AuditEvent, Subject, SubjectKind
from lathe.domain.organization import Actor, Member, Organization, Preferences, Role, Theme, User
from lathe.domain.session import LINK_LIFE, LinkPurpose, OneTimeLink, Session
from tests.samples.basics import EARLIER, NOW, digest, new_id, unique


def organization(**changes: Any) -> Organization:
    slug = unique("acme")
    return evolve(
        Organization(
            id=new_id(),
            name="Acme",
            slug=slug,
            created_at=EARLIER,
            allow_org_id=True,
            confirm_name_matches=True,
            rate_limit=90,
        ),
        **changes,
    )


def bare_organization(**changes: Any) -> Organization:
    return evolve(Organization(new_id(), "Acme", unique("acme"), EARLIER), **changes)


def user(**changes: Any) -> User:
    return evolve(
        User(
            id=new_id(),
            email=f"{unique('ada')}@acme.test",
            name="Ada",
            created_at=EARLIER,
            password_hash="$argon2id$v=19$m=47104,t=1,p=1$c2FsdA$aGFzaA",
            preferences=Preferences(Theme.DARK, shortcuts=False),
        ),
        **changes,
    )


def bare_user(**changes: Any) -> User:
    return evolve(user(password_hash=None, preferences=Preferences()), **changes)


def member(organization_id: UUID, user_id: UUID, **changes: Any) -> Member:
    return evolve(Member(organization_id, user_id, Role.TESTER, EARLIER), **changes)


def actor(**changes: Any) -> Actor:
    return evolve(Actor("user", new_id(), "Ada"), **changes)


def bare_actor(**changes: Any) -> Actor:
    return evolve(Actor("command", None, "lathe"), **changes)


def session(user_id: UUID, **changes: Any) -> Session:
    return evolve(Session(digest(), user_id, EARLIER, NOW, "Firefox on Linux"), **changes)


def link(organization_id: UUID, user_id: UUID, **changes: Any) -> OneTimeLink:
    return evolve(
        OneTimeLink(
            token_hash=digest(),
            purpose=LinkPurpose.JOIN,
            created_at=NOW,
            expires_at=NOW + LINK_LIFE,
            user_id=user_id,
            organization_id=organization_id,
            role=Role.VIEWER,
            reusable=True,
            used_at=NOW + timedelta(microseconds=3),
        ),
        **changes,
    )


def bare_link(**changes: Any) -> OneTimeLink:
    return evolve(OneTimeLink(digest(), LinkPurpose.SETUP, NOW, NOW + LINK_LIFE), **changes)


def audit_event(organization_id: UUID, **changes: Any) -> AuditEvent:
    return evolve(
        AuditEvent(
            organization_id=organization_id,
            id=new_id(),
            created_at=NOW,
            actor=actor(),
            action=Action.REJECTED,
            subject=Subject(SubjectKind.ENTRY, new_id(), "Pipeline #482 “final”"),
            detail="other: Not ours.\nAsk Bob.",
        ),
        **changes,
    )


def bare_audit_event(organization_id: UUID, **changes: Any) -> AuditEvent:
    return audit_event(organization_id, **{"actor": bare_actor(), "detail": ""} | changes)
