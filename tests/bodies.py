"""Deliveries as GitHub, GitLab, Bitbucket Data Center and others send them, for invented builds of any repository."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any, Final

from attrs import frozen

from lathe.domain.hook import Provider
from lathe.entrypoints.provider_requests import event_of, headers_of, signature_of
from lathe.entrypoints.sample_bodies import commit_status

JsonObject = dict[str, Any]
REPOSITORY: Final = "acme/pay-api"


def workflow_run(
    *,
    repository: str = REPOSITORY,
    host: str = "bitbucket.org",
    run: int = 70001,
    number: int = 12,
    status: str = "completed",
    conclusion: str | None = "success",
    branch: str = "release/2.5",
    updated_at: str = "2026-04-07T08:19:03Z",
) -> JsonObject:
    """Return GitHub's body for a run. The host is one that the projects of tests are linked to."""
    return {
        "action": "completed" if status == "completed" else "in_progress",
        "workflow_run": {
            "id": run,
            "name": "Build",
            "run_number": number,
            "status": status,
            "conclusion": conclusion,
            "head_branch": branch,
            "head_sha": hashlib.sha1(repr((repository, run)).encode(), usedforsecurity=False).hexdigest(),
            "html_url": f"https://{host}/{repository}/actions/runs/{run}",
            "updated_at": updated_at,
        },
        "repository": {"full_name": repository, "html_url": f"https://{host}/{repository}"},
    }


def pipeline(
    *,
    repository: str = REPOSITORY,
    host: str = "bitbucket.org",
    pipeline_id: int = 80001,
    status: str = "success",
    ref: str = "release/2.5",
    finished_at: str | None = "2026-04-07 08:19:03 UTC",
) -> JsonObject:
    """Return GitLab's body for a pipeline."""
    return {
        "object_kind": "pipeline",
        "object_attributes": {
            "id": pipeline_id,
            "iid": pipeline_id % 1000,
            "status": status,
            "ref": ref,
            "tag": False,
            "sha": hashlib.sha1(repr((repository, pipeline_id)).encode(), usedforsecurity=False).hexdigest(),
            "created_at": "2026-04-07 08:12:40 UTC",
            "finished_at": finished_at,
        },
        "project": {"web_url": f"https://{host}/{repository}", "path_with_namespace": repository},
    }


def build_status(*, repository: str = REPOSITORY, host: str = "bitbucket.org", number: int = 9) -> JsonObject:
    """Return what an add-on of Bitbucket Data Center sends for a build."""
    url = f"https://ci.acme.example/job/pay-api/{number}/"
    return {
        "commit": hashlib.sha1(repr((repository, number)).encode(), usedforsecurity=False).hexdigest(),
        "status": {"state": "SUCCESSFUL", "key": "PAY", "name": f"Pay #{number}", "url": url, "ref": "release/2.5"},
        "url": url,
        "repository": {"links": {"self": [{"href": f"https://{host}/{repository}/browse"}]}},
    }


def own_form(*, repository: str = REPOSITORY, number: int = 9) -> JsonObject:
    """Return a build in our own form."""
    return {"name": f"Build #{number}", "build_number": number, "repo_url": f"https://bitbucket.org/{repository}"}


@frozen
class Sent:
    """A request as a provider sends it, before anything proves who sent it."""

    provider: Provider
    headers: dict[str, str]
    body: bytes
    delivery_id: str


def sent(provider: Provider, body: JsonObject, delivery_id: str, event: str | None = None) -> Sent:
    """Return a provider's request, of the event that the body tells unless one is named."""
    headers = headers_of(provider, event or event_of(provider, body), delivery_id)
    return Sent(provider, headers, json.dumps(body).encode(), delivery_id)


def a_build(provider: Provider, number: int, delivery_id: str) -> Sent:
    """Return a provider's request for a successful build that is the ``number``-th of its kind."""
    bodies = {
        Provider.BITBUCKET: commit_status(number=number),
        Provider.GITHUB: workflow_run(run=number),
        Provider.GITLAB: pipeline(pipeline_id=number),
        Provider.GENERIC: own_form(number=number),
    }
    return sent(provider, bodies[provider], delivery_id)


def proven(request: Sent, secret: str, scheme: str = "", *, timestamp: int = 0) -> dict[str, str]:
    """Return the headers that show the secret: a signature, or with the scheme ``token`` the secret itself."""
    if scheme == "token":
        return {"X-Gitlab-Token": secret}
    now = datetime.fromtimestamp(timestamp, UTC)
    return signature_of(request.provider, secret.encode(), request.body, request.delivery_id, now)
