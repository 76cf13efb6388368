"""A whole definition (定义): everything that differs from one case type to the next, as one frozen value.

Refuses to read files or to judge itself: `load` reads, `check` judges, `compile` makes it run.
"""

from collections.abc import Mapping
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, PrivateAttr, WithJsonSchema

from engine.audience.plan import AudiencePlan
from engine.definition.approval import NO_APPROVAL, Approval
from engine.definition.guarantees import Guarantee
from engine.definition.lifecycle import Lifecycle
from engine.definition.params import Params, params_of, written
from engine.definition.proposal import Proposal
from engine.definition.scenarios import Scenario
from engine.definition.section import Name, Section
from engine.definition.splitting import limit_expression
from engine.delivery.plan import DeliveryPlan
from engine.evaluation.plan import EvaluationPlan
from engine.expr import Expression, Scope, compile_expression
from engine.expr.types import BOOL, DECIMAL, Record
from engine.machine.case import LEFT
from engine.values import NO_TEXT, Bilingual, Digest

DefinitionName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{2,59}$")]
Param = Annotated[
    Any, BeforeValidator(written), WithJsonSchema({"type": ["integer", "string", "boolean", "array", "null"]})
]


class Definition(Section):
    """One version of a case type. A section that is absent means that its cases have no such stage."""

    api_version: Literal["countersign/v1"] = Field(
        alias="apiVersion", description="The language that the file is written in"
    )
    kind: Literal["CaseDefinition", "CaseTemplate"] = Field(
        description="CaseTemplate: only for others to extend, no case is started with it"
    )
    name: DefinitionName = Field(description="Its name for good: versions of one case type share it")
    version: int = Field(
        strict=True, ge=1, description="Counts up; running cases stay with the version they were started under"
    )
    title: Bilingual = Field(description="What pages call this kind of case")
    description: Bilingual = Field(NO_TEXT, description="Told beside the title where a case is started")
    calendar: Literal["cn"] = Field("cn", description="The working days that wd and wh are counted on")
    catalogue: Name = Field("customers", description="The customer fields that audience rules may read")
    params_: dict[Name, Param] = Field(
        default_factory=dict, alias="params", description="Figures and lists that expressions read as params.NAME"
    )
    proposal: Proposal = Field(description="The form")
    approval: Approval = Field(NO_APPROVAL, description="Who decides")
    audience: AudiencePlan | None = Field(None, description="Whom the case is for")
    delivery: DeliveryPlan | None = Field(None, description="How messages go out")
    evaluation: EvaluationPlan | None = Field(None, description="What is measured afterwards")
    lifecycle: Lifecycle | None = Field(None, description="States of its own, instead of the usual ones or upon them")
    extends: DefinitionName | None = Field(None, description="The definition or template that this one takes over")
    import_: tuple[DefinitionName, ...] = Field((), alias="import", description="Libraries whose parts it may use")
    guarantees: tuple[Guarantee, ...] = Field((), description="What must hold for every case; check proves it")
    tests: tuple[Scenario, ...] = Field((), description="Scenarios that the command test plays")

    _source: str = PrivateAttr("")
    _fingerprint: Digest = PrivateAttr(Digest(""))

    def model_post_init(self, context: Any, /) -> None:
        """The checks of the form may read the params, which stand elsewhere in the file."""
        super().model_post_init(context)
        self.proposal._params = self._typed_params
        self.proposal._named = self.approval.rules

    @cached_property
    def _typed_params(self) -> Params:
        return params_of(self.params_)

    @property
    def params(self) -> Mapping[str, Any]:
        """The params as expressions see them: `"5000.00"` is a Decimal."""
        return self._typed_params.values

    @cached_property
    def scope(self) -> Scope:
        """What an expression about a case may name: `form`, `params` and the rules that have a name."""
        rules = self.approval.rules
        known = Record(dict.fromkeys(rules, BOOL), "rules")
        return Scope({"form": self.proposal.record, "params": self._typed_params.record, "rules": known}, rules)

    def context(self, form: Mapping[str, Any]) -> dict[str, Any]:
        """The values to that scope, of a case's form (JSON values); empty fields are absent. Of a submitted case
        (`Case.judged`) it says what was left of the office's budget."""
        left = form.get(LEFT)
        budget = {} if left is None else {"left": Decimal(left)}
        return {"form": self.proposal.typed(form), "params": self.params, "budget": budget}

    @cached_property
    def deciding(self) -> Scope:
        """What routes, conditions of steps and guards of events may name besides: what is left of the budget, which is
        absent where the office has none."""
        return self.scope.plus(budget=Record({"left": DECIMAL}, "budget", frozenset({"left"})))

    @property
    def params_record(self) -> Record:
        """The types of the params."""
        return self._typed_params.record

    @cached_property
    def splitting_limits(self) -> tuple[Decimal, ...]:
        """The limits under which cases may be split, in figures."""
        splitting = self.approval.splitting
        rules = (limit_expression(text, self.params_record) for text in (splitting.limits if splitting else ()))
        return tuple(Decimal(rule.evaluate({"params": self.params})) for rule in rules)

    @cached_property
    def bulk_limit(self) -> Expression | None:
        """Up to which form a case may be decided together with others; None where there is no limit."""
        bulk = self.approval.defaults.bulk
        limit = None if bulk == "never" else bulk.limit
        return compile_expression(limit, self.scope, gives=BOOL) if limit else None

    @property
    def source(self) -> str:
        """The text it was loaded from."""
        return self._source

    @property
    def fingerprint(self) -> Digest:
        """The digest of what it says; comments and layout do not change it, the order of keys does (cells)."""
        return self._fingerprint

    def loaded_from(self, source: str, fingerprint: Digest) -> Self:
        """This definition, told where it came from; `load` does that."""
        self._source, self._fingerprint = source, fingerprint
        return self
