"""What contract.md promises and is due: every status with every code that it may be answered with.

Not due yet, and so not here: metrics.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from tests.integration.contract import (
    rows_bodies,
    rows_builds,
    rows_credentials,
    rows_deliveries,
    rows_hooks,
    rows_products,
    rows_providers,
    rows_queue,
    rows_webhooks,
)
from tests.integration.contract.table import Row

ROWS: Final[Sequence[Row]] = (
    *rows_webhooks.TABLE,
    *rows_hooks.TABLE,
    *rows_providers.TABLE,
    *rows_builds.TABLE,
    *rows_queue.TABLE,
    *rows_products.TABLE,
    *rows_deliveries.TABLE,
    *rows_credentials.TABLE,
    *rows_bodies.TABLE,
)

_OUTCOMES: Final[set[tuple[int, str | None]]] = {
    (201, "created"),
    (202, "no_project_match"),
    (202, "ambiguous_project"),
    (202, "name_match_unconfirmed"),
    (202, "no_active_release"),
    (200, "duplicate"),
    (200, "event_not_supported"),
    (200, "build_not_finished"),
    (200, "build_not_successful"),
    (200, "facts_missing"),
    (200, "ping"),
}

DUE: Final[Mapping[str, set[tuple[int, str | None]]]] = {
    "POST /api/webhooks/{provider}": {
        *_OUTCOMES,
        (400, "malformed"),
        (401, "unauthenticated"),
        (403, "insufficient_scope"),
        (404, "not_found"),
        (408, "body_too_slow"),
        (413, "body_too_large"),
        (415, "unsupported_media_type"),
        (422, "invalid"),
        (429, "rate_limited"),
        (503, "unavailable"),
        (503, "outcome_unknown"),
    },
    "POST /api/webhooks/{provider}/{hook_id}": {
        (201, "created"),
        (202, "no_project_match"),
        (200, "duplicate"),
        (200, "ping"),
        (400, "malformed"),
        (401, "unauthenticated"),
        (403, "insufficient_scope"),
        (404, "not_found"),
        (408, "body_too_slow"),
        (413, "body_too_large"),
        (415, "unsupported_media_type"),
        (422, "invalid"),
        (429, "rate_limited"),
        (503, "unavailable"),
    },
    "POST /api/v1/builds": {
        (201, "created"),
        (202, "no_project_match"),
        (202, "ambiguous_project"),
        (202, "name_match_unconfirmed"),
        (202, "no_active_release"),
        (200, "duplicate"),
        (200, "build_not_successful"),
        (400, "malformed"),
        (401, "unauthenticated"),
        (403, "insufficient_scope"),
        (408, "body_too_slow"),
        (413, "body_too_large"),
        (415, "unsupported_media_type"),
        (422, "invalid"),
        (422, "idempotency_key_reused"),
        (429, "rate_limited"),
        (503, "unavailable"),
    },
    "GET /api/v1/builds": {
        (200, None),
        (401, "unauthenticated"),
        (403, "insufficient_scope"),
        (422, "invalid"),
        (429, "rate_limited"),
        (503, "unavailable"),
    },
    "POST /api/v1/queue/{id}/assign": {
        (201, None),
        (409, "already_assigned"),
        (409, "already_rejected"),
        (409, "release_not_active"),
        (409, "repository_linked"),
        (422, "invalid"),
    },
    "POST /api/v1/queue/{id}/reject": {(200, None), (409, "already_assigned"), (422, "invalid")},
    "POST /api/v1/queue/{id}/project": {
        (200, None),
        (409, "already_rejected"),
        (409, "project_archived"),
        (422, "invalid"),
    },
    "POST /api/v1/queue/{id}/undo": {(200, None), (409, "nothing_to_undo"), (409, "release_closed")},
    "POST /api/v1/builds/{id}/move": {
        (200, None),
        (409, "release_closed"),
        (409, "release_not_active"),
        (409, "withdrawn"),
        (422, "invalid"),
    },
    "POST /api/v1/builds/{id}/requeue": {(200, None), (409, "release_closed")},
    "POST /api/v1/projects": {
        (201, None),
        (408, "body_too_slow"),
        (409, "name_taken"),
        (409, "repository_linked"),
        (422, "invalid"),
        (503, "unavailable"),
    },
    "PATCH /api/v1/projects/{id}": {(200, None), (409, "name_taken"), (422, "invalid")},
    "POST /api/v1/projects/{id}/repositories": {(201, None), (409, "repository_linked"), (422, "invalid")},
    "DELETE /api/v1/projects/{id}/repositories/{repository_id}": {(204, None), (404, "not_found")},
    "POST /api/v1/projects/{id}/releases": {(201, None), (409, "name_taken"), (422, "invalid")},
    "PATCH /api/v1/releases/{id}": {(200, None), (409, "release_state"), (422, "invalid")},
    "POST /api/v1/hooks": {(201, None), (422, "invalid")},
    "POST /api/v1/hooks/{id}/rotate": {(200, None), (409, "conflict")},
    "DELETE /api/v1/hooks/{id}": {(204, None)},
    "GET /api/v1/deliveries": {
        (200, None),
        (401, "unauthenticated"),
        (403, "insufficient_scope"),
        (422, "invalid"),
        (503, "unavailable"),
    },
    "GET /api/v1/deliveries/{id}": {(200, None), (401, "unauthenticated"), (403, "insufficient_scope")},
    "POST /api/v1/deliveries/{id}/replay": {
        (200, None),
        (400, "malformed"),
        (401, "unauthenticated"),
        (403, "insufficient_scope"),
        (404, "not_found"),
        (413, "body_too_large"),
        (415, "unsupported_media_type"),
        (422, "invalid"),
        (429, "rate_limited"),
        (503, "unavailable"),
    },
    "POST /api/v1/placements/preview": {(200, None), (422, "invalid")},
    "GET /healthz": {(200, None)},
    "GET /readyz": {(200, None), (503, "not_ready")},
    "GET /docs": {(200, None)},
    "GET /report.py": {(200, None)},
    "PUT /api/v1/builds": {(405, "method_not_allowed")},
}
"""By call: what it must be seen to answer."""

FAULTS: Final = {
    *("required", "unknown_field", "not_an_object", "not_a_text", "blank", "too_long", "unprintable", "pattern"),
    *("not_a_number", "out_of_range", "not_a_boolean", "not_an_id", "not_a_choice", "not_a_time", "not_a_link"),
    *("not_a_repository", "not_a_list", "too_many", "has_blanks", "repeated", "wrong_cursor"),
    *("not_found", "wrong_project", "no_repository", "unverified"),
}
"""What can be wrong with a field."""
