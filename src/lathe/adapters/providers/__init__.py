"""What each provider sends, read into build reports. A provider is one file and one line here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from lathe.adapters.providers.bitbucket import BitbucketParser
from lathe.application.ports import ReportParser
from lathe.domain.hook import Provider

PARSERS: Final[Mapping[Provider, ReportParser]] = MappingProxyType(
    {
        Provider.BITBUCKET: BitbucketParser(),
    }
)
"""The parser of each provider whose deliveries are taken."""
