"""Repository URLs: what must meet meets, what must not never does."""

from __future__ import annotations

import string
from itertools import product

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from lathe.domain.repo_url import LONGEST, RepoUrl, without_userinfo


def key(text: str | None) -> str | None:
    url = RepoUrl.parse(text)
    return url.key if url else None


# --- by example -------------------------------------------------------------------------------------------------------

MEETING = {
    "bitbucket.org/ws/repo": [
        "https://bitbucket.org/ws/repo",
        "https://bitbucket.org/ws/repo.git",
        "https://user@bitbucket.org/ws/repo.git",
        "https://user:token@bitbucket.org/ws/repo.git",
        "https://me@corp.test@bitbucket.org/ws/repo",
        "git@bitbucket.org:ws/repo.git",
        "git@bitbucket.org:/ws/repo.git",
        "bitbucket.org:ws/repo.git",
        "ssh://git@bitbucket.org/ws/repo",
        "ssh://git@altssh.bitbucket.org:443/ws/repo.git",
        "git+ssh://git@bitbucket.org/ws/repo",
        "ssh+git://git@bitbucket.org/ws/repo",
        "git+https://bitbucket.org/ws/repo",
        "git://bitbucket.org/ws/repo",
        "http://bitbucket.org/ws/repo",
        "https://bitbucket.org/ws/repo/",
        "https://bitbucket.org//ws//repo",
        "HTTPS://BITBUCKET.ORG/WS/Repo",
        "https://bitbucket.org/ws/repo/src/main/",
        "https://bitbucket.org/ws/repo/-/odd",
        "https://bitbucket.org/ws/repo.git/src",
        "https://bitbucket.org/ws/repo?at=main",
        "https://bitbucket.org/ws/repo#readme",
        "https://bitbucket.org/ws/re%70o",
        "https://bitbucket.org./ws/repo",
        "https://www.bitbucket.org:/ws/repo",
        "bitbucket.org/ws/repo",
        "user@bitbucket.org/ws/repo",
        "bitbucket.org:443/ws/repo",
        "https://bitbucket.org/ws/repo.git.git",
    ],
    "github.com/acme/pay-api": [
        "https://github.com/acme/pay-api/pull/7",
        "ssh://git@ssh.github.com:443/acme/pay-api.git",
        "https://www.github.com/Acme/Pay-API",
    ],
    "gitlab.com/acme/team/pay": [
        "https://gitlab.com/acme/team/pay",
        "https://gitlab.com/acme/team/pay/-/tree/main/src",
        "git@altssh.gitlab.com:acme/team/pay.git",
        "https://www.gitlab.com/acme/team/pay.git",
    ],
    "git.corp/acme/team/pay": ["https://git.corp/acme/team/pay/-/pipelines/9", "git@git.corp:acme/team/pay.git"],
    "bb.corp/proj/repo": [
        "https://bb.corp/projects/PROJ/repos/repo/browse",
        "https://bb.corp/scm/proj/repo.git",
        "ssh://git@bb.corp:7999/proj/repo.git",
        "https://bb.corp/bitbucket/projects/PROJ/repos/repo/browse/src?at=main",
        "https://bb.corp/bitbucket/scm/PROJ/repo.git",
    ],
    "bb.corp/~ann/repo": [
        "https://bb.corp/users/ann/repos/repo/browse",
        "https://bb.corp/scm/~ann/repo.git",
        "https://bb.corp/scm/%7Eann/repo.git",
        "https://bb.corp/context/users/Ann/repos/repo",
        "ssh://git@bb.corp:7999/~ann/repo.git",
    ],
    "xn--bcher-kva.test/a/b": ["https://bücher.test/a/b", "https://BÜCHER.test/a/b", "https://xn--bcher-kva.test/a/b"],
    "[2001:db8::1]/k/s": ["ssh://git@[2001:db8::1]:7999/k/s.git", "https://[2001:DB8:0::1]/scm/k/s.git"],
    "build_server/repo": ["git@build_server:repo.git", "http://build_server:8080/repo"],
    "git.corp/443/x": ["git@git.corp:443/x"],
    "dev.test/org/my project/_git/app": ["https://dev.test/org/My%20Project/_git/app"],
    "git.corp/a/50%25": ["https://git.corp/a/50%2525"],
}


@pytest.mark.parametrize(("canonical", "text"), [(k, text) for k, texts in MEETING.items() for text in texts])
def test_every_way_to_write_a_repository_has_one_key(canonical: str, text: str) -> None:
    assert key(text) == canonical


def test_repositories_of_the_meeting_table_do_not_meet_each_other() -> None:
    assert len({RepoUrl.parse(texts[0]) for texts in MEETING.values()}) == len(MEETING)


NEVER = [
    ("https://bitbucket.org/ws/repo", "https://bitbucket.org/ws/repo-2"),
    ("https://bitbucket.org/ws/a.b", "https://bitbucket.org/ws/axb"),
    ("https://bitbucket.org/ws/repo", "https://bitbucket.org.evil.test/ws/repo"),
    ("https://bitbucket.org/ws/repo", "https://bitbucket.org@evil.test/ws/repo"),
    ("https://bitbucket.org/ws/repo", "https://bitbucket.org:443@evil.test/ws/repo"),
    ("https://bitbucket.org/ws/repo", "https://evil.test/bitbucket.org/ws/repo"),
    ("https://bitbucket.org/ws/repo", "https://evil.test/https://bitbucket.org/ws/repo"),
    ("https://bitbucket.org/ws/repo", "https://bitbucket.org/other/repo"),
    ("https://gitlab.com/acme/team/pay", "https://gitlab.com/acme/other/pay"),
    ("https://gitlab.com/acme/team/pay", "https://gitlab.com/acme/pay"),
    ("https://gitlab.com/scm/acme/pay", "https://gitlab.com/acme/pay"),
    ("https://gitlab.com/projects/a/repos/b", "https://gitlab.com/a/b"),
    ("ssh://git@git-ssh.corp/acme/pay", "https://git.corp/acme/pay"),
    ("https://git.corp/acme/team/scm/pay", "https://git.corp/acme/pay"),
    ("https://git.corp/scm/acme/team/pay", "https://git.corp/acme/team/pay"),
    ("https://git.corp/a/b/scm/k/s", "https://git.corp/k/s"),
    ("https://git.corp/a/b/projects/k/repos/s", "https://git.corp/k/s"),
    ("https://git.corp/projects/k/repos", "https://git.corp/k/repos"),
    ("https://git.corp/users/ann/repos/s", "https://git.corp/ann/s"),
    ("git@git.corp:443/x/y", "https://git.corp/x/y"),
    ("https://git.corp/ws/kit", "https://git.corp/ws/\u212ait"),
    ("https://git.corp/ws/repo", "https://git.corp/ws/repo%20"),
    ("https://git.corp/a/b", "https://git.corp/a%2Fb"),
]


@pytest.mark.parametrize(("one", "other"), NEVER)
def test_different_repositories_never_meet(one: str, other: str) -> None:
    assert key(one) is not None
    assert key(one) != key(other)


NO_REPOSITORY = [
    None,
    "",
    "/",
    "/srv/git/repo.git",
    "./repo",
    "../repo",
    "~/repo",
    "C:/work/repo",
    "C:\\work\\repo",
    "file:///srv/git/repo",
    "//bitbucket.org/ws/repo",
    "https:/bitbucket.org/ws/repo",
    "https:///ws/repo",
    "https://",
    "https://bitbucket.org",
    "https://bitbucket.org/ws",
    "https://bitbucket.org?x=/ws/repo",
    "https://git.corp/",
    "https://git.corp/-/tree/main",
    "https://git.corp/a/.git",
    "https://git.corp/a/-.git",
    "https://git.corp/a/..git",
    "https://git.corp/a/b%20.git",
    "https://git.corp/a/../b",
    "https://git.corp/a/%2e%2E/b",
    "https://git.corp/a/./b",
    "https://git.corp/a/b%00",
    "https://git.corp/a/b%2Fc",
    "https://git.corp/a/b%5Cc",
    "https://git.corp/a/b%FF",
    "https://git.corp/a/b%E2%80%AEc",
    "https://git.corp/a/b c",
    " https://git.corp/a/b",
    "https://git.corp/a/b\n",
    "https://git.corp/a\u200b/b",
    "https://git.corp/a/\ud800",
    "https://bitbucket.org\\ws\\repo",
    "https://evil.test\\@bitbucket.org/ws/repo",  # a browser would go to evil.test
    "https://git.corp:port/a/b",
    "https://git..corp/a/b",
    "https://git.corp../a/b",
    "https://-git.corp/a/b",
    "https://git-.corp/a/b",
    "https://git%2Ecorp/a/b",
    "https://git,corp/a/b",
    f"https://{'a' * 64}.test/a/b",
    f"https://{'ü' * 64}.test/a/b",
    f"https://{'a.' * 127}test/a/b",
    "https://bitbuc\u212aet.org/ws/repo",
    "https://bitbucket\uff0eorg/ws/repo",
    "https://straße.test/a/b",
    "https://ςü.test/a/b",
    "https://[::1/a/b",
    "https://[fe80::1%eth0]/a/b",
    "https://[bitbucket.org]/ws/repo",
    "javascript://bitbucket.org/ws/repo",
    "ws/repo",
    "repo",
    "my.team/repo",
    "my.team/repo/",
    "user@host/ws/repo",
    "@git.corp:ws/repo",
    "git.corp:443",
    "git.corp:443/",
    "git@git.corp:443",
    "https://git.corp/" + "a" * LONGEST,
    "https://git.corp/" + "ü" * (LONGEST // 2),
]


@pytest.mark.parametrize("text", NO_REPOSITORY)
def test_what_names_no_repository_on_a_host_is_none(text: str | None) -> None:
    assert RepoUrl.parse(text) is None


def test_a_url_of_the_longest_length_is_read_and_one_character_more_is_not() -> None:
    base = "https://git.corp/a/"
    longest = base + "b" * (LONGEST - len(base))
    assert RepoUrl.parse(longest) is not None
    assert RepoUrl.parse(longest + "b") is None


def test_a_canonical_form_of_the_longest_length_is_kept() -> None:
    """Read from a text that is shorter, so that it is the canonical form that meets the bound."""
    base = "https://git.corp/%C3%BC"
    shorter = "git.corp/a/" + "b" * (LONGEST - len("https://git.corp/a/" + "%C3%BC")) + "ü"
    url = RepoUrl.parse(shorter)
    assert url is not None
    assert len(url.https) == LONGEST
    assert RepoUrl.parse(shorter.replace("ü", "bü")) is None
    assert key(base) == "git.corp/ü"


def test_a_host_of_the_longest_length_is_read() -> None:
    host = "a." * 124 + "tests"
    assert len(host) == 253
    assert key(f"https://{host}/a/b") == f"{host}/a/b"
    assert key(f"https://a{host}/a/b") is None


def test_the_parts_of_a_url_speak_for_themselves() -> None:
    url = RepoUrl.parse("git@gitlab.com:Acme/Team%20A/Pay-API.git")
    assert url is not None
    assert (url.host, url.path) == ("gitlab.com", ("acme", "team a", "pay-api"))
    assert url.full_name == "acme/team a/pay-api"
    assert url.slug == "pay-api"
    assert url.key == "gitlab.com/acme/team a/pay-api"
    assert url.https == "https://gitlab.com/acme/team%20a/pay-api"


# --- by property ------------------------------------------------------------------------------------------------------

LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
HOSTS = st.sampled_from(["bitbucket.org", "github.com", "gitlab.com", "bb.corp", "10.0.0.7"]) | st.builds(
    "{}.{}".format, LABEL, LABEL
)
ROUTES = {"projects", "users", "scm"}
OWNERS = st.from_regex(r"~?[a-z0-9_é][a-z0-9_é-]{0,10}", fullmatch=True).filter(lambda owner: owner not in ROUTES)
NAMES = st.from_regex(r"[a-z0-9_é][a-z0-9_.é-]{0,12}", fullmatch=True).filter(lambda name: not name.endswith(".git"))
REPOSITORIES = st.tuples(HOSTS, OWNERS, NAMES)


def shouted(text: str, upper: int) -> str:
    """ASCII letters in upper case where a bit of ``upper`` says so; other letters are different letters."""
    return "".join(c.upper() if upper >> at & 1 and c in string.ascii_lowercase else c for at, c in enumerate(text))


def percent_encoded(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode())


@st.composite
def spellings(draw: st.DrawFn, repository: tuple[str, str, str]) -> str:
    """One of the ways to write the address of a repository, put together from independent choices."""
    host, owner, name = repository
    casing = st.integers(0, 2**30 - 1)
    host = shouted(host, draw(casing)) + draw(st.sampled_from(["", "."]))
    encode = draw(st.sampled_from([percent_encoded, lambda text: shouted(text, draw(casing))]))
    pages = [""]
    if host.lower().rstrip(".") in ("bitbucket.org", "github.com"):
        pages += ["/src/main/", "/pull/7#top"]
    elif host.lower().rstrip(".") == "gitlab.com":
        pages += ["/-/tree/main", "/-/"]
    name = encode(name) + draw(st.sampled_from(["", ".git", ".GIT", ".git.git", *pages]))
    path = encode(owner) + draw(st.sampled_from(["/", "//"])) + name + draw(st.sampled_from(["", "/"]))
    rest = draw(st.sampled_from(["", "?at=x", "#L1", "?a=b/c#d@e"]))
    user = draw(st.sampled_from(["", "git@", "me:t%40ken@", "@", "me@corp.test@"]))
    port = draw(st.sampled_from(["", ":", ":443", ":7999"]))
    scheme = draw(st.sampled_from(["https", "HTTP", "ssh", "git", "git+ssh", "ssh+git", "git+https"]))
    forms = [f"{scheme}://{user}{host}{port}/{path}{rest}", f"{host}/{path}{rest}", f"git@{host}:{path}"]
    if not owner.isdigit():
        forms.append(f"{host}:{path}")
    return draw(st.sampled_from(forms))


@given(st.data(), REPOSITORIES)
def test_independent_spellings_of_one_repository_meet(data: st.DataObject, repository: tuple[str, str, str]) -> None:
    one, other = data.draw(spellings(repository)), data.draw(spellings(repository))
    assert key(one) == key(other) == "/".join(repository)


@given(st.data(), REPOSITORIES, REPOSITORIES)
def test_spellings_of_different_repositories_never_meet(
    data: st.DataObject, repository: tuple[str, str, str], another: tuple[str, str, str]
) -> None:
    assume(repository != another)
    assert key(data.draw(spellings(repository))) != key(data.draw(spellings(another)))


@given(REPOSITORIES, st.integers(0, 2))
def test_a_repository_never_meets_its_neighbour_in_one_part(repository: tuple[str, str, str], part: int) -> None:
    near = list(repository)
    near[part] += "x"
    assert key("https://{}/{}/{}".format(*repository)) != key("https://{}/{}/{}".format(*near))


@pytest.mark.parametrize(("context", "owner"), list(product(["", "ctx/"], ["key", "~ann"])))
def test_data_center_pages_clones_and_ssh_meet_behind_any_context_path(context: str, owner: str) -> None:
    page = f"projects/{owner}" if owner == "key" else f"users/{owner[1:]}"
    texts = [
        f"https://bb.corp/{context}{page}/repos/s",
        f"https://bb.corp/{context}{page}/repos/s/browse",
        f"https://bb.corp/{context}scm/{owner}/s.git",
        f"ssh://git@bb.corp:7999/{owner}/s.git",
    ]
    assert {key(text) for text in texts} == {f"bb.corp/{owner}/s"}


PIECES = st.sampled_from(
    [
        *(
            "https://",
            "ssh://",
            "git@",
            "bitbucket.org",
            "gitlab.com",
            "git.corp",
            "[::1]",
            "xn--",
            "/",
            ":",
            "443",
            "@",
        ),
        *(
            "scm",
            "projects",
            "users",
            "repos",
            "a",
            "b.c",
            ".git",
            "-",
            ".",
            "..",
            "~",
            "%2e",
            "%2f",
            "%25",
            "%20",
            "%c3",
        ),
        *("?", "#", "\\", "\u212a", "ß", "é", "\u200d", "\ud800", "\0", " "),
    ]
)
ANYTHING = st.text() | st.lists(PIECES, max_size=12).map("".join) | st.text(max_size=20).map("https://{}/a/b".format)
ANY_PATH = st.lists(PIECES, max_size=12).map(lambda pieces: "https://git.corp/" + "".join(pieces))


@given(ANYTHING | ANY_PATH)
@example("https://git.corp/a/-.git")
@example("https://git.corp/a/b%20.git")
@example("https://gitlab.com/a/b/-/.git")
def test_the_canonical_form_is_its_own_canonical_form_and_reading_never_raises(text: str) -> None:
    url = RepoUrl.parse(text)
    if url is not None:
        assert RepoUrl.parse(url.https) == url
        assert url.key.split("/", 1) == [url.host, url.full_name]
        assert url.https.isascii()
        assert url.host == url.host.lower()
        url.key.encode()  # can be stored


LETTERS = st.text(string.ascii_lowercase + ".-_@:%éк\u212a\u3002", min_size=1, max_size=6)


@given(LETTERS, st.sampled_from(["bitbucket.org", "github.com"]), st.booleans())
def test_a_host_that_imitates_another_never_meets_it(letters: str, host: str, in_front: bool) -> None:
    imitation = letters + host if in_front else host + letters
    # A user, a port or the dot of the root do belong to the real host.
    assume(
        letters not in (".", "www.") and not letters.endswith(("@", "@www.")) and not letters.startswith((":", ".:"))
    )
    assert key(f"https://{imitation}/ws/repo") != f"{host}/ws/repo"


# --- userinfo ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "blanked"),
    [
        ("https://user:tok@host/x", "https://host/x"),
        ("https://tok@host:8443/x@y", "https://host:8443/x@y"),
        ("https://a@b:c@host/x", "https://host/x"),
        ("see ssh://git@host/x and http://u:p@host", "see ssh://host/x and http://host"),
        ('{"url":"https:\\/\\/u:p@host\\/x"}', '{"url":"https:\\/\\/host\\/x"}'),
        ('{"url":"https://host","mail":"a@b.c"}', '{"url":"https://host","mail":"a@b.c"}'),
        ("https://host/?mail=a@b.c", "https://host/?mail=a@b.c"),
        ("https://host?mail=a@b.c", "https://host?mail=a@b.c"),
        ("https://host#a@b.c", "https://host#a@b.c"),
        ("<https://host>a@b.c", "<https://host>a@b.c"),
        ("git@host:x", "git@host:x"),
        ("nothing to see", "nothing to see"),
    ],
)
def test_userinfo_is_blanked_in_every_url_of_a_text_and_nothing_else_is(text: str, blanked: str) -> None:
    assert without_userinfo(text) == blanked


SECRETS = st.text(string.ascii_letters + string.digits + "-._~!$&'()*+,;=:%@", min_size=1).map("SECRET{}".format)


@given(SECRETS, st.text(), st.sampled_from(["", " ", '"', "/"]))
def test_no_secret_survives_and_the_repository_stays_the_same(secret: str, before: str, after: str) -> None:
    url = f"https://{secret}@git.corp/a/b"
    assert "SECRET" not in without_userinfo(before.replace("SECRET", "") + url + after)
    assert key(without_userinfo(url)) == key(url) == "git.corp/a/b"


@given(st.lists(st.sampled_from([":", "/", "@", "a", "\\", "?", " "])).map("".join))
def test_blanking_twice_changes_nothing_more(text: str) -> None:
    assert without_userinfo(without_userinfo(text)) == without_userinfo(text)
