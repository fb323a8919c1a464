"""A server in this process around a store in memory, and a caller that checks every answer against the document."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import orjson
from attrs import evolve, frozen
from httpx2 import Response
from jsonschema import Draft202012Validator, FormatChecker
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from lathe.adapters.feed import WatchingFeed
from lathe.adapters.http import Ahead, routes
from lathe.adapters.http.openapi import document
from lathe.adapters.http.reports import OwnParser
from lathe.adapters.ids import RandomIds
from lathe.adapters.memory.clock import SettableClock
from lathe.adapters.memory.store import MemoryStore
from lathe.adapters.passwords import Argon2Passwords
from lathe.adapters.secret_box import AesGcmBox
from lathe.adapters.web.body import LARGE_AT_ONCE, Bodies, BodyLimits
from lathe.adapters.web.edge import Edge
from lathe.adapters.web.parts import Parts
from lathe.adapters.web.problems import exception_handlers
from lathe.adapters.web.refusals import Refusals
from lathe.application import hooks, keys, organizations, projects, releases
from lathe.application.caller import Caller, command_caller
from lathe.application.intake import Answer, Incoming
from lathe.application.receive import receive
from lathe.domain.api_key import Scope
from lathe.domain.hook import Hook, Provider, hub_signature
from lathe.domain.organization import Organization
from lathe.domain.project import Project
from lathe.domain.release import Release, ReleaseState
from lathe.entrypoints.compose import PARSERS
from lathe.entrypoints.sample_bodies import event_headers

JSON = {"Content-Type": "application/json"}
STATUS_EVENT = "repo:commit_status_updated"
PAY_API = "https://bitbucket.org/acme/pay-api"


class Now:
    """A monotonic clock that moves when it is told to."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


class DirectIntake:
    """Every delivery is a batch of its own, in the caller's turn. ``fault`` is raised instead, where it is set."""

    def __init__(self, store: MemoryStore, ids: RandomIds) -> None:
        self._store = store
        self._ids = ids
        self.fault: Exception | None = None
        self.taken: list[Incoming] = []

    async def submit(self, incoming: Incoming) -> Answer:
        if self.fault:
            raise self.fault
        self.taken.append(incoming)
        return receive(self._store, self._ids, [incoming])[0]


@frozen
class Tenant:
    """An organization with one project, whose active release takes every branch."""

    organization: Organization
    caller: Caller
    project: Project
    release: Release


class World:
    """A store with one organization (and others on demand), and the application around it."""

    def __init__(self, limits: BodyLimits | None = None, *, large_at_once: int = LARGE_AT_ONCE) -> None:
        self.clock = SettableClock()
        self.store = MemoryStore(self.clock)
        self.ids = RandomIds()
        self.box = AesGcmBox.with_keys([bytes(range(32))])
        self.intake = DirectIntake(self.store, self.ids)
        self.now = Now()
        self.refusals = Refusals(self.store, monotonic=self.now)
        self.why_unready: str | None = None
        self.parts = Parts(
            store=self.store,
            intake=self.intake,
            feed=WatchingFeed(self.store),
            ids=self.ids,
            box=self.box,
            hasher=Argon2Passwords(),
            parsers=PARSERS,
            unready=lambda: self.why_unready,
            own_parser=OwnParser(),
        )
        bodies = Bodies(limits or BodyLimits(), large_at_once=large_at_once)
        api = routes(self.parts, self.refusals, bodies, monotonic=self.now)
        self.app = Starlette(
            routes=api,
            middleware=[Middleware(Edge, ids=self.ids), Middleware(Ahead, routes=api)],
            exception_handlers=exception_handlers,
        )
        self.app.router.redirect_slashes = False
        self.acme = self.tenant("Acme", PAY_API)

    def tenant(self, name: str, repository: str) -> Tenant:
        organization = organizations.create(self.store, self.ids, name)
        caller = command_caller(organization.id)
        project = projects.create(self.store, self.ids, caller, "Pay API", [repository]).project
        release = releases.create(self.store, self.ids, caller, project.id, "2.5", state=ReleaseState.ACTIVE)
        return Tenant(organization, caller, project, release)

    def key(
        self,
        *scopes: Scope,
        tenant: Tenant | None = None,
        rate_limit: int | None = 60,
        expires_at: datetime | None = None,
    ) -> str:
        """Return the text of a new key; with all scopes unless some are named."""
        caller = (tenant or self.acme).caller
        wanted = scopes or tuple(Scope)
        _, text = keys.create(self.store, self.ids, caller, "CI", wanted, rate_limit=rate_limit, expires_at=expires_at)
        return text

    def hook(self, tenant: Tenant | None = None, provider: Provider = Provider.BITBUCKET) -> tuple[Hook, str]:
        return hooks.create(self.store, self.ids, self.box, (tenant or self.acme).caller, provider)

    def allow_org_id(self, *, rate_limit: int = 60) -> dict[str, str]:
        """Let the bare id of the organization authenticate, and return the header that does it."""
        organization = evolve(self.acme.organization, allow_org_id=True, rate_limit=rate_limit)
        self.store.write(lambda tx: tx.organizations.save(organization))
        return {"X-Pt-Org-Id": str(organization.id)}

    def submitted(self) -> int:
        """Return how many deliveries came as far as the intake."""
        return len(self.intake.taken)


class Api:
    """Sends requests. What comes back must be documented and have the documented shape."""

    def __init__(self, client: TestClient, headers: Mapping[str, str]) -> None:
        self.client = client
        self.headers = dict(headers)

    def __call__(self, method: str, path: str, body: object = None, status: int = 200, **headers: str) -> Response:
        """Send ``body`` (bytes as they are, anything else as JSON) and expect ``status``."""
        content, sent = None, {**self.headers, **{name.replace("_", "-"): text for name, text in headers.items()}}
        if body is not None:
            content = body if isinstance(body, bytes) else orjson.dumps(body)
            sent = {**JSON, **sent}
        answer = self.client.request(method, path, content=content, headers=sent)
        must_be_documented(method, path, answer)
        assert answer.status_code == status, answer.text
        return answer

    def by(self, key: str) -> Api:
        """Return the same with another key."""
        return Api(self.client, bearer(key))


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@contextmanager
def serving(world: World) -> Iterator[TestClient]:
    with TestClient(world.app, raise_server_exceptions=False) as client:
        yield client


def delivery(body: Mapping[str, Any], event: str = STATUS_EVENT, delivery_id: str | None = None) -> dict[str, Any]:
    """Return the arguments of a request as Bitbucket sends it."""
    headers = event_headers(event, delivery_id or str(RandomIds().new()))
    return {"content": orjson.dumps(body), "headers": headers}


def signed(arguments: dict[str, Any], secret: str) -> dict[str, Any]:
    """Return the arguments of a request with the hook's signature over its body."""
    signature = hub_signature(secret.encode(), arguments["content"])
    return {**arguments, "headers": {**arguments["headers"], "X-Hub-Signature": signature}}


def with_headers(arguments: dict[str, Any], headers: Mapping[str, str]) -> dict[str, Any]:
    return {**arguments, "headers": {**arguments["headers"], **headers}}


def post(client: TestClient, path: str, arguments: dict[str, Any], status: int) -> Response:
    """Post a delivery, check its answer against the document and expect ``status``."""
    answer = client.post(path, **arguments)
    must_be_documented("POST", path, answer)
    assert answer.status_code == status, answer.text
    return answer


# --- the document as oracle -------------------------------------------------------------------------------------------


def must_be_documented(method: str, path: str, answer: Response) -> None:
    """Check status, media type and body of an answer against the OpenAPI document."""
    assert re.fullmatch(r"[A-Za-z0-9._~-]{1,128}", answer.headers["x-request-id"])
    operation = _operation(method, path.partition("?")[0])
    if operation is None:
        assert answer.status_code in {404, 405, 500}, f"{method} {path} is not documented"
        return
    described = operation["responses"].get(str(answer.status_code))
    assert described is not None, f"{method} {path} is not documented to answer {answer.status_code}: {answer.text}"
    if "$ref" in described:
        described = document()["components"]["responses"][str(answer.status_code)]
    content = described.get("content")
    if not content:
        assert answer.content == b""
        return
    media_type = answer.headers["content-type"]
    assert media_type in content
    faults = list(_validator(orjson.dumps(content[media_type]["schema"])).iter_errors(answer.json()))
    assert not faults, f"{method} {path} → {answer.text}: {faults}"
    unknown = {"ratelimit", "ratelimit-policy", "lathe-key-expires", "location", "link", "retry-after"}
    undocumented = unknown & set(answer.headers) - {name.lower() for name in described["headers"]}
    assert not undocumented, f"{method} {path} answers {answer.status_code} with undocumented {undocumented}"


def _operation(method: str, path: str) -> dict[str, Any] | None:
    for template, operations in document()["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
            found: dict[str, Any] | None = operations.get(method.lower())
            return found
    return None


@cache
def _validator(schema: bytes) -> Draft202012Validator:
    # Here, and only here, an answer must have nothing beside what is documented.
    components = {
        name: {"additionalProperties": False, **one} for name, one in document()["components"]["schemas"].items()
    }
    root = {**orjson.loads(schema), "components": {"schemas": components}}
    return Draft202012Validator(root, format_checker=FormatChecker())


def masked(answer: Response) -> tuple[int, bytes, dict[str, str]]:
    """Return an answer without what differs between any two: id, instance, and what is left of the limit."""
    text = answer.content
    for name in ("request_id", "instance", "delivery_id"):
        text = re.sub(rb'"%s":"[^"]*"' % name.encode(), b"", text)
    differing = {"x-request-id", "ratelimit", "content-length"}
    headers = {name: value for name, value in answer.headers.items() if name not in differing}
    return answer.status_code, text, headers


def some_id() -> UUID:
    return RandomIds().new()
