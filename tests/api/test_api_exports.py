"""Event logs from the page of the list and from the REST API."""

import csv
from collections.abc import Callable

import pytest
from fastapi import FastAPI

from engine.service import event_logs
from engine.service.app import Countersign
from tests.api.cases import submitted, viewer
from tests.api.desk import Desk


@pytest.mark.parametrize("form", ["xes", "ocel", "csv"])
def test_the_list_of_cases_leads_to_the_same_log_as_the_service_gives(
    form: event_logs.Form, app: Countersign, desk: Callable[..., Desk]
) -> None:
    submitted(app)
    reader = desk("wangmin")
    page = reader.get("/cases?kind=telecom-marketing-case").text
    link = f"/api/v1/exports/{form}?kind=telecom-marketing-case"
    assert f'href="{link}"' in page
    answer = reader.get(link)
    assert answer.status_code == 200
    assert answer.content == b"".join(event_logs.export(app, viewer(app, "wangmin"), form, {}))
    assert event_logs.NAMES[form] in answer.headers["content-disposition"]


def test_words_are_not_looked_for_so_such_a_list_offers_no_log(app: Countersign, desk: Callable[..., Desk]) -> None:
    submitted(app)
    assert "/api/v1/exports" not in desk("wangmin").get("/cases?q=Autumn").text


def test_what_cannot_be_read_or_is_not_the_callers_is_refused_before_anything_is_sent(
    app: Countersign, api: FastAPI, desk: Callable[..., Desk]
) -> None:
    reader = desk("wangmin")
    assert reader.get("/api/v1/exports/xes?since=yesterday").status_code == 422
    assert reader.get("/api/v1/exports/pdf").status_code in (404, 422)
    assert reader.get("/api/v1/exports/csv?persons=accounts").status_code == 404
    assert desk("xuwen").get("/api/v1/exports/csv?persons=accounts").status_code == 200
    assert desk().get("/api/v1/exports/csv").status_code == 401


def test_an_empty_list_is_a_log_without_cases(desk: Callable[..., Desk]) -> None:
    data = desk("wangmin").get("/api/v1/exports/csv").text
    assert list(csv.DictReader(data.splitlines())) == []
