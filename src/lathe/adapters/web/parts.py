"""The running parts that request handlers work with, wired in one place and handed over once."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from attrs import field, frozen

from lathe.application.ports import ChangeFeed, Ids, Intake, PasswordHasher, ReportParser, SecretBox, Store
from lathe.domain.delivery import API
from lathe.domain.hook import Provider


@frozen
class Parts:
    """Everything a handler may use.

    ``base_url`` is this server's public address without a trailing slash, None where it was not configured (pages then
    show the address they were asked at). ``unready`` returns why the server cannot work (database away, migrations
    missing), None if it can. ``trusted_proxies`` are networks whose forwarding headers are believed.
    ``own_parser`` reads bodies of our own form.
    """

    store: Store
    intake: Intake
    feed: ChangeFeed
    ids: Ids
    box: SecretBox
    hasher: PasswordHasher
    parsers: Mapping[Provider, ReportParser]
    unready: Callable[[], str | None]
    base_url: str | None = None
    trusted_proxies: tuple[str, ...] = field(default=())
    own_parser: ReportParser | None = None

    @property
    def readers(self) -> Mapping[str, ReportParser]:
        """What reads stored deliveries again, by their source."""
        providers = {provider.value: parser for provider, parser in self.parsers.items()}
        return providers | {API: self.own_parser} if self.own_parser else providers

    @property
    def https(self) -> bool:
        """Whether people reach this server over https."""
        return bool(self.base_url and self.base_url.startswith("https://"))
