"""A batch has the same effect as its deliveries one by one, whatever is in it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from attrs import asdict, evolve
from hypothesis import given
from hypothesis import strategies as st

from lathe.application import keys
from lathe.application.intake import Answer, Incoming, Once, Reading, Received, Refused
from lathe.domain.api_key import Scope
from lathe.domain.build_report import BuildReport, BuildStatus
from lathe.domain.errors import Malformed
from lathe.domain.steps import Reason, ReasonCode
from tests.unit.application.world import NOON, World, report

UUIDS = ("bitbucket:one", "bitbucket:two")
REPOSITORIES = (
    "https://bitbucket.org/acme/pay-api",
    "https://bitbucket.org/acme/ledger",
    "https://bitbucket.org/acme/mobile",
    None,
)


@st.composite
def reports(draw: st.DrawFn) -> BuildReport:
    return report(
        draw(st.integers(1, 3)),
        repository=draw(st.sampled_from(REPOSITORIES)),
        uuid=draw(st.sampled_from((*UUIDS, None))),
        status=draw(st.sampled_from(BuildStatus)),
        branch=draw(st.sampled_from(("main", "release/2.5"))),
        at=NOON + timedelta(minutes=draw(st.integers(-2, 2))),
        commit_sha=draw(st.sampled_from(("a" * 40, "b" * 40, None))),
    )


once = st.one_of(st.none(), st.tuples(st.sampled_from(("k-1", "k-2")), st.sampled_from((b"{}", b"{ }"))))
"""The key and the body of a request that is to be answered once."""

contents = st.one_of(reports(), st.just(Reason(ReasonCode.PING, "a ping")), st.just(Malformed("not JSON")))
deliveries = st.tuples(
    contents, st.sampled_from(("key", "hook", "id", "limited")), st.sampled_from((None, "d-1", "d-2")), once
)
Drawn = tuple[Any, str, str | None, tuple[str, bytes] | None]


class Stage(World):
    """A world in which all that matters for placement happens, with its four credentials."""

    def __init__(self) -> None:
        super().__init__()
        pay = self.project("Pay", "https://bitbucket.org/acme/pay-api")
        self.release(pay, "2.5", "release/2.*")
        self.release(pay, "main", "main")
        self.project("Ledger", "https://bitbucket.org/acme/ledger")
        self.project("Mobile app")
        self.project("Mobile backend")
        self.change(allow_org_id=True)
        _, limited = keys.create(self.store, self.ids, self.ann, "limited", list(Scope), rate_limit=2)
        self.credentials = {
            "key": self.by_key(),
            "hook": self.by_hook(self.hook()[0]),
            "id": self.by_id(),
            "limited": self.by_key(limited),
        }

    def inputs(self, drawn: list[Drawn]) -> list[Incoming]:
        return [self.input(*one) for one in drawn]

    def input(self, content: Any, by: str, delivery_id: str | None, once: tuple[str, bytes] | None) -> Incoming:
        sent = self.incoming(content, by=self.credentials[by], delivery_id=delivery_id)
        if once is None or sent.presented.key_hash is None:
            return sent
        return evolve(sent, body=once[1], once=Once(once[0], written))


def written(received: Received, reading: Reading) -> bytes:
    """Write down an answer; the delivery it names shows whose it is."""
    return f"{received.status.value} {received.delivery_id} {type(reading.content).__name__}".encode()


class Names:
    """Gives ids names by their first appearance, so that two worlds can be compared."""

    def __init__(self) -> None:
        self.known: dict[str, int] = {}

    def of(self, value: object) -> Any:
        text = str(value)
        return self.known.setdefault(text, len(self.known))


def told(answer: Answer, names: Names) -> list[Any]:
    """Return an answer without ids that differ from world to world."""
    if isinstance(answer, Refused):
        return [type(answer.error), answer.admission and answer.admission.decision]
    assert isinstance(answer, Received)
    subject = answer.build.build if answer.build else answer.entry.entry if answer.entry else None
    steps = [(step.rule, step.result, step.detail) for step in answer.placement.steps] if answer.placement else None
    known = [names.of(subject.id), asdict(subject.facts), subject.verified] if subject else None
    kept = (answer.written or b"").decode().split()
    repeats = [names.of(word) if word.count("-") == 4 else word for word in kept]
    return [
        answer.status,
        answer.reason,
        steps,
        known,
        names.of(answer.delivery_id),
        answer.admission.decision,
        repeats,
    ]


def left(world: World) -> list[Any]:
    """Return what is stored in the end, ids aside."""
    builds = [(asdict(b.facts), b.verified, b.identity_id is None) for b in world.builds()]
    entries = [(asdict(e.facts), e.verified, e.reason, e.status) for e in world.entries()]
    here = world.organization.id
    linked = world.read(lambda tx: tx.repositories.of_projects(here, [one.id for one in tx.projects.all(here)]))
    repositories = {(r.url, r.uuid) for pairs in linked.values() for r, _ in pairs}
    return [sorted(map(str, builds)), sorted(map(str, entries)), repositories]


@given(st.lists(deliveries, max_size=9), st.integers(0, 9))
def test_a_batch_is_its_deliveries_one_by_one(drawn: list[Drawn], cut: int) -> None:
    together, apart, names, other_names = Stage(), Stage(), Names(), Names()
    batch = together.inputs(drawn)
    at_once = [told(a, names) for part in (batch[:cut], batch[cut:]) for a in together.send_all(part)]
    one_by_one = [told(a, other_names) for one in apart.inputs(drawn) for a in apart.send_all([one])]
    assert at_once == one_by_one
    assert left(together) == left(apart)


@given(st.lists(reports(), max_size=8))
def test_every_verified_success_is_a_build_or_an_entry(drawn: list[BuildReport]) -> None:
    """Nothing that was acknowledged is lost: a successful report answers with a build or an entry, unless overtaken."""
    stage = Stage()
    for answer, one in zip(stage.send_all([stage.incoming(r) for r in drawn]), drawn, strict=True):
        assert isinstance(answer, Received)
        if one.facts.status is BuildStatus.SUCCESSFUL and not (answer.build or answer.entry):
            assert answer.placement is not None
            assert answer.placement.steps[-1].result == "overtaken"


def test_the_comparison_would_notice_a_difference() -> None:
    stage, other = Stage(), Stage()
    stage.send(report(1))
    other.send(evolve(report(1), facts=evolve(report(1).facts, branch="release/2.5")))
    assert left(stage) != left(other)
