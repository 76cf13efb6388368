"""A definition that extends a published one is kept whole, so that a later base changes no case."""

from pathlib import Path

import pytest

from engine.errors import InvalidDefinition
from engine.service import definitions, publishing
from engine.store import people as store
from tests.acceptance.offices import opened, viewer

OWN = """\
apiVersion: countersign/v1
kind: CaseDefinition
name: county-case
version: 1
title: {zh: 县营销案, en: County case}
extends: telecom-marketing-case
params: {city_budget: "20000.00"}
"""


def test_an_extended_definition_is_published_whole_and_startable(db_url: str, tmp_path: Path):
    with opened(db_url, tmp_path) as app:
        with app.db.begin() as tx:
            store.add_grants(tx, [{"person": "sunli", "role": "definition_author", "office": "440100"}])
        author, second = viewer(app, "sunli"), viewer(app, "machao")
        saved = publishing.save_draft(app, author, OWN)
        publishing.publish(app, second, "county-case", 1, fingerprint=saved.fingerprint)
        ref, definition = definitions.newest(app, "county-case")
        assert ref.fingerprint == saved.fingerprint == definition.fingerprint
        assert "extends:" not in definition.source
        assert str(definition.params["city_budget"]) == "20000.00"
        assert "budget" in definition.proposal.fields
        assert "county-case" in [one.name for one in definitions.startable(app)]
        assert publishing.save_draft(app, author, OWN).unchanged


def test_a_draft_upon_nothing_is_refused_with_its_line(db_url: str, tmp_path: Path):
    with opened(db_url, tmp_path) as app:
        with app.db.begin() as tx:
            store.add_grants(tx, [{"person": "sunli", "role": "definition_author", "office": "440100"}])
        with pytest.raises(InvalidDefinition, match="E210 there is no telecom-markting-case to extend"):
            publishing.save_draft(app, viewer(app, "sunli"), OWN.replace("marketing-case", "markting-case"), file="a")
