"""Bodies and queries that are not taken, and the field or rule that each is refused for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from attrs import evolve

from lathe.entrypoints.sample_bodies import pipeline_span
from tests.integration.contract.rows_credentials import TAKING, sent_to
from tests.integration.contract.scene import SPAN, bearer, nobody, pay_api, sent_by_bitbucket
from tests.integration.contract.table import Ask, Table

if TYPE_CHECKING:
    from tests.integration.contract.scene import Scene

TABLE: Final = Table()
REPORT: Final = "POST /api/v1/builds"
PROJECTS: Final = "POST /api/v1/projects"
WEBHOOK: Final = "POST /api/webhooks/{provider}"
SIGNED: Final = "POST /api/webhooks/{provider}/{hook_id}"
MEBIBYTE: Final = 1024 * 1024
row = TABLE.row


def _to(call: str, body: bytes) -> Callable[[Scene], Ask]:
    return lambda scene: sent_to(scene, call, body, {} if call == SIGNED else bearer(scene.key()))


# --- 400: our own API reads strictly ----------------------------------------------------------------------------------

MALFORMED: Final = {
    "half an object": b'{"name": "x"',
    "nothing at all": b"",
    "single quotes": b"{'name': 'x'}",
    "more after the end": b'{"name": "x"} {}',
    "bytes that are no UTF-8": b'{"name": "\xff"}',
    "UTF-16": '{"name": "x"}'.encode("utf-16"),
    "a key twice": b'{"name": "x", "name": "y"}',
    "a key twice further down": b'{"name": "x", "more": [{"a": 1, "a": 2}]}',
    "NaN": b'{"name": "x", "build_number": NaN}',
    "Infinity": b'{"name": "x", "build_number": -Infinity}',
    "33 levels": b'{"name": ' + b"[" * 32 + b"]" * 32 + b"}",
    "100,000 levels": b"[" * 100_000,
    "2 to the 63rd": b'{"name": "x", "build_number": 9223372036854775808}',
    "less than 64 bits hold": b'{"name": "x", "build_number": -9223372036854775809}',
    "5,000 digits": b'{"name": "x", "build_number": ' + b"9" * 5000 + b"}",
    "a float beyond all bounds": b'{"name": "x", "build_number": 1e999}',
    "NUL": b'{"name": "a\\u0000b"}',
    "half a character pair": b'{"name": "\\ud83d"}',
    "half a character pair in a key": b'{"name": "x", "\\udc00": 1}',
}

for _what, _body in MALFORMED.items():
    TABLE.add(f"a build that holds {_what} is not read", REPORT, 400, "malformed", _to(REPORT, _body))
    TABLE.add(f"a project that holds {_what} is not read", PROJECTS, 400, "malformed", _to(PROJECTS, _body))

TABLE.add(
    "32 levels are read and then pointed at",
    REPORT,
    422,
    "invalid",
    _to(REPORT, b'{"name": ' + b"[" * 31 + b"]" * 31 + b"}"),
    faults=[("/name", "not_a_text")],
)


# --- 400: of what a provider sends, the fields that are read are checked ----------------------------------------------


def _spoilt(scene: Scene, *path: str, raw: bytes) -> bytes:
    """Return a good status with raw JSON in place of the value that lies at the path."""
    body: Any = pay_api(scene)
    at = body
    for name in path[:-1]:
        at = at[name]
    at[path[-1]] = "SPOILT HERE"
    return json.dumps(body).encode().replace(b'"SPOILT HERE"', raw)


@row(WEBHOOK, 400, "malformed")
def a_delivery_that_is_no_json_is_not_read(scene: Scene) -> Ask:
    return sent_by_bitbucket(b'{"commit_status": ')


@row(SIGNED, 400, "malformed")
def a_signed_delivery_that_is_no_json_is_not_read(scene: Scene) -> Ask:
    return sent_to(scene, SIGNED, b"\xff", {})


@row(WEBHOOK, 400, "malformed")
def a_delivery_in_another_encoding_is_not_read(scene: Scene) -> Ask:
    return sent_by_bitbucket(_spoilt(scene, "commit_status", "name", raw=b'"\xe9"'))


@row(WEBHOOK, 400, "malformed")
def a_delivery_nested_without_end_is_not_read(scene: Scene) -> Ask:
    return sent_by_bitbucket(b"[" * 500_000)


@row(WEBHOOK, 400, "malformed")
def a_field_that_is_read_may_not_come_twice(scene: Scene) -> Ask:
    return sent_by_bitbucket(_spoilt(scene, "commit_status", "state", raw=b'"FAILED", "state": "SUCCESSFUL"'))


@row(WEBHOOK, 400, "malformed")
def a_field_that_is_read_may_not_hold_nul(scene: Scene) -> Ask:
    return sent_by_bitbucket(_spoilt(scene, "commit_status", "refname", raw=b'"a\\u0000b"'))


@row(WEBHOOK, 400, "malformed")
def a_field_that_is_read_may_not_hold_half_a_character_pair(scene: Scene) -> Ask:
    return sent_by_bitbucket(_spoilt(scene, "commit_status", "name", raw=b'"\\ud800"'))


@row(WEBHOOK, 400, "malformed")
def a_field_that_is_read_may_not_be_nan(scene: Scene) -> Ask:
    return sent_by_bitbucket(_spoilt(scene, "commit_status", "name", raw=b"NaN"))


@row(WEBHOOK, 400, "malformed")
def a_number_that_is_read_must_have_64_bits(scene: Scene) -> Ask:
    body = pipeline_span(number=scene.number())
    body["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["endTimeUnixNano"] = 2**64
    return sent_by_bitbucket(body, event=SPAN)


@row(WEBHOOK, 201, "created")
def what_nobody_reads_may_hold_anything(scene: Scene) -> Ask:
    odd = b'{"a": 1, "a": "\\u0000\\ud800", "big": 99999999999999999999999, "nan": NaN}'
    return sent_by_bitbucket(_spoilt(scene, "repository", "website", raw=odd))


for _call in (WEBHOOK, SIGNED, REPORT, PROJECTS):
    for _body in (b"[]", b'"build"', b"null", b"5"):
        TABLE.add(
            f"{_call} does not take {_body.decode()} for an object",
            _call,
            422,
            "invalid",
            _to(_call, _body),
            faults=[("", "not_an_object")],
        )


# --- 422: each fault at its field -------------------------------------------------------------------------------------

NOBODY: Final = "01990a3c-7f6e-7d51-9f53-6a5d6c2f8b1e"

FAULTY_FACTS: Final[tuple[tuple[dict[str, Any], list[tuple[str, str]]], ...]] = (
    ({"name": None}, [("/name", "not_a_text")]),
    ({"name": " "}, [("/name", "blank")]),
    ({"name": "x" * 256}, [("/name", "too_long")]),
    ({"name": "a\nb"}, [("/name", "unprintable")]),
    ({"branche": "main"}, [("/branche", "unknown_field")]),
    ({"a/b~c": 1}, [("/a~1b~0c", "unknown_field")]),
    ({"build_number": 1.5}, [("/build_number", "not_a_number")]),
    ({"commit_sha": "abc def"}, [("/commit_sha", "pattern")]),
    ({"commit_sha": "a" * 65}, [("/commit_sha", "too_long")]),
    ({"branch": ["main"]}, [("/branch", "not_a_text")]),
    ({"tag": "x" * 256}, [("/tag", "too_long")]),
    ({"repo_url": "nowhere"}, [("/repo_url", "not_a_repository")]),
    ({"url": "javascript:alert(1)"}, [("/url", "not_a_link")]),
    ({"url": "https://ci.acme.test/" + "x" * 2048}, [("/url", "not_a_link")]),
    ({"source": "Jenkins"}, [("/source", "pattern")]),
    ({"source": "x" * 33}, [("/source", "too_long")]),
    ({"status": "in_progress"}, [("/status", "not_a_choice")]),
    ({"finished_at": "2026-03-14 09:26"}, [("/finished_at", "not_a_time")]),
    ({"project_id": "42"}, [("/project_id", "not_an_id")]),
    ({"project_id": NOBODY}, [("/project_id", "not_found")]),
    ({"release_id": NOBODY}, [("/release_id", "not_found")]),
    ({"name": 1, "tag": "", "x": 1}, [("/name", "not_a_text"), ("/tag", "blank"), ("/x", "unknown_field")]),
)

for _facts, _faults in FAULTY_FACTS:
    _what = " and ".join(f"{code.replace('_', ' ')} at {pointer}" for pointer, code in _faults)
    TABLE.add(
        f"a build with {json.dumps(_facts)[1:32]} is refused for {_what}",
        REPORT,
        422,
        "invalid",
        partial(lambda _, facts: Ask(body={"name": "x", **facts}), facts=_facts),
        faults=_faults,
    )

FAULTY_BODIES: Final[tuple[tuple[str, object, list[tuple[str, str]]], ...]] = (
    (REPORT, {}, [("/name", "required")]),
    ("POST /api/v1/placements/preview", {"build_number": 1}, [("/name", "required")]),
    (PROJECTS, {"name": "x", "owner": "me"}, [("/owner", "unknown_field")]),
    (PROJECTS, {"name": "x", "repositories": "all"}, [("/repositories", "not_a_list")]),
    (PROJECTS, {"name": "x", "repositories": ["x"] * 101}, [("/repositories", "too_many")]),
    (PROJECTS, {"name": "x", "repositories": ["a b", 5]}, [("/repositories/1", "not_a_text")]),
    ("PATCH /api/v1/projects/{id}", {"files": "all"}, [("/files", "not_a_choice")]),
    ("POST /api/v1/projects/{id}/repositories", {}, [("/url", "required")]),
    ("POST /api/v1/projects/{id}/releases", {"name": "1", "sate": "active"}, [("/sate", "unknown_field")]),
    ("PATCH /api/v1/releases/{id}", {"branch_patterns": [""]}, [("/branch_patterns/0", "blank")]),
    ("POST /api/v1/queue/{id}/assign", {}, [("/release_id", "required")]),
    (
        "POST /api/v1/queue/{id}/assign",
        {"release_id": nobody(), "remember_repository": "yes"},
        [("/remember_repository", "not_a_boolean")],
    ),
    ("POST /api/v1/queue/{id}/reject", {"reason": "ugly"}, [("/reason", "not_a_choice")]),
    ("POST /api/v1/queue/{id}/reject", {"reason": "broken", "note": "x" * 2001}, [("/note", "too_long")]),
    ("POST /api/v1/queue/{id}/project", {"project_id": 5}, [("/project_id", "not_an_id")]),
    (
        "POST /api/v1/builds/{id}/move",
        {"release": nobody()},
        [("/release", "unknown_field"), ("/release_id", "required")],
    ),
    ("POST /api/v1/hooks", {"provider": "bitbucket", "secret": "mine"}, [("/secret", "unknown_field")]),
)

for _call, _given, _faults in FAULTY_BODIES:
    _what = " and ".join(f"{code.replace('_', ' ')} at {pointer}" for pointer, code in _faults)
    TABLE.add(
        f"{_call} is refused for {_what}",
        _call,
        422,
        "invalid",
        partial(lambda _, given: Ask(ids={"id": nobody()}, body=given), given=_given),
        faults=_faults,
    )


@row("POST /api/v1/queue/{id}/project", 422, "invalid", faults=[("/project_id", "not_found")])
def a_project_that_is_not_there_is_pointed_at(scene: Scene) -> Ask:
    return Ask(ids={"id": scene.waiting()}, body={"project_id": nobody()})


FAULTY_QUERIES: Final = {
    "limit=0": ("/limit", "out_of_range"),
    "limit=201": ("/limit", "out_of_range"),
    "limit=ten": ("/limit", "out_of_range"),
    "limit=5&limit=6": ("/limit", "repeated"),
    "page=2": ("/page", "unknown_field"),
    "project=acme": ("/project", "not_an_id"),
    "branch=": ("/branch", "blank"),
    "q=%00": ("/q", "unprintable"),
    "cursor=x": ("/cursor", "wrong_cursor"),
}

for _query, _fault in FAULTY_QUERIES.items():
    for _list in ("builds", "queue"):
        TABLE.add(
            f"the list of {_list} does not take {_query}",
            f"GET /api/v1/{_list}",
            422,
            "invalid",
            partial(lambda _, query: Ask(query=query), query=_query),
            faults=[_fault],
        )

TABLE.add(
    "an address without parameters takes none",
    "GET /api/v1/releases/{id}",
    422,
    "invalid",
    lambda _: Ask(ids={"id": nobody()}, query="deep=1"),
    faults=[("/deep", "unknown_field")],
)


# --- 413 and 415 ------------------------------------------------------------------------------------------------------

_LARGEST: Final = b'{"name": "x"' + b" " * (MEBIBYTE - 13) + b"}"


def _in_pieces(body: bytes) -> Iterator[bytes]:
    for start in range(0, len(body), 64 * 1024):
        yield body[start : start + 64 * 1024]


@row(REPORT, 202, "no_project_match")
def a_body_of_one_mebibyte_is_taken(scene: Scene) -> Ask:
    assert len(_LARGEST) == MEBIBYTE
    return Ask(body=_LARGEST)


@row(REPORT, 202, "no_project_match")
def a_body_of_one_mebibyte_is_taken_in_pieces_too(scene: Scene) -> Ask:
    return Ask(body=_in_pieces(_LARGEST))


def _media_type(call: str, **headers: str) -> Callable[[Scene], Ask]:
    def arrange(scene: Scene) -> Ask:
        ask = _to(call, b'{"name": "x"}')(scene)
        return evolve(ask, headers={**ask.headers, **{name.replace("_", "-"): text for name, text in headers.items()}})

    return arrange


for _call in (WEBHOOK, SIGNED, REPORT, PROJECTS):
    for _way, _pieces in (("whole", lambda body: body), ("in pieces", _in_pieces)):
        TABLE.add(
            f"{_call} takes no body over one mebibyte {_way}",
            _call,
            413,
            "body_too_large",
            partial(
                lambda scene, call, way: evolve(_to(call, b"{}")(scene), body=way(_LARGEST + b" ")),
                call=_call,
                way=_pieces,
            ),
            headers={"connection": "close"},
        )

for _call in TAKING:
    TABLE.add(
        f"{_call} takes nothing but JSON",
        _call,
        415,
        "unsupported_media_type",
        _media_type(_call, Content_Type="application/x-www-form-urlencoded"),
    )
    TABLE.add(
        f"{_call} takes no body that is encoded",
        _call,
        415,
        "unsupported_media_type",
        _media_type(_call, Content_Encoding="gzip"),
    )
