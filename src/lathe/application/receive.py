"""Receiving: deliveries in, outcomes out. A batch is the unit of work; one delivery is a batch of one."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve

from lathe.application.desk import Desk
from lathe.application.intake import Answer, Incoming, Wanted
from lathe.application.ports import Ids, Store, Transaction
from lathe.domain.build_report import BuildReport
from lathe.domain.identity import identity_key, run_key
from lathe.domain.repo_url import RepoUrl
from lathe.domain.text import words


class ItemFailed(Exception):
    """Deciding about one delivery of a batch failed unexpectedly; ``index`` says which. Nothing was stored."""

    def __init__(self, index: int) -> None:
        super().__init__(f"delivery {index} of the batch failed")
        self.index = index


def receive(store: Store, ids: Ids, batch: Sequence[Incoming]) -> list[Answer]:
    """Take the deliveries of ``batch`` in order, in one transaction, and return their answers in the same order.

    Expected outcomes, refusals included, are values. Raises ItemFailed if one of them cannot be decided, and what
    ``Store.write`` raises; nothing is stored then (or, for OutcomeUnknown, nobody knows).
    """
    batch = [_without_userinfo(incoming) for incoming in batch]
    wanted = _connected([_wanted(incoming) for incoming in batch])

    def work(tx: Transaction) -> list[Answer]:
        known = tx.intake.load(wanted)
        desk = Desk(known, ids)
        answers: list[Answer] = []
        for index, incoming in enumerate(batch):
            try:
                answers.append(desk.take(incoming))
            except Exception as error:
                raise ItemFailed(index) from error
        tx.intake.save(desk.changes())
        return answers

    return store.write(work)


def _without_userinfo(incoming: Incoming) -> Incoming:
    """Blank what CI systems put before ``@`` in URLs, wherever in the facts somebody repeats one."""
    report = incoming.reading.content
    if not isinstance(report, BuildReport):
        return incoming
    facts = report.facts.without_userinfo()
    if facts is report.facts:
        return incoming
    return evolve(incoming, reading=evolve(incoming.reading, content=evolve(report, facts=facts)))


def _wanted(incoming: Incoming) -> Wanted:
    """Say what must be known to decide about a delivery."""
    report = incoming.reading.content
    if not isinstance(report, BuildReport):
        return Wanted(incoming.presented, incoming.source, incoming.sent_as, first_answer=incoming.first_answer_name)
    facts = report.facts
    without_repository = identity_key(report, None)
    return Wanted(
        incoming.presented,
        incoming.source,
        incoming.sent_as,
        source=facts.source,
        run_key=run_key(report),
        scope=without_repository.scope if without_repository else None,
        url=facts.repo_url,
        uuid=report.repository_uuid,
        name=words(facts.repo_url.slug) if facts.repo_url else (),
        project_id=report.project_id,
        release_id=report.release_id,
        first_answer=incoming.first_answer_name,
    )


def _connected(batch: list[Wanted]) -> list[Wanted]:
    """Let deliveries that share a URL or a UUID share all of them: one may teach what the next one goes by."""
    own = [_names(one) for one in batch]
    groups: dict[RepoUrl | str, frozenset[RepoUrl | str]] = {}
    for names in set(own):
        merged = names.union(*(groups[name] for name in names if name in groups))
        groups.update(dict.fromkeys(merged, merged))
    also = {names: frozenset[RepoUrl | str]().union(*(groups[name] for name in names)) - names for names in set(own)}
    return [evolve(one, also=also[names]) if also[names] else one for one, names in zip(batch, own, strict=True)]


def _names(one: Wanted) -> frozenset[RepoUrl | str]:
    return frozenset(name for name in (one.url, one.uuid) if name)
