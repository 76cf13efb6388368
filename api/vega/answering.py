"""A picture as the answer to a request: as file, as image of a page, or as text that a page draws again.

@router.get("/league")
def show(..., drawing: Drawing) -> Response:
    if drawing.draws:
        return drawing.answer(picture(...), "league")
"""

from dataclasses import dataclass
from typing import Annotated, Literal, cast, get_args

from fastapi import Depends, Query, Response

from api.i18n import N_, Words
from api.vega import looks
from api.vega.looks import Look
from api.vega.pictures import Bars, Picture
from api.vega.studio import Form, drawn
from engine.service.table_files import Format

EXPORTS = get_args(Format)
NOTHING = N_("Nothing that you may see matches these filters.")
MEDIA = {"svg": "image/svg+xml", "png": "image/png", "json": "application/json"}


@dataclass(frozen=True, slots=True)
class AskedDrawing:
    """What a request wants drawn, or taken away as a file; `form` is empty where it wants the page."""

    form: Form | Format | Literal[""]
    chart: str
    look: looks.Asked

    @property
    def draws(self) -> Form | Literal[""]:
        """As what a chart is wanted."""
        return "" if self.form in EXPORTS else cast("Form", self.form)

    @property
    def takes(self) -> Format | Literal[""]:
        """As what the page's table is wanted."""
        return cast("Format", self.form) if self.form in EXPORTS else ""

    def answer(self, picture: Picture, name: str) -> Response:
        """The drawing; one without a look is a file to keep, with title and note."""
        assert self.draws
        headers = {} if self.look else {"content-disposition": f'attachment; filename="{name}.{self.draws}"'}
        return Response(drawn(picture, self.draws, Look.of(self.look)), media_type=MEDIA[self.draws], headers=headers)


def of_nothing(title: str, words: Words) -> Picture:
    """A drawing that says that there is nothing: an address that somebody kept may come to that."""
    return Bars(title, words(NOTHING), ())


def asked(
    form: Annotated[Form | Format | Literal[""], Query(alias="format")] = "",
    chart: Annotated[str, Query(max_length=80)] = "",
    look: Annotated[looks.Asked, Query()] = "",
) -> AskedDrawing:
    """What the address says of a drawing."""
    return AskedDrawing(form, chart, look)


Drawing = Annotated[AskedDrawing, Depends(asked)]
OF_DRAWINGS = ("format", "chart", "look")  # what an address says of a drawing and not of the page's filters
