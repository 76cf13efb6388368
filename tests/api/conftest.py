"""The real application on a database with the demo's offices and people, and browsers without JavaScript on it."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI

from api.app import create_app
from engine.service.app import Countersign
from engine.settings import Settings
from tests.api.desk import Desk


@pytest.fixture
def app(staffed: Path, tmp_path: Path) -> Iterator[Countersign]:
    """The application on a fresh copy."""
    shutil.copy(staffed, tmp_path / "case.db")
    settings = Settings(
        home=tmp_path, database_url=f"sqlite:///{tmp_path / 'case.db'}", sms_secret="gateway-secret", language="en"
    )
    opened = Countersign.open(settings)
    yield opened
    opened.close()


@pytest.fixture
def api(app: Countersign) -> FastAPI:
    """The web application."""
    return create_app(app)


@pytest.fixture
def desk(api: FastAPI) -> Iterator[Callable[..., Desk]]:
    """Makes browsers; signed in where a name is given."""
    opened: list[Desk] = []

    def make(login: str = "", language: str = "en") -> Desk:
        new = Desk(api)
        new.__enter__()
        opened.append(new)
        if login:
            new.sign_in(login, language)
        return new

    yield make
    for each in opened:
        each.__exit__(None, None, None)
