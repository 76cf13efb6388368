"""A whole definition (定义): everything that differs from one case type to the next, as one frozen value.

Refuses to read files or to judge itself: `load` reads, `check` judges, `compile` makes it run.
"""

from typing import Annotated, Any, Literal

from pydantic import Field, PrivateAttr

from engine.definition.approval import Approval
from engine.definition.section import Name, NotYet, Section
from engine.values import Bilingual, Digest, digest_of

DefinitionName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{2,59}$")]


class Definition(Section):
    """One version of a case type. A section that is absent means that its cases have no such stage."""

    api_version: Literal["countersign/v1"] = Field(alias="apiVersion")
    kind: Literal["CaseDefinition"]
    name: DefinitionName
    version: int = Field(ge=1)
    title: Bilingual
    calendar: Name = "cn"
    params: dict[Name, Any] = Field(default_factory=dict)
    proposal: Any
    approval: Approval
    audience: Any = None
    delivery: Any = None
    evaluation: Any = None
    lifecycle: NotYet = None
    extends: NotYet = None
    guarantees: NotYet = None
    tests: NotYet = None

    _source: str = PrivateAttr("")

    @property
    def source(self) -> str:
        """The text it was loaded from."""
        return self._source

    @property
    def fingerprint(self) -> Digest:
        """The digest of what it says; comments, order of keys and layout do not change it."""
        return digest_of(self.model_dump(mode="json", by_alias=True))
