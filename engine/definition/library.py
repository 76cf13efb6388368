"""A library (共用库): chains, blocks and rules that several definitions use by `import:`, a lifecycle that they extend.

Checked alone for its shape only: what it names may stand in the definition that imports it, and is checked there, with
the library's own lines.
"""

from typing import Literal

from pydantic import Field

from engine.definition.lifecycle import Lifecycle
from engine.definition.section import Name, Rule, Section
from engine.definition.steps import AnyStep, Block
from engine.values import NO_TEXT, Bilingual


class Library(Section):
    """Parts that definitions use under their own names; a definition that imports it takes only what it uses."""

    api_version: Literal["countersign/v1"] = Field(alias="apiVersion")
    kind: Literal["Library"]
    name: str = Field(pattern=r"^[a-z][a-z0-9-]{2,59}$")
    title: Bilingual = NO_TEXT
    description: Bilingual = NO_TEXT
    chains: dict[Name, tuple[AnyStep, ...]] = Field(default_factory=dict)
    blocks: dict[Name, Block] = Field(default_factory=dict)
    rules: dict[Name, Rule] = Field(default_factory=dict)
    lifecycle: Lifecycle | None = None
