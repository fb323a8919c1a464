"""Builds and the Build Queue: read, assigned, rejected, moved, sent back."""

from __future__ import annotations

from typing import Any, Final

from lathe.adapters.http import answers, shapes
from lathe.adapters.http.calls import Ask, Call, Reply
from lathe.adapters.http.reports import report_of
from lathe.adapters.http.requests import (
    AssignBody,
    BuildBody,
    BuildsQuery,
    MoveBody,
    NoQuery,
    QueueQuery,
    QueueStatus,
    RejectBody,
    SelectProjectBody,
)
from lathe.application import queries, triage
from lathe.application.intake import BuildView, EntryView
from lathe.application.lists import BuildFilter, EntryFilter
from lathe.domain.api_key import Scope
from lathe.domain.queue_entry import EntryStatus


def _builds(ask: Ask[None, BuildsQuery]) -> Reply:
    query, walk = ask.query, ask.walk()
    wanted = BuildFilter(query.project, query.release, query.branch, query.commit, query.source, query.q)
    page = queries.builds(ask.parts.store, ask.organization_id, wanted, walk.limit, walk.after)
    cursor = walk.cursor(page.next)
    return Reply(answers.Builds([shapes.build(view) for view in page.rows], cursor), headers=walk.link(cursor))


def _build(ask: Ask[None, NoQuery]) -> Reply:
    return Reply(shapes.build(queries.build(ask.parts.store, ask.organization_id, ask.ids["id"]), explained=True))


def _move(ask: Ask[MoveBody, NoQuery]) -> Reply:
    view = triage.move(ask.parts.store, ask.caller, ask.ids["id"], ask.body.release_id)
    return Reply(_shown_build(ask, view))


def _requeue(ask: Ask[None, NoQuery]) -> Reply:
    return Reply(_shown_entry(ask, triage.requeue(ask.parts.store, ask.parts.ids, ask.caller, ask.ids["id"])))


def _queue(ask: Ask[None, QueueQuery]) -> Reply:
    query, walk = ask.query, ask.walk()
    asked = query.status or QueueStatus.PENDING
    status = None if asked is QueueStatus.ANY else EntryStatus(asked.value)
    wanted = EntryFilter(status, query.project, query.branch, query.commit, query.source, query.q)
    page = queries.entries(ask.parts.store, ask.organization_id, wanted, walk.limit, walk.after)
    cursor = walk.cursor(page.next)
    return Reply(answers.QueueEntries([shapes.entry(view) for view in page.rows], cursor), headers=walk.link(cursor))


def _entry(ask: Ask[None, NoQuery]) -> Reply:
    return Reply(shapes.entry(queries.entry(ask.parts.store, ask.organization_id, ask.ids["id"]), explained=True))


def _assign(ask: Ask[AssignBody, NoQuery]) -> Reply:
    view = triage.assign(
        ask.parts.store,
        ask.parts.ids,
        ask.caller,
        ask.ids["id"],
        ask.body.release_id,
        remember_repository=ask.body.remember_repository or False,
    )
    return Reply(_shown_build(ask, view), shapes.build_address(view.build.id))


def _reject(ask: Ask[RejectBody, NoQuery]) -> Reply:
    return Reply(
        _shown_entry(ask, triage.reject(ask.parts.store, ask.caller, ask.ids["id"], ask.body.reason, ask.body.note))
    )


def _select_project(ask: Ask[SelectProjectBody, NoQuery]) -> Reply:
    return Reply(
        _shown_entry(ask, triage.select_project(ask.parts.store, ask.caller, ask.ids["id"], ask.body.project_id))
    )


def _undo(ask: Ask[None, NoQuery]) -> Reply:
    return Reply(_shown_entry(ask, triage.undo(ask.parts.store, ask.caller, ask.ids["id"])))


def _preview(ask: Ask[BuildBody, NoQuery]) -> Reply:
    return Reply(shapes.placed(queries.preview(ask.parts.store, ask.organization_id, report_of(ask.body))))


def _shown_build(ask: Ask[Any, Any], view: BuildView) -> answers.Build | answers.BuildReceipt:
    return shapes.build(view, explained=True) if ask.may_read else shapes.build_receipt(view)


def _shown_entry(ask: Ask[Any, Any], view: EntryView) -> answers.QueueEntry | answers.QueueEntryReceipt:
    return shapes.entry(view) if ask.may_read else shapes.entry_receipt(view)


_A_BUILD = answers.Build | answers.BuildReceipt
_AN_ENTRY = answers.QueueEntry | answers.QueueEntryReceipt

CALLS: Final = (
    Call(
        name="list_builds",
        method="GET",
        path="/api/v1/builds",
        summary="List builds",
        scope=Scope.BUILDS_READ,
        query=BuildsQuery,
        answers={200: answers.Builds},
        run=_builds,
    ),
    Call(
        name="get_build",
        method="GET",
        path="/api/v1/builds/{id}",
        summary="Read a build with its placement",
        scope=Scope.BUILDS_READ,
        answers={200: answers.Build},
        run=_build,
    ),
    Call(
        name="move_build",
        method="POST",
        path="/api/v1/builds/{id}/move",
        summary="File a build under another active release",
        scope=Scope.QUEUE_MANAGE,
        body=MoveBody,
        answers={200: _A_BUILD},
        run=_move,
        conflicts=True,
    ),
    Call(
        name="requeue_build",
        method="POST",
        path="/api/v1/builds/{id}/requeue",
        summary="Send a build back to the Build Queue",
        scope=Scope.QUEUE_MANAGE,
        answers={200: _AN_ENTRY},
        run=_requeue,
        conflicts=True,
    ),
    Call(
        name="list_queue",
        method="GET",
        path="/api/v1/queue",
        summary="List queue entries",
        scope=Scope.BUILDS_READ,
        query=QueueQuery,
        answers={200: answers.QueueEntries},
        run=_queue,
    ),
    Call(
        name="get_queue_entry",
        method="GET",
        path="/api/v1/queue/{id}",
        summary="Read a queue entry with its placement",
        scope=Scope.BUILDS_READ,
        answers={200: answers.QueueEntry},
        run=_entry,
    ),
    Call(
        name="assign_queue_entry",
        method="POST",
        path="/api/v1/queue/{id}/assign",
        summary="File a waiting build under an active release",
        scope=Scope.QUEUE_MANAGE,
        body=AssignBody,
        answers={201: _A_BUILD},
        run=_assign,
        conflicts=True,
    ),
    Call(
        name="reject_queue_entry",
        method="POST",
        path="/api/v1/queue/{id}/reject",
        summary="Reject a waiting build",
        scope=Scope.QUEUE_MANAGE,
        body=RejectBody,
        answers={200: _AN_ENTRY},
        run=_reject,
        conflicts=True,
    ),
    Call(
        name="select_project",
        method="POST",
        path="/api/v1/queue/{id}/project",
        summary="Choose the project of a waiting build",
        scope=Scope.QUEUE_MANAGE,
        body=SelectProjectBody,
        answers={200: _AN_ENTRY},
        run=_select_project,
        conflicts=True,
    ),
    Call(
        name="undo_queue_entry",
        method="POST",
        path="/api/v1/queue/{id}/undo",
        summary="Take the last decision about a queue entry back",
        scope=Scope.QUEUE_MANAGE,
        answers={200: _AN_ENTRY},
        run=_undo,
        conflicts=True,
    ),
    Call(
        name="preview_placement",
        method="POST",
        path="/api/v1/placements/preview",
        summary="Ask where a build would go; nothing is stored",
        scope=Scope.BUILDS_READ,
        body=BuildBody,
        answers={200: answers.Placement},
        run=_preview,
    ),
)
