"""Requests that schemathesis makes of the OpenAPI document: no server error, no undocumented status, no answer of
another shape, whoever asks."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
import structlog
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from engine.service.app import Countersign
from engine.store import people as store
from tests.api.cases import submitted
from tests.api.test_api_rest import script

EXAMPLES = 60 if os.environ.get("FULL_TESTS") else 1
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
SAYS_503 = "/readyz"  # by design, where no flows run
SESSION_ENDS = ("delete", "/api/v1/session")  # the others would be asked without one


@pytest.fixture
def quiet() -> Iterator[None]:
    """Thousands of requests are not to be logged; whatever comes of them, later tests have their logs."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    yield
    structlog.reset_defaults()


def checks_of(path: str) -> list[Any]:
    """What is asked of the answers of a route."""
    return [one for one in CHECKS if one is not not_a_server_error or path != SAYS_503]


@pytest.mark.parametrize("login", ["", "wangmin", "liguoqiang", "machao"])
def test_no_request_ends_in_a_server_error_or_an_undocumented_answer(
    api: FastAPI, app: Countersign, quiet: None, login: str
):
    submitted(app)
    with app.db.begin() as tx:
        store.add_grants(tx, [{"person": "machao", "role": "definition_author", "office": "440000"}])
    headers = {"Authorization": script(api, login).headers["Authorization"]} if login else {}
    found: list[str] = []
    for each in schemathesis.openapi.from_asgi("/api/v1/openapi.json", api).get_all_operations():
        operation = each.ok()
        if (operation.method, operation.path) == SESSION_ENDS:
            continue

        @given(case=operation.as_strategy())
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.explicit, Phase.generate],
        )
        def ask(case: Any) -> None:
            case.validate_response(case.call(headers=headers), checks=checks_of(case.operation.path))

        try:
            ask()
        except (Exception, FailureGroup) as error:  # every operation is asked, whatever the one before came to
            found.append(f"{operation.method} {operation.path}: {error!r}"[:800])
    assert found == []
