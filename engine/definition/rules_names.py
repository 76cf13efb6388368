"""E2xx: names that nothing has. Every one comes with the nearest name that exists."""

from collections.abc import Iterator

from engine.audience.exclusions import Consent
from engine.definition.catalogue import known_catalogues
from engine.definition.document import Path
from engine.definition.extends_lifecycle import usual
from engine.definition.findings import Finding, LintRule, Subject
from engine.definition.lifecycle import ENDED_BY_HAND, OF_THE_DELIVERY, OUTCOMES, WHOLE
from engine.definition.model import Definition
from engine.definition.rules_cells import named_fields
from engine.definition.rules_message import HINTS, all_templates, names_for
from engine.definition.steps import Approve, Copy, File, Include, Use
from engine.delivery.message import suggestion, unusable
from engine.expr.types import nearest
from engine.machine.expiring import EXPIRED


class UnknownChain(LintRule):
    """there is no chain {name}"""

    code = "E201"

    def find(self, subject: Subject) -> Iterator[Finding]:
        uses: list[tuple[Path, str]] = [
            (("approval", "route", n, "use" if hasattr(row, "when") else "else"), row.use)
            for n, row in enumerate(subject.definition.approval.route)
        ]
        for path, step in subject.steps:
            if isinstance(step, File) and step.objection:
                uses.append(((*path, "objection", "then"), step.objection.then))
            if isinstance(step, File) and step.convert:
                uses.append(((*path, "convert"), step.convert))
            if isinstance(step, Include):
                uses.append(((*path, "include"), step.include))
        for path, name in uses:
            if name not in subject.chains:
                yield Finding(path, {"name": name}, nearest(name, subject.chains))


class UnknownBlock(LintRule):
    """there is no block {name}"""

    code = "E202"

    def find(self, subject: Subject) -> Iterator[Finding]:
        for path, step in subject.steps:
            if isinstance(step, Use) and step.use not in subject.blocks:
                hint = nearest(step.use, subject.blocks)
                if step.use in subject.chains:
                    hint = f"{step.use} is a chain: write include: {step.use}"
                yield Finding((*path, "use"), {"name": step.use}, hint)


class UnknownField(LintRule):
    """the proposal has no field {name}"""

    code = "E203"

    def find(self, subject: Subject) -> Iterator[Finding]:
        definition = subject.definition
        if subject.shape.was_lost("proposal", "fields") and not subject.fields:
            return
        uses: list[tuple[Path, str, bool]] = [
            (("proposal", "material", n), name, False) for n, name in enumerate(definition.proposal.material)
        ]
        uses += [
            (("proposal", "aspects", aspect, n), name, False)
            for aspect, names in definition.proposal.aspects.items()
            for n, name in enumerate(names)
        ]
        uses += [
            (("proposal", "checks", n, "at"), check.at, False)
            for n, check in enumerate(definition.proposal.checks)
            if check.at
        ]
        for path, step in subject.steps:
            if isinstance(step, Approve | File | Copy):
                uses += [((*path, "fields", name), name, True) for name in step.fields if name != "*"]
        if definition.approval.splitting:
            uses.append((("approval", "splitting", "field"), definition.approval.splitting.field, False))
        if definition.audience and definition.audience.drift:
            uses.append((("audience", "drift", "from"), definition.audience.drift.source, False))
        arbitration = definition.audience.arbitration if definition.audience else None
        if arbitration and isinstance(arbitration.priority, str):
            uses.append((("audience", "arbitration", "priority"), arbitration.priority, False))
        uses += [(path, field, False) for _, path, field in named_fields(subject)]
        if definition.delivery and definition.delivery.message:
            for path, words in definition.delivery.message.every:
                if words.field:
                    uses.append((("delivery", "message", *path, "field"), words.field, False))
            if definition.delivery.message.email and definition.delivery.message.email.field:
                uses.append((("delivery", "message", "email", "field"), definition.delivery.message.email.field, False))
        for path, name, at_key in uses:
            if name not in subject.fields:
                yield Finding(path, {"name": name}, nearest(name, subject.fields), at_key=at_key)


class UnknownStep(LintRule):
    """the chain {chain} has no step {name} to drop"""

    code = "E204"

    def find(self, subject: Subject) -> Iterator[Finding]:
        chains = subject.definition.approval.chains
        for path, step in subject.steps:
            if isinstance(step, Include) and step.include in chains:
                if subject.shape.was_lost("approval", "chains", step.include):
                    continue
                names = _names_in(subject, step.include, frozenset())
                for n, name in enumerate(step.drop):
                    if name not in names:
                        fields = {"chain": step.include, "name": name}
                        yield Finding((*path, "drop", n), fields, nearest(name, names))


def _names_in(subject: Subject, chain: str, above: frozenset[str]) -> frozenset[str]:
    names: set[str] = set()
    for step in subject.definition.approval.chains.get(chain, ()):
        if isinstance(step, Include):
            if step.include not in above:
                names |= _names_in(subject, step.include, above | {chain}) - set(step.drop)
        else:
            names.add(step.name)
    return frozenset(names)


class StepTwice(LintRule):
    """the step {name} stands twice in the chain {chain}"""

    code = "E205"

    def find(self, subject: Subject) -> Iterator[Finding]:
        approval = subject.definition.approval
        for chain, steps in approval.chains.items():
            seen: set[str] = set()
            for n, step in enumerate(steps):
                names: set[str] = set()
                if isinstance(step, Include):
                    if step.include == chain:
                        continue  # IncludesItself tells
                    names = set(_names_in(subject, step.include, frozenset({chain}))) - set(step.drop)
                elif isinstance(step, Use) and step.use in approval.blocks:
                    names = {step.use} | {branch.approve for branch in approval.blocks[step.use].parallel}
                else:
                    names = {step.name}
                for name in sorted(names & seen):
                    fields = {"name": name, "chain": chain}
                    yield Finding(("approval", "chains", chain, n), fields, "give it another name, or drop it")
                seen |= names


class BranchTwice(LintRule):
    """the branch {name} stands twice in the block {block}"""

    code = "E206"

    def find(self, subject: Subject) -> Iterator[Finding]:
        for block, parallel in subject.definition.approval.blocks.items():
            names = [branch.name for branch in parallel.parallel]
            for n, name in enumerate(names):
                if name in names[:n]:
                    path = ("approval", "blocks", block, "parallel", n)
                    yield Finding(path, {"name": name, "block": block}, "give it another name")


class UnknownCatalogue(LintRule):
    """there is no catalogue of customer fields {name}"""

    code = "E207"

    def find(self, subject: Subject) -> Iterator[Finding]:
        name, known = subject.definition.catalogue, known_catalogues()
        if name not in known:
            yield Finding(("catalogue",), {"name": name}, nearest(name, known))


class UnknownCustomerField(LintRule):
    """the catalogue {catalogue} has no customer field {name}"""

    code = "E208"

    def find(self, subject: Subject) -> Iterator[Finding]:
        delivery, catalogue = subject.definition.delivery, subject.catalogue
        if delivery is None or not catalogue.fields:
            return
        uses: list[tuple[Path, str]] = []
        if delivery.message:
            uses += [(("delivery", "message", "fields", n), name) for n, name in enumerate(delivery.message.fields)]
            channels = dict.fromkeys(channel for wave in delivery.waves for channel in wave.channel)
            for channel in channels:
                said = ("addresses", channel) if channel in delivery.addresses else ("address",)
                if name := delivery.address_for(channel):
                    uses.append((("delivery", *said), name))
        for path, name in dict.fromkeys(uses):
            if name not in catalogue.fields:
                fields = {"name": name, "catalogue": catalogue.name}
                yield Finding(path, fields, nearest(name, tuple(catalogue.fields)))


class AddressInMessage(LintRule):
    """the message would tell {name}, an address that is sealed until it is sent to"""

    code = "E352"

    def find(self, subject: Subject) -> Iterator[Finding]:
        delivery = subject.definition.delivery
        if delivery is None or not delivery.message:
            return
        for n, name in enumerate(delivery.message.fields):
            if name in subject.catalogue.addresses:
                yield Finding(("delivery", "message", "fields", n), {"name": name}, "take the field out of the message")


class UnknownConsent(LintRule):
    """the catalogue {catalogue} has no field for the consent to {name}"""

    code = "E214"

    def find(self, subject: Subject) -> Iterator[Finding]:
        audience, catalogue = subject.definition.audience, subject.catalogue
        if audience is None or not catalogue.fields:
            return
        for n, exclusion in enumerate(audience.remove):
            if isinstance(exclusion, Consent) and exclusion.consent not in catalogue.consents:
                hint = nearest(exclusion.consent, tuple(catalogue.consents))
                fields = {"name": exclusion.consent, "catalogue": catalogue.name}
                yield Finding(("audience", "remove", n, "consent"), fields, hint)


class UnknownPlaceholder(LintRule):
    """the message cannot fill {what}"""

    code = "E209"

    def find(self, subject: Subject) -> Iterator[Finding]:
        for path, template, longest in all_templates(subject):
            allowed = names_for(subject)
            for found in unusable(template, allowed, longest):
                hint = suggestion(found, allowed) or HINTS.get(found.why, "")
                yield Finding(path, {"what": found.what}, hint, offset=found.offset)


class ChainCalledLikeState(LintRule):
    """the chain {name} is called like a state of the case"""

    code = "E213"

    def find(self, subject: Subject) -> Iterator[Finding]:
        taken = _states(subject.definition)
        for name in subject.definition.approval.chains:
            if name in taken:
                hint = "call the chain otherwise, and where it is used: a case is in both while it is approved"
                yield Finding(("approval", "chains", name), {"name": name}, hint, at_key=True)


def _states(definition: Definition) -> set[str]:
    """What a case of the definition may be in besides its chains."""
    has = {stage: getattr(definition, stage) is not None for stage in ("audience", "delivery", "evaluation")}
    section = definition.lifecycle or usual(**has)
    states = {name for _, name, _, _ in section.walk()}
    expired = (EXPIRED,) if definition.approval.expires is not None else ()
    return states | {WHOLE, *ENDED_BY_HAND, *OUTCOMES, *expired, *(OF_THE_DELIVERY if has["delivery"] else ())}


class ParamWithoutValue(LintRule):
    """the param {name} has no value"""

    code = "E117"

    def find(self, subject: Subject) -> Iterator[Finding]:
        if subject.definition.kind == "CaseDefinition":
            for name, value in subject.definition.params_.items():
                if value is None:
                    hint = f"give it under params: {name}: ..."
                    yield Finding(("params", name), {"name": name}, hint, at_key=True)


NAMES = (
    UnknownChain(),
    UnknownBlock(),
    UnknownField(),
    UnknownStep(),
    StepTwice(),
    BranchTwice(),
    UnknownCatalogue(),
    UnknownCustomerField(),
    UnknownConsent(),
    AddressInMessage(),
    UnknownPlaceholder(),
    ChainCalledLikeState(),
    ParamWithoutValue(),
)
