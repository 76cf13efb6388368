"""The words of the `delivery:` section: what a message says, to the customers of each cell or variant, and by mail.

Refuses to look into a text: what may stand there is `template`'s, and what may go out `content`'s.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from engine.delivery.channels import Email
from engine.delivery.template import LONGEST_MAIL
from engine.delivery.variants import VARIANT


class Section(BaseModel):
    """What the parts of the section share."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Words(Section):
    """A text of a message: the template itself, or the form field that holds it."""

    text: str = Field(
        "",
        max_length=1000,
        description="The text; {name} stands for a customer field, {form.title} for one of the form",
    )
    field: str = Field("", description="Or the form field that holds it")

    @model_validator(mode="before")
    @classmethod
    def _inline(cls, value: Any) -> Any:
        return {"text": value} if isinstance(value, str) else value

    def template(self, form: Mapping[str, Any]) -> str:
        """The template, for a case with this form."""
        return self.text or str(form.get(self.field) or "")


class CellWords(Words):
    """The text for the customers of one cell, or of one variant."""

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if bool(self.text) == bool(self.field):
            raise PydanticCustomError("message", "a message has either a text or the form field that holds it")
        return self


class MailWords(Words):
    """What an e-mail says of its own. Without a text of its own it has the message's."""

    text: str = Field(
        "",
        max_length=LONGEST_MAIL,
        description="The text; {name} stands for a customer field, {form.title} for one of the form",
    )
    subject: str = Field(
        min_length=1, max_length=200, description="The subject; {name} and {form.title} stand for the same as in a text"
    )

    @model_validator(mode="after")
    def _at_most_one(self) -> Self:
        if self.text and self.field:
            raise PydanticCustomError("message", "an e-mail has either a text or the form field that holds it")
        return self

    @property
    def has_text(self) -> bool:
        """Whether it has a text of its own."""
        return bool(self.text or self.field)


class Message(Words):
    """What is sent: the text itself, or the form field that holds it, or one of these for each cell, or for each
    variant that a wave tests.

    `{name}` stands for a customer field listed in `fields`, `{form.title}` for a value of the proposal, and filters and
    `{if …}` for what docs/delivery.md says of templates. `{link}` is a short address of this message's own that leads
    to `link`, `{optout}` one of the page where its reader opts out.
    """

    fields: tuple[str, ...] = Field((), description="Customer fields that the text may name")
    cells: dict[str, CellWords] = Field(
        default_factory=dict, description="By cell, where its customers get another text"
    )
    variants: dict[Annotated[str, Field(pattern=f"^{VARIANT.pattern}$")], CellWords] = Field(
        default_factory=dict, max_length=12, description="By variant, the texts that waves test against each other"
    )
    email: MailWords | None = Field(None, description="Subject of an e-mail, and its text where it has one of its own")
    link: str = Field(
        "",
        max_length=500,
        description="Where {link} leads: an address, or {form.NAME} for the form field that holds one",
    )

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        mails_alone = self.email is not None and self.email.has_text
        some = self.text or self.field or self.cells or self.variants or mails_alone
        if (self.text and self.field) or not some:
            raise PydanticCustomError("message", "a message has either a text or the form field that holds it")
        if self.cells and self.variants:
            raise PydanticCustomError(
                "message", "a message has texts by cell or by variant, not both; test the texts in a case of one cell"
            )
        if self.variants and mails_alone:
            raise PydanticCustomError(
                "message", "an e-mail with a text of its own has no variants; leave that text out"
            )
        return self

    @property
    def own(self) -> Words | None:
        """The text of the cells that have none of their own; None where each has."""
        return self if self.text or self.field else None

    @property
    def words(self) -> dict[str, Words]:
        """The texts by cell; that of all other cells under the empty name."""
        return ({"": self.own} if self.own else {}) | dict(self.cells)

    @property
    def every(self) -> tuple[tuple[tuple[str, ...], Words], ...]:
        """Every text, those of variants too, each with its place in the section."""
        found = [((("cells", cell) if cell else ()), words) for cell, words in self.words.items()]
        return (*found, *((("variants", name), words) for name, words in self.variants.items()))

    def words_for(self, channel: str) -> dict[str, Words]:
        """The texts that go over a channel, by cell: an e-mail may have its own, the same for every cell."""
        if channel == Email.name and self.email is not None and self.email.has_text:
            return {"": self.email}
        return self.words
