"""Where a repository lives: one canonical form for the many ways in which its address is written."""

from __future__ import annotations

import re
from functools import cached_property, lru_cache
from ipaddress import IPv6Address
from string import ascii_lowercase, ascii_uppercase
from urllib.parse import quote, unquote

from attrs import frozen

LONGEST = 2048
"""Characters that a repository URL may have, as it is sent and in its canonical form."""

SCHEMES = frozenset({"http", "https", "ssh", "git", "git+ssh", "ssh+git", "git+https"})

HOST_ALIASES = {
    "altssh.bitbucket.org": "bitbucket.org",
    "www.bitbucket.org": "bitbucket.org",
    "ssh.github.com": "github.com",
    "www.github.com": "github.com",
    "altssh.gitlab.com": "gitlab.com",
    "www.gitlab.com": "gitlab.com",
}
"""Second names of the same service: ssh behind port 443, and the address that people paste."""

OWNER_AND_NAME_ONLY = frozenset({"bitbucket.org", "github.com"})
"""Hosts whose repositories have exactly one owner; what follows in the path is a page of the repository."""

_WITH_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/]*)(.*)")
_HOST_AND_PORT = re.compile(r"(\[[^\]]*\]|[^:]*)(?::[0-9]*)?")
_WITHOUT_SCHEME = re.compile(r"(?:(?P<user>[^@/]+)@)?(?P<host>[^@:/]+)(?P<mark>[:/])(?P<path>.*)")
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_USERINFO = re.compile(r"(:(?:\\?/){2})[^\s/?#\"<>\\]*@")

# str.lower() would turn the Kelvin sign into k, and so one repository into another.
_ASCII_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)

# IDNA 2003 and 2008 send these to different hosts; which one was meant would be a guess.
_DISPUTED_IN_HOSTS = frozenset("ßẞς")


@frozen
class RepoUrl:
    """The address of a repository without what does not tell it from others: scheme, user, port, case, ``.git``.

    Two of them are equal exactly if the URL rule takes them for the same repository. Made by `parse` only.
    """

    host: str
    """Lower case, ASCII (IDNA), without port."""

    path: tuple[str, ...]
    """Percent-decoded segments with ASCII letters in lower case: owners first, the repository last; at least one."""

    @classmethod
    def parse(cls, text: str | None) -> RepoUrl | None:
        """Read any form that git or a browser uses, pasted pages of a repository included.

        None means that the text names no repository on a host: empty, a local path, a bad host, a path with ``..``,
        blanks or invisible characters in it, or longer than `LONGEST`. Never raises.
        """
        return None if text is None or len(text) > LONGEST else _parsed(text)

    @cached_property
    def key(self) -> str:
        """``host/owner/name``: one text per repository, equal exactly if the repository is the same."""
        return f"{self.host}/{self.full_name}"

    @cached_property
    def https(self) -> str:
        """The canonical https form, percent-encoded: the only one that is ever rendered as a link."""
        return f"https://{self.host}/" + "/".join(quote(segment, safe="") for segment in self.path)

    @property
    def slug(self) -> str:
        """The repository's own name, the last segment."""
        return self.path[-1]

    @cached_property
    def full_name(self) -> str:
        """Owners and name, such as ``acme/pay-api``."""
        return "/".join(self.path)


@lru_cache(maxsize=2048)  # the same few repositories report over and over
def _parsed(text: str) -> RepoUrl | None:
    if not text.isprintable() or " " in text or "\\" in text:
        return None
    parts = _host_and_path(re.split(r"[?#]", text, maxsplit=1)[0])
    host = _canonical_host(parts[0]) if parts else None
    segments = _segments(parts[1]) if parts else None
    if host is None or segments is None:
        return None
    path = _repository_path(host, segments)
    if path is None:
        return None
    url = RepoUrl(host, path)
    # Percent-encoding makes it longer; a canonical form that cannot be read back would be none.
    return url if len(url.https) <= LONGEST else None


def without_userinfo(text: str) -> str:
    """Blank what stands before ``@`` in the authority of every ``scheme://`` URL inside a text.

    ``https://user:token@host/x`` becomes ``https://host/x``, also where JSON writes its slashes as ``\\/``. The user of
    ``git@host:path`` is no secret and stays.
    """
    return _USERINFO.sub(r"\1", text) if "@" in text else text


def _host_and_path(text: str) -> tuple[str, str] | None:
    """Take a URL apart; user and port are gone after this, nothing is decoded yet."""
    if match := _WITH_SCHEME.fullmatch(text):
        scheme, authority, path = match.groups()
        host_and_port = _HOST_AND_PORT.fullmatch(authority.rpartition("@")[2])
        if scheme.translate(_ASCII_LOWER) not in SCHEMES or host_and_port is None:
            return None
        return host_and_port[1], path
    if match := _WITHOUT_SCHEME.fullmatch(text):
        return _host_and_path_without_scheme(**match.groupdict())
    return None


def _host_and_path_without_scheme(user: str | None, host: str, mark: str, path: str) -> tuple[str, str] | None:
    """``git@host:owner/name``, ``host.tld:owner/name`` and ``host.tld/owner/name``; local paths look much the same."""
    first, _, rest = path.partition("/")
    # git would read host:443/a/b as a path that begins with 443; a person who leaves the user out means a port.
    if mark == ":" and first.isascii() and first.isdigit() and (user is None or not rest):
        mark, path = "/", rest
    # Only a user and a colon together make a name without a dot a host: "C:/work" and "owner/name" are none.
    if "." not in host and (user is None or mark == "/"):
        return None
    # "a.b/c" is an owner with a dot in its name as likely as a host.
    if mark == "/" and "/" not in path.strip("/"):
        return None
    return host, path


def _canonical_host(text: str) -> str | None:
    if text.startswith("["):
        return _canonical_ipv6(text)
    labels = [_canonical_label(label) for label in text.removesuffix(".").split(".")]
    host = ".".join(label for label in labels if label)
    if not all(labels) or len(host) > 253:
        return None
    return HOST_ALIASES.get(host, host)


def _canonical_ipv6(text: str) -> str | None:
    try:
        address = IPv6Address(text[1:-1])
    except ValueError:
        return None
    # A zone ("%eth0") means something on one machine only.
    return None if address.scope_id else f"[{address.compressed}]"


def _canonical_label(label: str) -> str | None:
    if label.isascii():
        ascii_label = label.translate(_ASCII_LOWER)
    else:
        try:
            ascii_label = label.encode("idna").decode("ascii")
        except UnicodeError:
            return None
        # Without the mark, look-alikes were folded into plain letters: somebody imitates another host.
        if not ascii_label.startswith("xn--") or _DISPUTED_IN_HOSTS & set(label):
            return None
    return ascii_label if _LABEL.fullmatch(ascii_label) else None


def _segments(path: str) -> list[str] | None:
    """Decoded only after splitting, or an encoded slash would become a level of its own."""
    segments = []
    for raw in filter(None, path.split("/")):
        try:
            # Also in the scp form, where git itself does not decode: services that allow blanks print %20 there too.
            segment = unquote(raw, errors="strict").translate(_ASCII_LOWER)
        except UnicodeDecodeError:
            return None
        if not _is_name(segment):
            return None
        segments.append(segment)
    return segments


def _is_name(segment: str) -> bool:
    return (
        segment.strip() == segment
        and segment not in ("", ".", "..")
        and segment.isprintable()
        and "/" not in segment
        and "\\" not in segment
    )


def _repository_path(host: str, segments: list[str]) -> tuple[str, ...] | None:
    """What of a path names the repository; the rest leads to one of its pages."""
    if host in OWNER_AND_NAME_ONLY:
        segments = segments[:2] if len(segments) >= 2 else []
    else:
        if "-" in segments:  # GitLab: group/subgroup/name/-/tree/main
            segments = segments[: segments.index("-")]
        if host != "gitlab.com":
            segments = _without_data_center_routes(segments)
    if not segments:
        return None
    name = segments[-1]
    while name.endswith(".git"):  # repeatedly, so that the canonical form of a canonical form is itself
        name = name[: -len(".git")]
    if not _is_name(name) or name == "-":
        return None
    return (*segments[:-1], name)


def _without_data_center_routes(segments: list[str]) -> list[str]:
    """Turn Bitbucket Data Center's browser and http clone paths into the ``key/name`` of its ssh URLs.

    Which server answers at an unknown host cannot be told, and where groups nest, ``scm`` or ``projects`` may be an
    owner's name. So a route counts only where Data Center puts it: at the start or behind a context path of one segment
    (an ssh URL carries no context path, hence it is dropped), and ``scm`` only with exactly two segments after it, so
    that a group called ``scm`` with deeper or shallower repositories is left alone.
    """
    for start in (0, 1):
        match segments[start:]:
            case ["projects", key, "repos", name, *_]:
                return [key, name]
            case ["users", user, "repos", name, *_]:
                return [f"~{user}", name]
            case ["scm", key, name]:
                return [key, name]
    return segments
