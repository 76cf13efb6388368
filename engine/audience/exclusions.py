"""Who is removed from an audience, and why. One class per kind; the union at the end is the registry.

An exclusion says, for one customer, whether it applies; it never says in which order. All are asked of every customer
of the source and each answer is one bit, so the ordered waterfall, overlaps and "this one alone" come from counts
afterwards. Household is the exception: it chooses among those whom nothing else removes, so it stands last. Refuses
to guess: an exclusion that needs a fact the case does not state (its offer, its category) is a problem, not an
exclusion of nobody.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    Discriminator,
    Field,
    Tag,
    field_validator,
)
from sqlglot import exp

from engine.audience.exclusion_kind import BareWord, Evidence, ExclusionKind
from engine.audience.sources import GROUP, Claims, SavedGroup
from engine.values import NO_TEXT, Bilingual, Duration

LIST_NAME = r"^[a-z][a-z0-9_]{0,39}$"


class _Suppressed(BareWord):
    """A suppression list of the case database."""

    def applies(self, claims: Claims) -> exp.Expr:
        return claims.among(self.kind, "customer", self._where(claims))

    def evidence(self, claims: Claims) -> Evidence:
        return Evidence(self.kind, ("reason", "since", "channel"), self._where(claims))

    def _where(self, claims: Claims) -> exp.Expr:
        # The snapshot holds what is in force at as_of; an entry without a channel holds for every channel.
        return _one_of("channel", ("", *claims.subject("channels", needed_by="")))


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
    similar: Literal["category", "offer", "family", "tag", "channel"] | None = Field(
        None, description="Only contacts of the same category, offer, offer family, tag or channel"
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
        return claims.among("contacts", "customer", self._where(claims))

    def evidence(self, claims: Claims) -> Evidence:
        return Evidence("contacts", ("case_number", "at", "offer", "channel"), self._where(claims))

    def _where(self, claims: Claims) -> exp.Expr:
        since = claims.as_of - self.window
        recent = exp.and_(
            exp.GT(this=exp.column("at"), expression=_moment(since)),
            exp.LTE(this=exp.column("at"), expression=_moment(claims.as_of)),
        )
        if self.similar is None:
            return recent
        column, fact = _COMPARED[self.similar]
        return exp.and_(recent, _one_of(column, claims.subject(fact, needed_by=self.name)))


class Conflicts(ExclusionKind):
    """Customers who own the case's offer, or one that cannot stand beside it: {conflicts: offer}.

    {conflicts: cell} compares with the offer of the customer's cell alone.
    """

    kind = "conflicts"
    conflicts: Literal["offer", "cell"] = Field(description="With every offer of the case, or with that of the cell")

    @property
    def name(self) -> str:
        return "conflicts_cell" if self.by_cell else self.kind

    @property
    def by_cell(self) -> bool:
        return self.conflicts == "cell"

    @property
    def label(self) -> Bilingual:
        return _OF_CELL[self.kind] if self.by_cell else Bilingual(zh="条件抵触", en="Conflicting offer")

    def applies(self, claims: Claims) -> exp.Expr:
        if self.by_cell:
            return _by_cell(claims, self.name, lambda offers: self._owns(claims, offers))
        return self._owns(claims, claims.subject("offer", needed_by=self.name))

    def evidence(self, claims: Claims) -> Evidence:
        of_cells = {name: offers for name, _, offers in claims.cells(self.name)} if self.by_cell else {}
        every = tuple(sorted({code for offers in of_cells.values() for code in offers}))
        where = self._where(claims, every or claims.subject("offer", needed_by=self.name))
        cells = {name: self._where(claims, offers) for name, offers in of_cells.items()}
        return Evidence("owned", ("offer", "since", "until"), where, cells)

    def _owns(self, claims: Claims, offers: Sequence[str]) -> exp.Expr:
        return claims.among("owned", "customer", self._where(claims, offers))

    def _where(self, claims: Claims, offers: Sequence[str]) -> exp.Expr:
        beside = exp.select("other").from_("conflicts").where(_one_of("offer", offers))
        clashing = exp.or_(_one_of("offer", offers), exp.column("offer").isin(query=beside))
        until = exp.column("until")
        in_force = exp.or_(until.is_(exp.null()), exp.GT(this=until.copy(), expression=_moment(claims.as_of)))
        return exp.and_(clashing, in_force)


class Eligible(ExclusionKind):
    """Customers who do not meet what the case's offer requires: {eligible: offer}.

    What an offer requires stands in the column `requires` of the offers, as an expression over the customer. An offer
    that requires nothing is open to everybody. {eligible: cell} asks for the offer of the customer's cell alone.
    """

    kind = "eligible"
    eligible: Literal["offer", "cell"] = Field(description="For every offer of the case, or for that of the cell")

    @property
    def name(self) -> str:
        return "eligible_cell" if self.by_cell else self.kind

    @property
    def by_cell(self) -> bool:
        return self.eligible == "cell"

    @property
    def label(self) -> Bilingual:
        return _OF_CELL[self.kind] if self.by_cell else Bilingual(zh="不符合产品条件", en="Not eligible for the offer")

    def applies(self, claims: Claims) -> exp.Expr:
        if self.by_cell:
            return _by_cell(claims, self.name, lambda offers: self._fails(claims, offers))
        return self._fails(claims, claims.subject("offer", needed_by=self.name))

    def _fails(self, claims: Claims, offers: tuple[str, ...]) -> exp.Expr:
        required = claims.requirements(offers)
        return exp.not_(exp.and_(*required)) if required else exp.false()


class Consent(ExclusionKind):
    """Customers who have not agreed to a channel or purpose: {consent: sms}. Unknown is no consent.

    The catalogue of customer fields says which field holds which consent.
    """

    kind = "consent"
    consent: str = Field(pattern=LIST_NAME, description="Channel or purpose that the catalogue has a consent field for")

    @property
    def name(self) -> str:
        return f"consent_{self.consent}"

    @property
    def label(self) -> Bilingual:
        zh, en = _AGREED.get(self.consent, (f"{self.consent} ", self.consent))
        return Bilingual(zh=f"未同意{zh}".strip(), en=f"No consent to {en}")

    def applies(self, claims: Claims) -> exp.Expr:
        return exp.not_(claims.consent(self.consent))


class Holdout(BareWord):
    """Customers of the global holdout, whom no case contacts: holdout. The version in force when the selection is made
    counts; without one nobody is held out."""

    kind = "holdout"

    @property
    def label(self) -> Bilingual:
        return Bilingual(zh="全局留白", en="Global holdout")

    def applies(self, claims: Claims) -> exp.Expr:
        return claims.held_out()


class Capped(BareWord):
    """Customers who by the contact history have no contact left under the contact policy: policy. The version in force
    when the selection is made counts, for the case's purpose and category; a customer who still may be contacted over
    one of its channels stays."""

    kind = "policy"

    @property
    def label(self) -> Bilingual:
        return Bilingual(zh="接触次数已用完", en="No contact left")

    def applies(self, claims: Claims) -> exp.Expr:
        policy = claims.capped()
        if policy is None:
            return exp.false()
        counted, reached = policy.counted(claims.as_of), policy.reached(claims.as_of)
        return claims.among("contacts", "customer", counted, reached)

    def evidence(self, claims: Claims) -> Evidence | None:
        policy = claims.capped()
        if policy is None:
            return None
        shown = ("case_number", "at", "offer", "channel", *(("purpose",) if policy.asks_purpose else ()))
        return Evidence("contacts", shown, policy.counted(claims.as_of))


class Lost(BareWord):
    """Customers whom the arbitration that holds for the case gave to others, or to nobody because contacts or channel
    are used up: arbitration. A case that no arbitration holds for loses nobody."""

    kind = "arbitration"

    @property
    def label(self) -> Bilingual:
        return Bilingual(zh="竞合未得", en="Lost in arbitration")

    def applies(self, claims: Claims) -> exp.Expr:
        return claims.among(self.kind, "customer")

    def evidence(self, claims: Claims) -> Evidence:
        return Evidence(self.kind, ("case_number", "lost_by"), exp.true())


class Household(ExclusionKind):
    """All but one customer of a household: {household: c.household_id, keep: c.arpu}. Stands last.

    It chooses among those whom nothing else removes: the customer with the highest `keep` stays, among equals a stable
    hash decides. Who is in no household stays.
    """

    kind = "household"
    household: str = Field(min_length=1, description="An expression that is the same for customers of one household")
    keep: str | None = Field(None, min_length=1, description="An expression; the customer with the highest value stays")

    @property
    def label(self) -> Bilingual:
        return Bilingual(zh="同户多余客户", en="Others of the household")

    def applies(self, claims: Claims) -> exp.Expr:
        return exp.false()  # one customer alone cannot tell: the statement numbers those who are left of a household


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


class InGroup(ExclusionKind):
    """Customers of a saved customer group: {group: vip}, {group: vip@3}, {group: form.target}."""

    kind = "group"
    group: str = Field(
        pattern=GROUP, description="Its name, NAME@VERSION, or the field of the form with one of them: form.FIELD"
    )

    @property
    def name(self) -> str:
        return f"group_{self.group.removeprefix('form.').replace('@', '_')}"

    @property
    def label(self) -> Bilingual:
        return Bilingual(zh=f"客户群 {self.group}", en=f"Customer group {self.group}")

    def applies(self, claims: Claims) -> exp.Expr:
        return claims.no_group(self.group)


class InSavedGroup(InGroup):
    """The same with the version that is used in the place of its name; no text of the language says it."""

    saved: SavedGroup

    @property
    def label(self) -> Bilingual:
        if self.group.startswith("form."):
            return super().label  # the field may be hidden from who reads the waterfall
        return Bilingual(zh=f"客户群 {self.saved.title}", en=f"Customer group {self.saved.title}")

    def applies(self, claims: Claims) -> exp.Expr:
        return self.saved.claim(claims)


_UNITS = {"d": ("天", "days"), "h": ("小时", "hours"), "m": ("分钟", "minutes"), "s": ("秒", "seconds")}
_SIMILAR: dict[str | None, tuple[str, str]] = {
    None: ("", ""),
    "category": ("同类", " by a case of the same category"),
    "offer": ("同一产品", " by a case of the same offer"),
    "family": ("同一产品系列", " by a case of the same offer family"),
    "tag": ("同一标签", " by a case with the same tag"),
    "channel": ("同一渠道", " over the same channel"),
}
_COMPARED = {
    "category": ("category", "category"),
    "offer": ("offer", "offer"),
    "family": ("offer", "family"),
    "tag": ("offer", "tag"),
    "channel": ("channel", "channels"),
}
"""Which column of a contact is compared with which fact of the case."""
_OF_CELL = {
    "conflicts": Bilingual(zh="与客户群产品抵触", en="Conflicts with the cell's offer"),
    "eligible": Bilingual(zh="不符合客户群产品条件", en="Not eligible for the cell's offer"),
}
_AGREED = {
    "sms": ("接收短信", "SMS"),
    "email": ("接收邮件", "e-mail"),
    "call": ("接听外呼", "calls"),
    "marketing": ("营销用途", "marketing"),
    "profiling": ("画像用途", "profiling"),
}


def _by_cell(claims: Claims, needed_by: str, applies: Callable[[tuple[str, ...]], exp.Expr]) -> exp.Expr:
    """What applies to the offers of the first cell that holds; nothing in no cell."""
    case = exp.Case()
    for _, holds, offers in claims.cells(needed_by):
        case = case.when(holds, applies(offers), copy=False)
    return case.else_(exp.false())


def _one_of(column: str, values: Sequence[str]) -> exp.Expr:
    return exp.column(column).isin(*map(exp.Literal.string, values))


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
    | Annotated[Eligible, Tag("eligible")]
    | Annotated[Consent, Tag("consent")]
    | Annotated[Holdout, Tag("holdout")]
    | Annotated[Capped, Tag("policy")]
    | Annotated[Lost, Tag("arbitration")]
    | Annotated[RuleHolds, Tag("rule")]
    | Annotated[OnList, Tag("list")]
    | Annotated[InGroup, Tag("group")]
    | Annotated[Household, Tag("household")]
)
Exclusion = Annotated[_AnyExclusion, Discriminator(_kind_of)]
_KINDS = frozenset(get_args(kind)[0].kind for kind in get_args(_AnyExclusion))
