"""The application of the page tests, and browsers on it."""

from tests.api.conftest import api, app, desk, staffed

__all__ = ["api", "app", "desk", "staffed"]
