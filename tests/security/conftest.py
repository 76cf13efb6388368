"""The application of the page tests, and browsers on it."""

from tests.api.conftest import api, app, desk

__all__ = ["api", "app", "desk"]
