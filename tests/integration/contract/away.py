"""What is asked while the database is away, and must be answered with 503."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from attrs import frozen

from tests.integration.contract.scene import pay_api, sent_by_bitbucket, signed
from tests.integration.contract.table import Ask

if TYPE_CHECKING:
    from tests.integration.contract.scene import Scene


@frozen
class Away:
    """A request that needs the database."""

    call: str
    arrange: Callable[[Scene], Ask]


WHILE_AWAY: Final = (
    Away("POST /api/webhooks/{provider}", lambda scene: sent_by_bitbucket(pay_api(scene))),
    Away("POST /api/webhooks/{provider}/{hook_id}", lambda scene: signed(scene.shared_hook(), pay_api(scene))),
    Away("POST /api/v1/builds", lambda scene: Ask(body=scene.facts(name="Away"))),
    Away("GET /api/v1/builds", lambda _: Ask()),
    Away("GET /api/v1/deliveries", lambda _: Ask()),
    Away("POST /api/v1/deliveries/{id}/replay", lambda scene: Ask(ids={"id": scene.delivery()}, body={"file": True})),
    Away("POST /api/v1/projects", lambda scene: Ask(body={"name": f"Away {scene.number()}"})),
)

SEEN_WHILE_AWAY: Final = {
    *((away.call, 503, "unavailable") for away in WHILE_AWAY),
    ("GET /readyz", 503, "not_ready"),
    ("POST /api/webhooks/{provider}", 503, "outcome_unknown"),
}
