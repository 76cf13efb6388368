"""Routes whose answers are described when somebody asks for the OpenAPI document.

FastAPI builds a serializer for the answer of every route, which takes a third of the time that this program takes to
load; our handlers answer with a response that is made already.
"""

import inspect
from collections.abc import Callable
from typing import Any

from fastapi import Response
from fastapi.routing import APIRoute
from fastapi.utils import create_model_field


class Described(APIRoute):
    """A route of the REST API. `describe` comes before its OpenAPI."""

    def __init__(self, path: str, endpoint: Callable[..., Any], *, response_model: Any = None, **more: Any) -> None:
        annotation = inspect.signature(endpoint).return_annotation
        is_made = isinstance(annotation, type) and issubclass(annotation, Response)
        super().__init__(path, endpoint, response_model=None if is_made else response_model, **more)
        self._told = response_model if is_made else None

    def describe(self) -> None:
        """Make the schema of its answer known."""
        if self._told:  # its placeholder for nothing counts as false
            name = f"Response_{self.unique_id}"
            self.response_field = create_model_field(name=name, type_=self._told, mode="serialization")
