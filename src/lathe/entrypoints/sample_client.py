"""Talks to the demo's server over HTTP, as Bitbucket, a pipeline's step and a browser do."""

from __future__ import annotations

import json
import time
from http.client import HTTPConnection, HTTPException, HTTPMessage
from http.cookies import SimpleCookie
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import click
from attrs import frozen

from lathe.adapters.clock import SystemClock
from lathe.domain.hook import Provider
from lathe.entrypoints.provider_requests import signature_of
from lathe.entrypoints.sample import Sample, SampleDelivery
from lathe.entrypoints.sample_bodies import event_headers

READY_SECONDS: Final = 30.0
_PATIENCE_SECONDS: Final = 30.0
_REDIRECTS: Final = 5


@frozen
class Answer:
    """What the server said: the status, the JSON object, and in words what became of the build."""

    status: int
    body: dict[str, Any]
    said: str

    @property
    def page(self) -> str | None:
        """The end of the address of the build's or entry's page, None where nothing was stored."""
        for kind, place in (("build", "builds"), ("queue_entry", "queue")):
            if stored := self.body.get(kind):
                return f"/{place}/{stored['id']}"
        return None

    def faults(self, sent: SampleDelivery) -> list[str]:
        """Return how it differs from what must become of the delivery."""
        got = (self.status, self.body.get("status"), _reason(self.body).get("code"))
        wanted = (sent.status, sent.outcome, sent.why)
        return [] if got == wanted else [f"{sent.event} of {sent.repository} was answered {got}, not {wanted}"]


class SampleClient:
    """Sends to the public addresses of the server; no proxy of the environment is in between."""

    def __init__(self, address: str, sample: Sample) -> None:
        self._address = address
        self._sample = sample

    def wait_until_ready(self) -> None:
        """Return when the server answers that it can work. Raises ClickException after 30 seconds."""
        deadline = time.monotonic() + READY_SECONDS
        while not self._is_ready():
            if time.monotonic() > deadline:
                raise click.ClickException(f"the server was not ready within {READY_SECONDS:.0f} seconds")
            time.sleep(0.05)

    def send(self, delivery: SampleDelivery) -> Answer:
        """Send one delivery and return the answer."""
        headers = event_headers(delivery.event, delivery.delivery_id, delivery.attempt)
        path = "/api/webhooks/bitbucket"
        if delivery.signed:
            path += f"/{self._sample.hook_id}"
            now = SystemClock().now()
            secret = self._sample.hook_secret
            headers |= signature_of(Provider.BITBUCKET, secret, delivery.body, delivery.delivery_id, now)
        else:
            headers |= self._bearer()
        status, got, text = self._request("POST", path, headers, delivery.body)
        body = json.loads(text)
        return Answer(status, body, self._in_words(body, got.get("Location")))

    def faults_of_page(self, link: str, answers: list[Answer]) -> list[str]:
        """Open the link as a browser does; return what it lacks to be the Releases page with all that was sent."""
        url, cookies, status, text = link, SimpleCookie(), 0, ""
        for _ in range(_REDIRECTS):
            sent = {"Cookie": "; ".join(f"{name}={morsel.value}" for name, morsel in cookies.items())}
            status, got, text = self._request("GET", urlsplit(url).path, sent if cookies else {})
            for cookie in got.get_all("Set-Cookie", []):
                cookies.load(cookie)
            if not got.get("Location"):
                break
            url = urljoin(url, got["Location"])
        if status != 200 or not urlsplit(url).path.endswith("/releases"):
            return [f"the link led to {urlsplit(url).path}, which answered {status}, not to the Releases page"]
        pages = dict.fromkeys(answer.page for answer in answers if answer.page)
        return [f"the Releases page does not lead to {page}" for page in pages if page not in text]

    def _is_ready(self) -> bool:
        try:
            return self._request("GET", "/readyz", {})[0] == 200
        except (OSError, HTTPException):
            return False

    def _in_words(self, body: dict[str, Any], location: str | None) -> str:
        """Say what became of a build; answers to hooks hold no names: those are looked up with a key that may read."""
        if body.get("status") == "duplicate":
            return "known already: the same delivery once more"
        if location and body.get("status") in ("created", "queued"):
            _, _, text = self._request("GET", urlsplit(location).path, self._bearer())
            body = json.loads(text)
        if release := body.get("release"):
            return f"filed under {body['project']['name']}, release {release['name']}"
        reason = _reason(body)
        return ": ".join(text for text in (reason.get("code"), reason.get("detail") or body.get("detail")) if text)

    def _bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._sample.key}"}

    def _request(
        self, method: str, path: str, headers: dict[str, str], body: bytes | None = None
    ) -> tuple[int, HTTPMessage, str]:
        connection = HTTPConnection(urlsplit(self._address).netloc, timeout=_PATIENCE_SECONDS)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return response.status, response.headers, response.read().decode()
        finally:
            connection.close()


def _reason(body: dict[str, Any]) -> dict[str, Any]:
    entry = body.get("queue_entry") or body
    reason: dict[str, Any] = entry.get("reason") or {}
    return reason
