"""Who is removed from an audience, and why. One class per kind; the union at the end is the registry.

An exclusion says, for one customer, whether it applies; it never says in which order. All are asked of every customer
of the source and each answer is one bit, so the ordered waterfall, overlaps and "this one alone" come from counts
afterwards. Refuses to guess: an exclusion that needs a fact the case does not state (its offer, its category) is a
problem, not an exclusion of nobody.
"""

from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    field_validator,
    model_serializer,
    model_validator,
)
from sqlglot import exp

from engine.audience.sources import Claims
from engine.values import NO_TEXT, Bilingual, Duration

LIST_NAME = r"^[a-z][a-z0-9_]{0,39}$"


class ExclusionKind(BaseModel):
    """A kind of exclusion."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    kind: ClassVar[str]

    @property
    def name(self) -> str:
        """The name of its row in the waterfall; two of one kind must differ in it."""
        return self.kind

    @property
    def label(self) -> Bilingual:
        """The row's label on pages."""
        raise NotImplementedError(self.kind)

    def applies(self, claims: Claims) -> exp.Expr:
        """TRUE where the customer is removed by it, never NULL."""
        raise NotImplementedError(self.kind)


class _Suppressed(ExclusionKind):
    """A suppression list of the case database, written as a bare word."""

    @model_validator(mode="before")
    @classmethod
    def _bare_word(cls, value: Any) -> Any:
        return {} if value == cls.kind else value

    @model_serializer
    def _as_bare_word(self) -> str:
        return self.kind

    def applies(self, claims: Claims) -> exp.Expr:
        # The snapshot holds what is in force at as_of; an entry without a channel holds for every channel.
        channels = ("", *claims.subject("channels", needed_by=""))
        return claims.among(self.kind, "customer", exp.column("channel").isin(*map(exp.Literal.string, channels)))


class Blacklist(_Suppressed):
    """Customers who must never be contacted: blacklist."""

    kind = "blacklist"

    @property
    def label(self) -> Bilingual:
        return Bilingual(zh="黑名单", en="Blacklist")


class Greylist(_Suppressed):
    """Customers who must not be contacted for a while: greylist."""

    kind = "greylist"

    @property
    def label(self) -> Bilingual:
        return Bilingual(zh="灰名单", en="Greylist")


class ContactedWithin(ExclusionKind):
    """Customers whom a similar case contacted a short while ago: {contacted_within: 30d, similar: category}.

    Without `similar`, any contact counts.
    """

    kind = "contacted_within"
    within: Duration = Field(alias="contacted_within", description="How far back contacts count")
    similar: Literal["category", "offer", "channel"] | None = Field(
        None, description="Only contacts of the same category, offer or channel"
    )

    @field_validator("within")
    @classmethod
    def _on_the_clock(cls, value: Duration) -> Duration:
        value.on_the_clock()
        return value

    @property
    def window(self) -> timedelta:
        """How far back it looks."""
        return self.within.on_the_clock()

    @property
    def name(self) -> str:
        return f"contacted_{self.within}" + (f"_{self.similar}" if self.similar else "")

    @property
    def label(self) -> Bilingual:
        zh, en = _SIMILAR[self.similar]
        amount, (unit_zh, unit_en) = self.within.amount, _UNITS[self.within.unit]
        return Bilingual(zh=f"{amount}{unit_zh}内已有{zh}营销", en=f"Contacted within {amount} {unit_en}{en}")

    def applies(self, claims: Claims) -> exp.Expr:
        since = claims.as_of - self.window
        recent = exp.and_(
            exp.GT(this=exp.column("at"), expression=_moment(since)),
            exp.LTE(this=exp.column("at"), expression=_moment(claims.as_of)),
        )
        if self.similar:
            fact = "channels" if self.similar == "channel" else self.similar
            same = exp.column(self.similar).isin(*map(exp.Literal.string, claims.subject(fact, needed_by=self.name)))
            recent = exp.and_(recent, same)
        return claims.among("contacts", "customer", recent)


class Conflicts(ExclusionKind):
    """Customers who own the case's offer, or one that cannot stand beside it: {conflicts: offer}."""

    kind = "conflicts"
    conflicts: Literal["offer"] = Field(description="With what of the case")

    @property
    def label(self) -> Bilingual:
        return Bilingual(zh="条件抵触", en="Conflicting offer")

    def applies(self, claims: Claims) -> exp.Expr:
        offers = [exp.Literal.string(offer) for offer in claims.subject("offer", needed_by=self.name)]
        beside = exp.select("other").from_("conflicts").where(exp.column("offer").isin(*offers))
        clashing = exp.or_(exp.column("offer").isin(*offers), exp.column("offer").isin(query=beside))
        until = exp.column("until")
        in_force = exp.or_(until.is_(exp.null()), exp.GT(this=until.copy(), expression=_moment(claims.as_of)))
        return claims.among("owned", "customer", exp.and_(clashing, in_force))


class RuleHolds(ExclusionKind):
    """Customers for whom an expression holds: {rule: "c.arrears > 0", name: arrears, label: {zh: 欠费}}."""

    kind = "rule"
    rule: str = Field(min_length=1, description="An expression over the customer, c.FIELD")
    named: str = Field("rule", alias="name", pattern=LIST_NAME, description="Its row in the waterfall")
    labelled: Bilingual = Field(NO_TEXT, alias="label", description="What pages call that row")

    @property
    def name(self) -> str:
        return self.named

    @property
    def label(self) -> Bilingual:
        plain = Bilingual(zh=f"规则 {self.named}", en=f"Rule {self.named}")
        return plain if self.labelled == NO_TEXT else self.labelled

    def applies(self, claims: Claims) -> exp.Expr:
        return claims.claim(self.rule)


class OnList(ExclusionKind):
    """Customers of an imported list: {list: employees}."""

    kind = "list"
    listed: str = Field(alias="list", pattern=LIST_NAME, description="The name it was imported under")

    @property
    def name(self) -> str:
        return f"list_{self.listed}"

    @property
    def label(self) -> Bilingual:
        return Bilingual(zh=f"名单 {self.listed}", en=f"List {self.listed}")

    def applies(self, claims: Claims) -> exp.Expr:
        return claims.in_list(self.listed)


_UNITS = {"d": ("天", "days"), "h": ("小时", "hours"), "m": ("分钟", "minutes"), "s": ("秒", "seconds")}
_SIMILAR: dict[str | None, tuple[str, str]] = {
    None: ("", ""),
    "category": ("同类", " by a case of the same category"),
    "offer": ("同一产品", " by a case of the same offer"),
    "channel": ("同一渠道", " over the same channel"),
}


def _moment(moment: datetime) -> exp.Expr:
    """A time as a literal. Dataset times are UTC without a zone, the one form that all engines read alike."""
    return exp.cast(exp.Literal.string(moment.strftime("%Y-%m-%d %H:%M:%S")), exp.DataType.Type.TIMESTAMP)


def _kind_of(value: Any) -> str | None:
    if isinstance(value, ExclusionKind):
        return value.kind
    if isinstance(value, str):
        return value
    if not isinstance(value, dict):
        return None
    return next((key for key in value if key in _KINDS), next(iter(value), None))


_AnyExclusion = (
    Annotated[Blacklist, Tag("blacklist")]
    | Annotated[Greylist, Tag("greylist")]
    | Annotated[ContactedWithin, Tag("contacted_within")]
    | Annotated[Conflicts, Tag("conflicts")]
    | Annotated[RuleHolds, Tag("rule")]
    | Annotated[OnList, Tag("list")]
)
Exclusion = Annotated[_AnyExclusion, Discriminator(_kind_of)]
_KINDS = frozenset(get_args(kind)[0].kind for kind in get_args(_AnyExclusion))
