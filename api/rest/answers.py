"""View values as JSON: names as in engine.service.views, times in ISO with zone, money and decimals as text."""

from typing import Any

import msgspec
from fastapi import Response
from pydantic import BaseModel

BINARY = {"type": "string", "format": "binary"}  # the schema of a file in the OpenAPI document


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump()
    raise TypeError(f"cannot stand in an answer: {type(value).__name__}")


_json = msgspec.json.Encoder(enc_hook=_plain)


def answer(value: Any, status: int = 200) -> Response:
    """A view value or a plain dict as JSON."""
    return Response(_json.encode(value), status, media_type="application/json")


def tagged(response: Response, revision: int) -> Response:
    """The answer with its revision as ETag."""
    response.headers["etag"] = f'"{revision}"'
    return response
