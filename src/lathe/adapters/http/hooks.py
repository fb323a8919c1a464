"""Hooks: listed, created, rotated, revoked."""

from __future__ import annotations

from typing import Final

from lathe.adapters.http import answers, shapes
from lathe.adapters.http.calls import Ask, Call, Reply
from lathe.adapters.http.lists import page_of
from lathe.adapters.http.requests import HookBody, ListQuery, NoQuery
from lathe.application import hooks
from lathe.application.lists import Place
from lathe.domain.api_key import Scope


def _hooks(ask: Ask[None, ListQuery]) -> Reply:
    walk = ask.walk()
    every = hooks.listed(ask.parts.store, ask.organization_id)
    rows, place = page_of(every, lambda hook: Place(hook.created_at, hook.id), walk)
    cursor = walk.cursor(place)
    return Reply(answers.Hooks([shapes.hook(hook, ask.origin) for hook in rows], cursor), headers=walk.link(cursor))


def _create(ask: Ask[HookBody, NoQuery]) -> Reply:
    parts = ask.parts
    hook, secret = hooks.create(parts.store, parts.ids, parts.box, ask.caller, ask.body.provider)
    return Reply(shapes.hook(hook, ask.origin, secret), f"/api/v1/hooks/{hook.id}")


def _rotate(ask: Ask[None, NoQuery]) -> Reply:
    parts = ask.parts
    hook, secret = hooks.rotate(parts.store, parts.ids, parts.box, ask.caller, ask.ids["id"])
    return Reply(shapes.hook(hook, ask.origin, secret))


def _revoke(ask: Ask[None, NoQuery]) -> Reply:
    hooks.revoke(ask.parts.store, ask.caller, ask.ids["id"])
    return Reply()


CALLS: Final = (
    Call(
        name="list_hooks",
        method="GET",
        path="/api/v1/hooks",
        summary="List hooks",
        scope=Scope.HOOKS_MANAGE,
        query=ListQuery,
        answers={200: answers.Hooks},
        run=_hooks,
    ),
    Call(
        name="create_hook",
        method="POST",
        path="/api/v1/hooks",
        summary="Create a hook; its secret is shown once",
        scope=Scope.HOOKS_MANAGE,
        body=HookBody,
        answers={201: answers.Hook},
        run=_create,
    ),
    Call(
        name="rotate_hook",
        method="POST",
        path="/api/v1/hooks/{id}/rotate",
        summary="Give a hook a new secret; the old one stays good for 24 hours",
        scope=Scope.HOOKS_MANAGE,
        answers={200: answers.Hook},
        run=_rotate,
        conflicts=True,
    ),
    Call(
        name="revoke_hook",
        method="DELETE",
        path="/api/v1/hooks/{id}",
        summary="Revoke a hook: nothing sent to its address is taken any more",
        scope=Scope.HOOKS_MANAGE,
        answers={204: None},
        run=_revoke,
    ),
)
