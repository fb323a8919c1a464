"""Bodies as Bitbucket Cloud sends them, for invented builds: what the sample organization and the tests send.

Pure functions; the same facts give the same body, so that the events of one build agree with each other.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

JsonObject = dict[str, Any]

_API: Final = "https://api.bitbucket.org/2.0"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SOME_TIME: Final = datetime(2026, 3, 12, 9, 41, 26, 482913, tzinfo=UTC)
_DURATION: Final = timedelta(minutes=4, seconds=7)


def event_headers(event: str, delivery_id: str, attempt: int = 1) -> dict[str, str]:
    """Return the headers that Bitbucket Cloud sends along. A second attempt keeps the delivery id."""
    return {
        "Content-Type": "application/json",
        "User-Agent": "Bitbucket-Webhooks/2.0",
        "X-Attempt-Number": str(attempt),
        "X-Event-Key": event,
        "X-Hook-UUID": _uuid("hook"),
        "X-Request-UUID": delivery_id,
    }


def commit_status(
    *,
    repository: str = "acme/pay-api",
    number: int = 482,
    branch: str | None = "release/2.5",
    commit: str | None = None,
    state: str = "SUCCESSFUL",
    created_on: datetime | None = None,
    updated_on: datetime = _SOME_TIME,
    author: str = "Mira Holm",
    title: str = "Retry declined captures once",
) -> JsonObject:
    """Return the body of ``repo:commit_status_created`` and ``repo:commit_status_updated`` for a pipeline's build.

    ``commit`` is 40 hex digits (None: some that belong to repository and number), ``title`` the commit's message.
    """
    commit = commit or commit_of(repository, number)
    html = f"https://bitbucket.org/{repository}"
    ref = branch or "main"
    key = str(_java_hash(ref))
    status = {
        "key": key,
        "type": "build",
        "state": state,
        "name": f"Pipeline #{number} for {ref}",
        "refname": branch,
        "commit": _commit(repository, commit, updated_on - _DURATION * 2, author, title),
        "url": f"{html}/addon/pipelines/home#!/results/{number}",
        "repository": _short_repository(repository),
        "description": "",
        "created_on": (created_on or updated_on - _DURATION).isoformat(),
        "updated_on": updated_on.isoformat(),
        "links": {
            "self": {"href": f"{_API}/repositories/{repository}/commit/{commit}/statuses/build/{key}"},
            "commit": {"href": f"{_API}/repositories/{repository}/commit/{commit}"},
        },
    }
    return {"repository": _repository(repository), "actor": _workspace_actor(repository), "commit_status": status}


def pipeline_span(
    *,
    repository: str = "acme/pay-api",
    number: int = 482,
    branch: str = "release/2.5",
    ref_type: str = "BRANCH",
    result: str = "COMPLETE",
    ended_on: datetime = _SOME_TIME,
    name: str = "bbc.pipeline_run",
) -> JsonObject:
    """Return the body of ``pipeline:span_created``: the OpenTelemetry span of a pipeline's run, or of a part of one."""
    repository_uuid, workspace_uuid = repository_uuid_of(repository), _uuid(repository.partition("/")[0])
    attributes = {
        "pipeline.target.ref_name": branch,
        "pipeline.target.ref_type": ref_type,
        "pipeline_run.uuid": _uuid(repository, str(number), "run"),
        "pipeline.uuid": _uuid(repository, str(number), "pipeline"),
        "pipeline_run.run_number": str(number),
        "pipeline.state.result.name": result,
        "pipeline.trigger.name": "PUSH",
        "pipeline.repository.uuid": repository_uuid,
        "pipeline.account.uuid": workspace_uuid,
        "pipeline_run.url": (
            f"https://bitbucket.org/{quote(workspace_uuid)}/{quote(repository_uuid)}/pipelines/results/{number}"
        ),
    }
    span = {
        "traceId": _digest(repository, str(number))[:32],
        "spanId": _digest(repository, str(number), name)[:16],
        "name": name,
        "startTimeUnixNano": _nanoseconds(ended_on - _DURATION),
        "endTimeUnixNano": _nanoseconds(ended_on),
        "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in attributes.items()],
    }
    scope = {"scope": {"name": "bitbucket-pipelines", "version": "1.0"}, "spans": [span]}
    return {"resourceSpans": [{"resource": {"attributes": []}, "scopeSpans": [scope]}]}


def commit_of(repository: str, number: int) -> str:
    """Return the commit, 40 hex digits, that a sample build has if none is given."""
    return _digest(repository, str(number), "commit")[:40]


def repository_uuid_of(repository: str) -> str:
    """Return the UUID of a sample repository as Bitbucket writes it, in braces."""
    return _uuid(repository, "repository")


def _repository(full_name: str) -> JsonObject:
    workspace, _, slug = full_name.partition("/")
    owner = _uuid(workspace)
    return {
        **_short_repository(full_name),
        "scm": "git",
        "website": None,
        "owner": _workspace_actor(full_name),
        "workspace": {
            "type": "workspace",
            "uuid": owner,
            "name": workspace.title(),
            "slug": workspace,
            "links": _links(f"{_API}/workspaces/{workspace}", f"https://bitbucket.org/{workspace}/"),
        },
        "is_private": True,
        "project": {
            "type": "project",
            "key": slug[:4].strip("-").upper(),
            "uuid": _uuid(full_name, "project"),
            "name": slug.replace("-", " ").title(),
            "links": _links(
                f"{_API}/workspaces/{workspace}/projects/{slug[:4].strip('-').upper()}",
                f"https://bitbucket.org/{workspace}/workspace/projects/{slug[:4].strip('-').upper()}",
            ),
        },
        "parent": None,
    }


def _short_repository(full_name: str) -> JsonObject:
    uuid = repository_uuid_of(full_name)
    html = f"https://bitbucket.org/{full_name}"
    links = _links(f"{_API}/repositories/{full_name}", html, f"https://bytebucket.org/ravatar/{quote(uuid)}?ts=default")
    # The display name is not the slug, and people write it as they like.
    display_name = full_name.partition("/")[2].replace("-", " ").title().replace(" ", "-")
    return {"type": "repository", "full_name": full_name, "links": links, "name": display_name, "uuid": uuid}


def _workspace_actor(full_name: str) -> JsonObject:
    workspace = full_name.partition("/")[0]
    uuid = _uuid(workspace)
    return {
        "display_name": workspace.title(),
        "links": _links(f"{_API}/workspaces/{quote(uuid)}", f"https://bitbucket.org/{quote(uuid)}/"),
        "type": "team",
        "uuid": uuid,
        "username": workspace,
    }


def _commit(repository: str, commit: str, date: datetime, author: str, title: str) -> JsonObject:
    user = _uuid(author, "user")
    api = f"{_API}/repositories/{repository}/commit/{commit}"
    return {
        "type": "commit",
        "hash": commit,
        "date": date.replace(microsecond=0).isoformat(),
        "author": {
            "type": "author",
            "raw": f"{author} <{author.lower().replace(' ', '.')}@example.com>",
            "user": {
                "display_name": author,
                "links": _links(f"{_API}/users/{quote(user)}", f"https://bitbucket.org/{quote(user)}/"),
                "type": "user",
                "uuid": user,
                "account_id": f"557058:{user[1:-1]}",
                "nickname": author,
            },
        },
        "message": f"{title}\n",
        "links": {
            "self": {"href": api},
            "html": {"href": f"https://bitbucket.org/{repository}/commits/{commit}"},
            "diff": {"href": f"{_API}/repositories/{repository}/diff/{commit}"},
            "approve": {"href": f"{api}/approve"},
            "comments": {"href": f"{api}/comments"},
            "statuses": {"href": f"{api}/statuses"},
        },
    }


def _links(api: str, html: str, avatar: str | None = None) -> JsonObject:
    return {"self": {"href": api}, "html": {"href": html}, "avatar": {"href": avatar or html.rstrip("/") + "/avatar/"}}


def _uuid(*parts: str) -> str:
    return f"{{{uuid5(NAMESPACE_URL, 'https://bitbucket.org/' + '/'.join(parts))}}}"


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _nanoseconds(time: datetime) -> str:
    return str((time - _EPOCH) // timedelta(microseconds=1) * 1000)


def _java_hash(text: str) -> int:
    """``String.hashCode`` of the Java language, which Bitbucket uses for the key of a pipeline's status."""
    value = 0
    for character in text:
        value = (value * 31 + ord(character)) & 0xFFFFFFFF
    return value - 2**32 if value >= 2**31 else value
