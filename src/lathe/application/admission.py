"""Who may come in, and how often: credentials checked and limits spent inside the writing transaction."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from attrs import define, field

from lathe.application.intake import Admission, Changes, Known, Presented, Refused, Usage
from lathe.application.ports import Store, Transaction
from lathe.domain.api_key import ApiKey, Scope, key_hash, well_formed
from lathe.domain.delivery import CredentialKind
from lathe.domain.errors import Forbidden, RateLimited, Unauthenticated
from lathe.domain.hook import HOOK_RATE_LIMIT
from lathe.domain.rate_limit import Decision, Window, admit

CREATE_ONLY = frozenset({Scope.BUILDS_CREATE})
_MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def microseconds(now: datetime) -> int:
    """Return the instant as rate windows count it: whole microseconds since the epoch."""
    return (now - _EPOCH) // _MICROSECOND


def admit_key(store: Store, text: str, scope: Scope) -> Admission:
    """Let one request with an API key in, and spend its limit.

    Raises Unauthenticated (one answer for malformed, unknown, revoked and expired), Forbidden without ``scope``, and
    Refusal where the limit is used up.
    """
    if not well_formed(text):
        raise unknown_credential()
    hashed = key_hash(text)

    def work(tx: Transaction) -> Admission | Refused:
        found = tx.keys.admit(hashed)
        if found is None:
            return Refused(unknown_credential())
        key, window = found
        now = tx.now()
        spent = judge_key(key, window, now, scope)
        if isinstance(spent, Refused):
            return spent
        admission, after = spent
        tx.keys.spend(key, after, now)
        return admission

    answer = store.write(work)
    if isinstance(answer, Refused):
        raise Refusal(answer)
    return answer


class Refusal(Exception):
    """A refused request on its way to an answer that says what is left of the limit."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.error.detail)
        self.refused = refused


def unknown_credential() -> Unauthenticated:
    """Return the one answer for every credential that does not hold."""
    return Unauthenticated("The credential is not valid")


def judge_key(key: ApiKey, window: Window, now: datetime, scope: Scope) -> tuple[Admission, Window] | Refused:
    """Decide about one request with a key: the admission with the window after it, or the refusal."""
    if not key.usable(now):
        return Refused(unknown_credential())
    admission = partial(
        Admission, CredentialKind.KEY, key.id, key.organization_id, key.scopes, key.name, expires_at=key.expires_at
    )
    if scope not in key.scopes:
        return Refused(Forbidden(f"This key lacks the scope {scope.value}", scope=scope.value), admission())
    return _spend(admission, window, now, key.rate_limit)


def _spend(
    admission: Callable[..., Admission], window: Window, now: datetime, limit: int | None
) -> tuple[Admission, Window] | Refused:
    if limit is None:
        return admission(), window
    decision = admit(window, microseconds(now), limit)
    if not decision.admitted:
        return Refused(_too_many(decision), admission(decision=decision))
    return admission(decision=decision), decision.window


def _too_many(decision: Decision) -> RateLimited:
    wait = max(decision.reset_seconds, 1)
    return RateLimited(
        f"At most {decision.limit} requests in any 60 seconds; one more is free in {wait} s", retry_after=wait
    )


@define
class Gate:
    """Admits the deliveries of a batch one after another, each seeing what the ones before it spent."""

    known: Known
    _windows: dict[UUID, Window] = field(init=False, factory=dict)
    _admitted: dict[UUID, tuple[Admission, int]] = field(init=False, factory=dict)

    def admit(self, presented: Presented, source: str) -> Admission | Refused:
        """Decide about one delivery that came to the address of ``source``."""
        judged = self._judge(presented, source)
        if isinstance(judged, Refused):
            return judged
        admission, window = judged
        self._windows[admission.credential_id] = window
        _, count = self._admitted.get(admission.credential_id, (admission, 0))
        self._admitted[admission.credential_id] = (admission, count + 1)
        return admission

    def _judge(self, presented: Presented, source: str) -> tuple[Admission, Window] | Refused:
        if presented.kind is CredentialKind.KEY:
            return self._judge_key(presented.key_hash)
        if presented.kind is CredentialKind.HOOK:
            return self._judge_hook(presented.hook_id, source)
        return self._judge_organization(presented.organization_id)

    def _judge_key(self, hashed: bytes | None) -> tuple[Admission, Window] | Refused:
        found = self.known.keys.get(hashed or b"")
        if found is None:
            return Refused(unknown_credential())
        key, window = found
        return judge_key(key, self._windows.get(key.id, window), self.known.now, Scope.BUILDS_CREATE)

    def _judge_hook(self, hook_id: UUID | None, source: str) -> tuple[Admission, Window] | Refused:
        found = self.known.hooks.get(hook_id) if hook_id else None
        if found is None or not found[0].live() or found[0].provider.value != source:
            return Refused(unknown_credential())
        hook, window = found
        name = f"{hook.provider.value} hook"
        admission = partial(Admission, CredentialKind.HOOK, hook.id, hook.organization_id, CREATE_ONLY, name)
        return _spend(admission, self._windows.get(hook.id, window), self.known.now, HOOK_RATE_LIMIT)

    def _judge_organization(self, organization_id: UUID | None) -> tuple[Admission, Window] | Refused:
        found = self.known.organizations.get(organization_id) if organization_id else None
        if found is None or not found[0].allow_org_id:
            return Refused(unknown_credential())
        organization, window = found
        admission = partial(
            Admission, CredentialKind.ORGANIZATION, organization.id, organization.id, CREATE_ONLY, "organization id"
        )
        window = self._windows.get(organization.id, window)
        return _spend(admission, window, self.known.now, organization.rate_limit)

    def write_into(self, changes: Changes) -> None:
        """Add what was spent to what the batch writes."""
        lists = {
            CredentialKind.KEY: changes.keys,
            CredentialKind.HOOK: changes.hooks,
            CredentialKind.ORGANIZATION: changes.organizations,
        }
        for credential_id, (admission, count) in self._admitted.items():
            usage = Usage(admission.organization_id, credential_id, self._windows[credential_id], count)
            lists[admission.kind].append(usage)
