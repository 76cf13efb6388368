"""A picture with what its page needs of it: the key in its address, how it is called there, what is said below it."""

from dataclasses import dataclass

from api.vega.pictures import Picture


@dataclass(frozen=True, slots=True)
class Drawn:
    """`caption` stands above the picture on its page, where `picture.title` goes with the file; `said` explains its
    marks."""

    key: str
    caption: str
    said: str
    picture: Picture
