"""Organizations, roles and the addresses that people are known by."""

from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from lathe.domain.errors import Invalid
from lathe.domain.organization import ORGANIZATION_RATE_LIMIT, Organization, Role, checked_email
from tests.unit.domain.examples import ORGANIZATION, START

ACME = Organization(ORGANIZATION, "Acme", "acme", START)


def test_a_new_organization_trusts_nobody_by_its_id_and_has_the_usual_limit() -> None:
    assert (ACME.allow_org_id, ACME.confirm_name_matches, ACME.rate_limit) == (False, False, ORGANIZATION_RATE_LIMIT)
    assert ORGANIZATION_RATE_LIMIT == 60


def test_a_renamed_organization_keeps_its_slug() -> None:
    assert ACME.renamed(" Acme Corp ") == evolve(ACME, name="Acme Corp")
    with pytest.raises(Invalid):
        ACME.renamed("\0")


@pytest.mark.parametrize(
    ("role", "may"),
    [
        (Role.ADMIN, {Role.ADMIN, Role.TESTER, Role.VIEWER}),
        (Role.TESTER, {Role.TESTER, Role.VIEWER}),
        (Role.VIEWER, {Role.VIEWER}),
    ],
)
def test_a_role_includes_what_the_lesser_ones_may(role: Role, may: set[Role]) -> None:
    assert {needed for needed in Role if role.may(needed)} == may


@pytest.mark.parametrize(
    ("given_as", "kept"),
    [
        ("ada@acme.test", "ada@acme.test"),
        (" Ada.Lovelace@ACME.Test ", "ada.lovelace@acme.test"),
        ("a@b.c", "a@b.c"),
        ("größe@bücher.test", "größe@bücher.test"),
        ('"a@b"@c.test', '"a@b"@c.test'),
    ],
)
def test_an_address_is_kept_in_one_form(given_as: str, kept: str) -> None:
    assert checked_email(given_as) == kept


@pytest.mark.parametrize(
    "value",
    [
        "",
        "ada",
        "@acme.test",
        "ada@",
        "ada@acme",
        "ada@acme.",
        "ada@.acme",
        "a da@acme.test",
        "ada@acme.test\0",
        "ada@acme.test\u200b",
        "\u202eada@acme.test",
        "a" * 251 + "@b.c",
    ],
)
def test_what_is_no_address_is_refused_at_its_field(value: str) -> None:
    with pytest.raises(Invalid) as caught:
        checked_email(value)
    assert [fault.pointer for fault in caught.value.faults] == ["/email"]


@given(st.text(max_size=12), st.text(max_size=12))
def test_an_address_once_checked_stays_as_it_is(local: str, host: str) -> None:
    try:
        kept = checked_email(f"{local}@{host}.test")
    except Invalid:
        return
    assert checked_email(kept) == kept
    assert kept.rpartition("@")[2].endswith(".test")
