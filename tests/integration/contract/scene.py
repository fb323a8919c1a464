"""What the rows find at a running server, and what they do there: two organizations, credentials, products, builds."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

from attrs import define, field, frozen
from httpx2 import Client, Limits, Response

from lathe.domain.api_key import key_text
from lathe.domain.hook import hub_signature
from lathe.entrypoints.sample_bodies import commit_status, event_headers
from tests.integration.contract.oracle import Oracle
from tests.integration.contract.places import Place
from tests.integration.contract.table import Ask

if TYPE_CHECKING:
    from lathe.entrypoints.sample_bodies import JsonObject

SCOPES: Final = ("builds:read", "builds:create", "queue:manage", "projects:manage", "hooks:manage")
STATUS: Final = "repo:commit_status_updated"
CREATED: Final = "repo:commit_status_created"
SPAN: Final = "pipeline:span_created"
UNKNOWN_KEY: Final = key_text(bytes(range(32)))
"""A key with a good checksum that was never stored."""

PLENTY: Final = 100_000
_JSON: Final = {"Content-Type": "application/json"}


def bearer(key: str) -> dict[str, str]:
    """Return the header that shows an API key."""
    return {"Authorization": f"Bearer {key}"}


@frozen
class Product:
    """A project with one repository and one active release that takes every branch."""

    project: str
    name: str
    repository: str
    release: str
    release_name: str

    @property
    def url(self) -> str:
        """The address of the repository."""
        return f"https://bitbucket.org/{self.repository}"


@frozen
class HookMade:
    """A hook with its secret."""

    id: str
    secret: str


@define
class Scene:
    """A place with something in it. Rows do not depend on each other: what a row changes, it makes first."""

    place: Place
    client: Client
    oracle: Oracle
    acme: str = ""
    """The organization that everything is asked for; its bare id may authenticate."""
    rival: str = ""
    """Another one; its bare id may not authenticate."""
    _keys: dict[tuple[object, ...], str] = field(factory=dict)
    _hook: HookMade | None = None
    _policies: dict[str, str] = field(factory=dict)
    _numbers: Iterator[int] = field(factory=lambda: count(1000))

    @classmethod
    @contextmanager
    def at(cls, place: Place) -> Iterator[Scene]:
        """Set the scene. A connection for each request, so that every worker gets some of them."""
        limits = Limits(max_keepalive_connections=0)
        with Client(base_url=place.address, timeout=60, limits=limits) as client:
            scene = cls(place, client, Oracle(client.get("/api/v1/openapi.json").json()))
            scene.acme = place.command("org", "create", "Acme", "--allow-org-id")["id"]
            scene.rival = place.command("org", "create", "Rival")["id"]
            scene.products()
            yield scene

    # --- credentials, made by commands --------------------------------------------------------------------------------

    def key(
        self, *scopes: str, org: str = "acme", limit: int | str = PLENTY, name: str = "CI", expires: str = ""
    ) -> str:
        """Return a key with these scopes (all unless some are named), the same one for the same wishes."""
        wishes = (scopes, org, limit, name, expires)
        if wishes not in self._keys:
            asked = [part for scope in scopes or SCOPES for part in ("--scope", scope)]
            asked += ["--expires", expires] if expires else []
            made = self.place.command("key", "create", name, "--org", org, "--rate-limit", str(limit), *asked)
            self._keys[wishes] = made["key"]
            if limit != "unlimited":
                self._policies[made["key"]] = f'"key";q={limit};w=60'
        return self._keys[wishes]

    def fresh_key(self, *scopes: str, limit: int | str = 60, expires: str = "") -> str:
        """Return a key that nothing was asked with yet."""
        return self.key(*scopes, limit=limit, expires=expires, name=f"fresh {uuid4()}")

    def used_up_key(self) -> str:
        """Return a key with all scopes whose limit stays used up for the next half minute at least."""
        key = self.key(limit=1, name=f"used up {time.monotonic() // 30}")
        self.client.get("/api/v1/builds", headers=bearer(key))
        return key

    def revoked_key(self) -> str:
        """Return a key that was revoked."""
        made = self.place.command("key", "create", "Gone", "--org", "acme", "--scope", "builds:read")
        self.place.command("key", "revoke", made["id"])
        return str(made["key"])

    def expired_key(self) -> str:
        """Return a key that was good and is so no more."""
        end = datetime.now(UTC) + timedelta(seconds=1)
        asked = ("--scope", "builds:read", "--expires", end.isoformat())
        made = self.place.command("key", "create", "Old", "--org", "acme", *asked)
        time.sleep(max(0.0, (end - datetime.now(UTC)).total_seconds()) + 0.01)
        return str(made["key"])

    def hook(self, org: str = "acme", provider: str = "bitbucket") -> HookMade:
        """Return a new hook for a provider."""
        made = self.place.command("hook", "create", provider, "--org", org)
        return HookMade(made["id"], made["secret"])

    def shared_hook(self) -> HookMade:
        """Return one and the same hook."""
        if self._hook is None:
            self._hook = self.hook()
        return self._hook

    def organization(self, organization_id: str = "") -> dict[str, str]:
        """Return the header that shows a bare organization id."""
        return {"X-Pt-Org-Id": organization_id or self.acme}

    # --- what is there ------------------------------------------------------------------------------------------------

    def products(self) -> None:
        """Make the projects by which sample repositories match in every way."""
        api = self.made
        api("POST", "/api/v1/projects", {"name": "Idle", "repositories": ["https://bitbucket.org/acme/idle"]})
        for name in ("Shop Web", "Shop-web 2", "Reports"):
            project = api("POST", "/api/v1/projects", {"name": name})
            api("POST", f"/api/v1/projects/{project['id']}/releases", {"name": "1", "state": "active"})
        project = api(
            "POST", "/api/v1/projects", {"name": "Pay API", "repositories": ["git@bitbucket.org:acme/pay-api.git"]}
        )
        api("POST", f"/api/v1/projects/{project['id']}/releases", {"name": "2.5", "state": "active"})

    def product(self, *, org: str = "acme") -> Product:
        """Make a project that nothing else knows of."""
        word = uuid4().hex
        repository, by = f"{org}/{word}", bearer(self.key(org=org))
        url = f"https://bitbucket.org/{repository}"
        project = self.made("POST", "/api/v1/projects", {"name": f"P {word}", "repositories": [url]}, by)["id"]
        release = self.release(project, "3.1", by=by)
        return Product(project, f"P {word}", repository, release, "3.1")

    def release(self, project: str, name: str, state: str = "active", *, by: Mapping[str, str] | None = None) -> str:
        """Make a release of a project."""
        made = self.made("POST", f"/api/v1/projects/{project}/releases", {"name": name, "state": state}, by)
        return str(made["id"])

    def build(self, product: Product, *, org: str = "acme", **facts: object) -> str:
        """File a build of a product, and return its id."""
        body = self.facts(repo_url=product.url, **facts)
        return str(self.made("POST", "/api/v1/builds", body, bearer(self.key(org=org)))["build"]["id"])

    def waiting(self, *, org: str = "acme", **facts: object) -> str:
        """Report a build of a repository that nobody knows, and return its queue entry's id."""
        body = self.facts(**{"repo_url": f"https://bitbucket.org/{org}/{uuid4().hex}", **facts})
        return str(self.made("POST", "/api/v1/builds", body, bearer(self.key(org=org)))["queue_entry"]["id"])

    def delivery(self, *, org: str = "acme") -> str:
        """Report a build that is ignored, and return the delivery's id."""
        body = self.facts(status="failed", repo_url=f"https://bitbucket.org/{org}/{uuid4().hex}")
        return str(self.made("POST", "/api/v1/builds", body, bearer(self.key(org=org)))["delivery_id"])

    def facts(self, **facts: object) -> dict[str, object]:
        """Return the body of a build that was not reported yet."""
        return {"name": "Build", "build_number": self.number(), **facts}

    def number(self) -> int:
        """Return a build number that no build has."""
        return next(self._numbers)

    # --- asking -------------------------------------------------------------------------------------------------------

    def ask(self, method: str, path: str, ask: Ask) -> Response:
        """Send a request and judge its answer by what holds for all."""
        by = bearer(self.key()) if ask.by is None else ask.by
        request_id = f"row-{uuid4()}"
        headers = {"X-Request-Id": request_id, **by, **ask.headers}
        if ask.body is not None:
            headers = {**_JSON, **headers}
        address = path.format(**ask.ids) + (f"?{ask.query}" if ask.query else "")
        answer = self.client.request(method, address, content=_content(ask.body), headers=headers)
        self.oracle.judge(answer, _expected_id(headers["X-Request-Id"], answer))
        self._must_show_the_limit(answer, by.get("Authorization", "").removeprefix("Bearer "))
        self._must_lead_somewhere(answer)
        return answer

    def made(self, method: str, path: str, body: object = None, by: Mapping[str, str] | None = None) -> Any:
        """Do something that must succeed, on the way to what a row is about; return what is answered."""
        answer = self.ask(method, path, Ask(body=body, by=by))
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def read(self, path: str) -> Any:
        """Return what a reader finds at an address."""
        return self.made("GET", path)

    def _must_show_the_limit(self, answer: Response, key: str) -> None:
        # What is refused before the credential is looked at in the store, or for it, cannot tell its limit.
        if answer.status_code in {401, 403, 404, 405, 408, 413, 415, 503}:
            return
        assert answer.headers.get("ratelimit-policy") == self._policies.get(key, answer.headers.get("ratelimit-policy"))
        assert ("ratelimit" in answer.headers) == ("ratelimit-policy" in answer.headers)

    def _must_lead_somewhere(self, answer: Response) -> None:
        """A Location names something that is there; where nothing reads it (a hook, a link), it can be deleted."""
        location = answer.headers.get("location")
        if location is None:
            return
        key = answer.request.headers.get("authorization")
        theirs = self.rival_key_text()
        reader = bearer(theirs if key == f"Bearer {theirs}" else self.key())
        there = self.client.get(location, headers=reader)
        assert there.status_code == 200 or "DELETE" in there.headers.get("allow", ""), there.text
        if there.status_code == 200:
            said = answer.json()
            assert there.json()["id"] == said.get("build", said.get("queue_entry", said))["id"]

    def rival_key_text(self) -> str:
        """Return the other organization's key with all scopes."""
        return self.key(org="rival")


def sent_by_bitbucket(
    body: JsonObject | bytes, *, event: str = STATUS, delivery_id: str = "", by: Mapping[str, str] | None = None
) -> Ask:
    """Return a delivery to the provider's address, with the headers that Bitbucket sends."""
    headers = event_headers(event, delivery_id or str(uuid4()))
    return Ask(ids={"provider": "bitbucket"}, by=by, body=_bytes(body), headers=headers)


def signed(
    hook: HookMade,
    body: JsonObject | bytes,
    *,
    event: str = STATUS,
    secret: str = "",
    by: Mapping[str, str] | None = None,
) -> Ask:
    """Return a delivery to a hook's address, signed with its secret (or another one)."""
    content = _bytes(body)
    headers = {
        **event_headers(event, str(uuid4())),
        "X-Hub-Signature": hub_signature((secret or hook.secret).encode(), content),
    }
    return Ask(ids={"provider": "bitbucket", "hook_id": hook.id}, by=by or {}, body=content, headers=headers)


def pay_api(scene: Scene, **more: Any) -> JsonObject:
    """Return Bitbucket's body for a new build of the project Pay API."""
    return commit_status(number=scene.number(), **more)


def nobody() -> str:
    """Return an id that nothing has."""
    return str(UUID(int=uuid4().int))


def _expected_id(sent: str, answer: Response) -> str:
    """Return the id that an answer must have; one that is not valid is replaced by any other."""
    if re.fullmatch("[A-Za-z0-9._~-]{1,128}", sent):
        return sent
    assert answer.headers["x-request-id"] != sent
    return answer.headers["x-request-id"]


def _bytes(body: JsonObject | bytes) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def _content(body: object) -> Any:
    """Return a body as it is sent: bytes and iterables of bytes as they are, anything else as JSON."""
    if body is None or isinstance(body, bytes):
        return body
    return body if hasattr(body, "__next__") else json.dumps(body).encode()
