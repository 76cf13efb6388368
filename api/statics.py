"""The static files, the stylesheet without its comments and white space: what a phone loads is counted. What draws
charts in browsers is made by the server and stands here as well."""

import gzip
from functools import cache
from pathlib import Path

from rcssmin import cssmin
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from api.vega import bundle

STATIC = Path(__file__).parent / "static"


@cache
def stylesheet() -> bytes:
    """The stylesheet as it is served."""
    return str(cssmin((STATIC / "countersign.css").read_text())).encode()


class Statics(StaticFiles):
    """The files of api/static."""

    def __init__(self) -> None:
        super().__init__(directory=STATIC)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file of this name."""
        if path == "countersign.css" and scope["method"] in ("GET", "HEAD"):
            return Response(stylesheet(), media_type="text/css")
        if path == bundle.name() and scope["method"] in ("GET", "HEAD"):
            packed = await run_in_threadpool(bundle.compressed)
            if "gzip" not in Headers(scope=scope).get("accept-encoding", ""):
                return Response(gzip.decompress(packed), media_type="text/javascript")
            return Response(
                packed, media_type="text/javascript", headers={"content-encoding": "gzip", "vary": "accept-encoding"}
            )
        return await super().get_response(path, scope)
