"""The pages, papers and scripts by which a case is closed out and found in the library, and who comes through."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from pypdf import PdfReader

from api.app import create_app
from engine.service import case_library, closing
from engine.service.app import Countersign
from engine.store import people
from engine.store.session import Database
from engine.store.tables import cases
from tests.acceptance.email_case import load_customers
from tests.acceptance.offices import opened, state_of, viewer
from tests.acceptance.test_closing import LEARNED, digest_now, evaluated
from tests.api.desk import Desk
from tests.security.signed_in import session


@pytest.fixture
def app(db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Countersign]:
    monkeypatch.setenv("COUNTERSIGN_CLOCK_FILE", str(tmp_path / "clock"))
    with opened(db.url.render_as_string(hide_password=False), tmp_path / "home") as app:
        load_customers(app, tmp_path)
        yield app


@pytest.fixture
def desk(app: Countersign) -> Iterator[Desk]:
    with Desk(create_app(app)) as desk:
        yield desk


def test_by_page_what_was_typed_stays_until_it_is_signed_and_is_printed(
    app: Countersign, desk: Desk, tmp_path: Path
) -> None:
    case_id = evaluated(app, tmp_path)
    desk.sign_in("wangmin")
    assert f"/cases/{case_id}/closing" in desk.get("/inbox").text
    path = f"/cases/{case_id}/closing"
    form = desk.form(desk.get(path), path)
    stale = desk.post(path, data=form | {"worked": "早上发", "failed": "b", "repeat": "c", "report": "0" * 64})
    assert stale.status_code == 409 and "早上发" in stale.text and digest_now(app, case_id)[:12] in stale.text
    missing = desk.post(path, data=desk.form(stale, path) | {"worked": "早上发", "failed": "", "repeat": "c"})
    assert missing.status_code == 422 and 'aria-invalid="true"' in missing.text and "早上发" in missing.text
    assert ">早上发</textarea>" in missing.text
    again = desk.form(missing, path) | {"worked": "早上发", "repeat": "c"}
    signed = desk.post(path, data=again | {"failed": "晚上发"})
    assert state_of(app, case_id) == "closed"
    assert "王敏" in signed.text and "晚上发" in signed.text
    paper = desk.get(f"{path}.pdf")
    assert paper.headers["content-type"] == "application/pdf"
    printed = "".join(page.extract_text() for page in PdfReader(BytesIO(paper.content)).pages)
    assert "早上发" in printed and digest_now(app, case_id)[:40] in printed.replace("\n", "")
    library = desk.get("/library?q=zaoshang")
    assert "早上发" in library.text and f"/cases/{case_id}/closing" in library.text
    made = desk.post(f"{path}/groups", data=desk.form(signed, f"{path}/groups"))
    assert made.status_code == 200 and "responded" in str(made.url)
    copied = desk.post("/cases/copy", data=desk.form(library, "/cases/copy"))
    assert copied.status_code == 200 and f"from={case_id}" in str(copied.url)


def test_by_script_the_report_is_read_signed_verified_and_found(app: Countersign, desk: Desk, tmp_path: Path) -> None:
    case_id = evaluated(app, tmp_path)
    bearer = {"Authorization": f"Bearer {session(app, desk, 'wangmin')}"}
    read = desk.get(f"/api/v1/cases/{case_id}/closing", headers=bearer).json()
    texts = {"worked": LEARNED.worked, "failed": LEARNED.failed, "repeat": LEARNED.repeat}
    path = f"/api/v1/cases/{case_id}/close"
    keyed = bearer | {"Idempotency-Key": "sign-it-once"}
    changed = desk.post(path, json=texts | {"report": "f" * 64}, headers=bearer | {"Idempotency-Key": "other-key"})
    assert changed.status_code == 409
    signed = desk.post(path, json=texts | {"report": read["frozen"]["digest"]}, headers=keyed)
    assert signed.status_code == 200, signed.text
    verified = desk.get(f"/api/v1/cases/{case_id}/closing/verification", headers=bearer).json()
    assert (verified["differs"], verified["digest"]) == ("", read["frozen"]["digest"])
    (found,) = desk.get("/api/v1/library?q=letters", headers=bearer).json()["cases"]
    assert (found["row"]["id"], found["lessons"]["failed"]) == (case_id, LEARNED.failed)
    made = desk.post(f"/api/v1/library/{case_id}/copies", headers=bearer | {"Idempotency-Key": "copy-it-once"})
    assert made.status_code == 201
    group = desk.post(f"/api/v1/cases/{case_id}/closing/groups", json={"outcome": "no_response"}, headers=bearer)
    assert group.status_code == 201 and group.json()["source"]["feedback"]["outcome"] == "no_response"


def test_who_may_not_see_a_case_finds_it_in_no_library(app: Countersign, desk: Desk, tmp_path: Path) -> None:
    """The clerk of a hall sees no case; a confidential one is not there for another office."""
    case_id = evaluated(app, tmp_path)
    frozen = digest_now(app, case_id)
    said = closing.Said(LEARNED.worked, LEARNED.failed, LEARNED.repeat, frozen)
    closing.close(app, viewer(app, "wangmin"), case_id, said, key="close-it-once")
    with app.db.begin() as tx:
        tx.execute(cases.update().where(cases.c.id == case_id).values(confidential=True))
    assert [one.row.id for one in case_library.page(app, viewer(app, "liguoqiang"), {}).rows] == [case_id]
    stranger = bystander(app)
    assert case_library.page(app, viewer(app, stranger), {}).rows == ()
    bearer = {"Authorization": f"Bearer {session(app, desk, stranger)}"}
    for path in (f"cases/{case_id}/closing", f"cases/{case_id}/closing/verification"):
        assert desk.get(f"/api/v1/{path}", headers=bearer).status_code == 404
    copy = desk.post(f"/api/v1/library/{case_id}/copies", headers=bearer | {"Idempotency-Key": "copy-it-never"})
    assert copy.status_code == 404


def bystander(app: Countersign) -> str:
    """A submitter of another county."""
    person = {"id": "other", "name": "旁人", "email": "o@example.org", "language": "zh", "password_hash": "none"}
    with app.db.begin() as tx:
        people.add_people(tx, [person])
        people.add_grants(tx, [{"person": "other", "role": "submitter", "office": "440106"}])
    return "other"
