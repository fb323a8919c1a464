"""What each provider sends, read into build reports. A provider is one file and one line here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from lathe.adapters.providers.bitbucket import BitbucketParser
from lathe.adapters.providers.generic import GenericParser
from lathe.adapters.providers.github import GitHubParser
from lathe.adapters.providers.gitlab import GitLabParser
from lathe.application.ports import ReportParser
from lathe.domain.hook import Provider


def parsers(own: ReportParser) -> Mapping[Provider, ReportParser]:
    """Return the parser of each provider whose deliveries are taken; ``own`` is the one of the API's own form."""
    return MappingProxyType(
        {
            Provider.BITBUCKET: BitbucketParser(),
            Provider.GITHUB: GitHubParser(),
            Provider.GITLAB: GitLabParser(),
            Provider.GENERIC: GenericParser(own),
        }
    )
