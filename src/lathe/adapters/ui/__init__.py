"""The pages: plain HTML forms that work without JavaScript."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from lathe.adapters.ui import (
    audit,
    builds,
    connect,
    deliveries,
    live,
    members,
    offers,
    profile,
    projects,
    queue,
    release,
    releases,
    settings,
    several,
    trying,
)
from lathe.adapters.ui.account import Account
from lathe.adapters.ui.errors import error_page
from lathe.adapters.ui.routing import Pages
from lathe.adapters.ui.templating import STATIC, static_files
from lathe.adapters.web.throttle import LoginThrottle
from lathe.domain.organization import Role

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request

    from lathe.adapters.web.parts import Parts


def routes(parts: Parts, throttle: LoginThrottle | None = None) -> list[BaseRoute]:
    """Return the routes of all pages and of the files that they load."""
    pages = Pages(parts)
    get, post, admin = pages.get, pages.post, Role.ADMIN
    throttle = throttle or LoginThrottle()
    streams = live.Live()
    return [
        *Account(parts, throttle).routes(),
        get("/live", streams.stream),
        get("/live/poll", live.poll),
        get("/live/decisions", live.decisions),
        get("/live/releases", releases.glance),
        get("", releases.go_home),
        get("/releases", releases.releases_page),
        post("/releases", releases.create_release),
        get("/releases/{id:uuid}", release.release_page),
        post("/releases/{id:uuid}", release.change_release),
        post("/releases/{id:uuid}/state", release.change_state),
        post("/queue/several", several.decide_several),
        post("/queue/several/undo", several.undo_several),
        post("/queue/offer", offers.file_offered),
        get("/queue/{id:uuid}", queue.entry_page),
        post("/queue/{id:uuid}/assign", queue.assign),
        post("/queue/{id:uuid}/project", queue.select_project),
        post("/queue/{id:uuid}/create-project", queue.create_project),
        post("/queue/{id:uuid}/create-release", queue.create_release),
        post("/queue/{id:uuid}/reject", queue.reject),
        post("/queue/{id:uuid}/undo", queue.undo),
        get("/builds/{id:uuid}", builds.build_page),
        post("/builds/{id:uuid}/move", builds.move),
        post("/builds/{id:uuid}/requeue", builds.requeue),
        get("/deliveries", deliveries.deliveries_page),
        get("/deliveries/try", trying.try_page, Role.TESTER),
        post("/deliveries/try", trying.try_body, large=True),
        get("/deliveries/{id:uuid}", deliveries.delivery_page),
        get("/deliveries/{id:uuid}/again", deliveries.delivery_again),
        post("/deliveries/{id:uuid}/again", deliveries.file_again),
        *connect.routes(pages),
        get("/projects", projects.projects_page),
        post("/projects", projects.create_project),
        get("/projects/{id:uuid}", projects.project_page),
        post("/projects/{id:uuid}", projects.change_project),
        post("/projects/{id:uuid}/archive", projects.archive),
        post("/projects/{id:uuid}/restore", projects.restore),
        post("/projects/{id:uuid}/releases", projects.create_release),
        post("/projects/{id:uuid}/repositories", projects.add_repository),
        post("/projects/{id:uuid}/repositories/{repository_id:uuid}/remove", projects.remove_repository),
        get("/profile", profile.profile_page),
        post("/profile", profile.change_profile, Role.VIEWER),
        post("/profile/password", profile.PasswordChange(throttle).change_password, Role.VIEWER),
        post("/profile/sessions/end", profile.end_session, Role.VIEWER),
        post("/profile/sessions/end-others", profile.end_other_sessions, Role.VIEWER),
        get("/settings", settings.settings),
        get("/settings/members", members.members_page),
        post("/settings/members", members.invite, admin),
        post("/settings/members/{id:uuid}/role", members.change_role, admin),
        post("/settings/members/{id:uuid}/remove", members.remove, admin),
        post("/settings/members/{id:uuid}/withdraw", members.withdraw, admin),
        get("/settings/audit", audit.audit_page),
        get("/settings/organization", settings.organization_page),
        post("/settings/organization", settings.change_organization, admin),
        get("/settings/keys", settings.keys_page),
        post("/settings/keys", settings.create_key, admin),
        post("/settings/keys/{id:uuid}", settings.change_key, admin),
        post("/settings/keys/{id:uuid}/revoke", settings.revoke_key, admin),
        get("/settings/webhooks", settings.hooks_page),
        post("/settings/webhooks", settings.create_hook, admin),
        post("/settings/webhooks/{id:uuid}/rotate", settings.rotate_hook, admin),
        post("/settings/webhooks/{id:uuid}/revoke", settings.revoke_hook, admin),
        Route(f"{STATIC}/{{name}}", static_file, methods=["GET"]),
    ]


def install(app: Starlette, parts: Parts) -> None:  # noqa: ARG001 — every adapter is installed with the same two
    """Tell the application how an error looks as a page."""
    app.state.error_page = error_page


async def static_file(request: Request) -> Response:
    """Serve a static file; under the address that names its content, browsers may keep it for ever."""
    found = static_files().get(request.path_params["name"])
    if found is None:
        raise HTTPException(404)
    current = request.query_params.get("v") == found.version
    kept = "public, max-age=31536000, immutable" if current else "no-cache"
    headers = {"Cache-Control": kept, "ETag": f'"{found.version}"'}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(found.content, media_type=found.media_type, headers=headers)
