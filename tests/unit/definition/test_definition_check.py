"""The check: every kind of mistake, told once, at its place, with a hint."""

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.definition.check import check
from engine.definition.load import load
from engine.errors import InvalidDefinition, Problem
from tests.support import cpu_seconds

Broken = Callable[..., list[Problem]]
ROOT = Path(__file__).resolve().parents[3]
SHIPPED = sorted((ROOT / "definitions").glob("*.yaml"))
TEN = Path(__file__).with_name("ten_mistakes.yaml")

AUDIENCE = """\
audience:
  source: {rule: "c.arpu >= 38"}
"""
EVALUATION = """\
evaluation:
  at: [7d]
  metrics: [reach]
"""
GUARANTEE = """\
guarantees:
  - {never: approved, before: "head approved", when: "form.budget > params.limit"}
"""
DELIVERY = """\
delivery:
  waves: [{name: all, share: rest, channel: sms}]
  message: {text: "您好 {tariff}", fields: [tariff]}
  address: phone
"""
BY_MAIL = """\
delivery:
  waves: [{name: all, share: rest, channel: email}]
  message:
    fields: [tariff]
    email:
      subject: "{form.title}"
      text: "{tariff}"
"""


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_shipped_definition_has_nothing_to_complain_about(file: Path) -> None:
    assert check(file.read_text(encoding="utf-8"), file.name).problems == ()


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_shipped_definition_is_checked_in_a_moment(file: Path) -> None:
    """300 ms for 200 lines."""
    text = file.read_text(encoding="utf-8")
    assert cpu_seconds(lambda: check(text)) < 0.3 * max(text.count("\n") / 200, 1)


def test_the_small_definition_is_right(small: str) -> None:
    assert check(small).problems == ()


def test_ten_mistakes_are_told_at_once_each_with_place_and_hint() -> None:
    text = TEN.read_text(encoding="utf-8")
    checked = check(text, "ten.yaml")
    assert checked.definition is None
    assert [(problem.line, problem.column, problem.code) for problem in checked.problems] == [
        (9, 69, "E111"),
        (12, 22, "E203"),
        (14, 3, "E401"),
        (15, 20, "E303"),
        (16, 15, "E304"),
        (16, 42, "E201"),
        (18, 34, "E701"),
        (21, 64, "E601"),
        (22, 15, "E202"),
        (23, 5, "E501"),
    ]
    assert all(problem.hint or "write" in problem.message for problem in checked.problems)
    lines = text.splitlines()
    pointed = {problem.code: lines[problem.line - 1][problem.column - 1 :] for problem in checked.problems}
    assert pointed["E111"].startswith("maximum")
    assert pointed["E203"].startswith("raech")
    assert pointed["E303"].startswith("budgit")
    assert pointed["E701"].startswith("3wdd")
    assert pointed["E202"].startswith("city_countersing")


def test_load_raises_all_problems(small: str) -> None:
    with pytest.raises(InvalidDefinition) as caught:
        load(TEN.read_text(encoding="utf-8"), "ten.yaml")
    assert len(caught.value.problems) == 10
    assert str(caught.value.problems[0]).startswith("ten.yaml:9:69: E111 unknown key maximum (did you mean max?)")


def watching(splitting: str) -> tuple[str, str]:
    """The small definition watches for splitting."""
    return "  defaults:\n", f"  splitting: {{{splitting}}}\n  defaults:\n"


CASES = [
    # shape
    (("version: 1", "version: one"), "E112", "one"),
    (("version: 1", "version: true"), "E112", "true"),
    (("kind: CaseDefinition", "kind: CaseDefinitoin"), "E112", "CaseDefinitoin"),
    (("name: small-case", "name: Small Case"), "E112", "Small Case"),
    (("name: small-case\n", ""), "E110", "apiVersion"),
    (("required: true}\n    budget", "required: yes}\n    budget"), "E112", "yes"),
    (("required: true}\n    budget", "requird: true}\n    budget"), "E111", "requird"),
    (("type: money", "type: mony"), "E114", "{type"),
    (("type: money, ", ""), "E114", "{label"),
    (('min: "0"', "min: 0.5"), None, ""),
    (('min: "0"', "min: none"), "E112", "none"),
    (("{approve: head", "{aprove: head"), "E114", "{aprove"),
    (("{approve: head", "{approve: Head"), "E112", "Head"),
    ((', who: "head@county"', ""), "E110", "{approve: head"),
    (('who: "head@county"', 'whoo: "head@county"'), "E111", "whoo"),
    (('"head@county"', '"boss@county"'), "E601", '"boss'),
    (('"head@county"}', '"head@county", decide: {mode: most}}'), "E114", "{mode: most"),
    (('"head@county"}', '"head@county", decide: {mode: quorum}}'), "E110", "decide"),
    (('"head@county"}', '"head@county", decide: any}'), "E112", "any"),
    (("  route:\n", "  routes:\n"), "E111", "routes"),
    (('limit: "100.00"', "limit: 100.00"), "E112", "100.00"),
    (("material: [budget]", "material: budget"), "E112", "budget"),
    (("type: text, label: {zh: 案名", "type: text, pattern: '(?=a)b', label: {zh: 案名"), "E112", "'(?=a)b'"),
    # names
    (("use: long}", "use: lon}"), "E201", "lon}"),
    (("then: long", "then: longer"), "E201", "longer"),
    (("{use: both}", "{use: booth}"), "E202", "booth"),
    (("{use: both}", "{use: both}\n      - {use: long}"), "E202", "long}"),
    (("[budget]", "[budget, bugdet]"), "E203", "bugdet"),
    (('"head@county"}', '"head@county", fields: {goall: read}}'), "E203", "goall"),
    (("{use: both}", "{use: both}\n      - {include: short, drop: [regster]}"), "E204", "regster"),
    (
        ("{use: both}", "{use: both}\n      - {approve: head, label: {zh: 甲, en: A}, who: superior}"),
        "E205",
        "{approve: head, label: {zh: 甲",
    ),
    (("version: 1", "version: 1\ncatalogue: custmers"), "E207", "custmers"),
    # expressions
    (("form.budget > params.limit", "params.limit <"), "E301", '"'),
    (("form.budget > params.limit", "form.budgt > params.limit"), "E303", "budgt"),
    (("form.budget > params.limit", "form.title > params.limit"), "E304", "form.title"),
    (("form.budget > params.limit", "form.budget + params.limit"), "E305", "form.budget +"),
    (("form.budget > params.limit", "c.arpu > params.limit"), "E302", "c.arpu"),
    # splitting and deciding together
    (watching("field: budget, limits: [params.limit, '5000'], within: 7d, share: 90%, count: 2"), None, ""),
    (watching("field: budgt, limits: [params.limit]"), "E203", "budgt"),
    (watching("field: title, limits: [params.limit]"), "E313", "title"),
    (watching("field: budget, limits: [params.limt]"), "E303", "limt]"),
    (watching("field: budget, limits: [form.budget]"), "E302", "form.budget]"),
    (watching("field: budget, limits: [\"'much'\"]"), "E305", "'much"),
    (watching("field: budget, limits: []"), "E112", "[]"),
    (watching("field: budget, limits: [params.limit], within: 3wd"), "E710", "3wd"),
    (watching("field: budget, limits: [params.limit], within: 0d"), "E710", "0d"),
    (watching("field: budget, limits: [params.limit], share: 100%"), "E112", "100%"),
    (watching("field: budget, limits: [params.limit], count: 1"), "E112", "1}"),
    (("  defaults:\n", '  defaults:\n    bulk: {limit: "form.budget < 5"}\n'), None, ""),
    (("  defaults:\n", '  defaults:\n    bulk: {limit: "form.budgt < 5"}\n'), "E303", "budgt"),
    (("  defaults:\n", "  defaults:\n    bulk: never\n"), None, ""),
    (("  defaults:\n", "  defaults:\n    bulk: {limits: 5}\n"), "E111", "limits"),
    # people
    (('who: "head@county"', 'who: [{when: "form.budget > 1", who: superior}]'), "E602", "{when"),
    (('who: "head@county"', "who: [superior, {else: superior}]"), "E603", "superior, {else"),
    (('who: "head@county"', 'who: [{else: superior}, {when: "form.budget > 1", who: superior}]'), "E603", "{else"),
    (('who: "head@county"', 'who: [{when: "form.budgt > 1", who: superior}, {else: superior}]'), "E303", "budgt"),
    (('who: "head@county"', 'who: [superior, "boss@county"]'), "E601", '"boss'),
    (('who: "head@county"', 'who: "field(title)"'), "E604", '"field(title'),
    (('who: "head@county"', 'who: ["field(titel)", superior]'), "E604", '"field(titel'),
    (('who: "head@county"', 'who: "superior(2)"'), None, ""),
    (('who: "head@county"', 'who: ["head@county", superior]'), None, ""),
    (
        ("    budget:", "    boss: {type: person, among: field(boss), label: {zh: 甲, en: A}}\n    budget:"),
        "E605",
        "field(b",
    ),
    # routes
    (("    - {else: short}\n", '    - {when: "form.budget < 5", use: short}\n'), "E401", "route"),
    (
        ("    - {else: short}\n", '    - {else: short}\n    - {when: "form.budget < 5", use: short}\n'),
        "E402",
        '{when: "form.budget < 5',
    ),
    (
        ("    - {else: short}\n", '    - {when: "form.budget>params.limit", use: short}\n    - {else: short}\n'),
        "E403",
        '"form.budget>params',
    ),
    (("form.budget > params.limit", "params.limit > 5"), "E404", '"params.limit > 5'),
    # soundness
    (
        ("  blocks:", "    extra:\n      - {approve: x, label: {zh: 甲, en: X}, who: superior}\n  blocks:"),
        "E501",
        "extra",
    ),
    (("      - {use: both}\n", ""), "E502", "both"),
    (("    both:\n", "    both:\n      join: {n: 3}\n"), "E503", "3}"),
    (("    short:\n", "    empty: []\n    short:\n", "use: long}", "use: empty}"), "E504", "empty"),
    (("{use: both}", "{use: both}\n      - {include: long}"), "E505", "long}"),
    (("then: long", "then: short"), "E506", "short"),
    (("ack: 5wd\n", "ack: 5wd\n        convert: short\n"), "E506", "short"),
    (("ack: 5wd\n", "ack: 5wd\n        convert: logn\n"), "E201", "logn"),
    (("        objection: {window: 2wd, then: long}\n", "        convert: long\n"), None, ""),
    # time
    (("at: 3wd", "at: 3"), "E701", "3}"),
    (("at: 3wd", "at: 72h"), "E703", "1wd"),
    (("[1wd]", "[3wd]"), "E704", "3wd"),
    (("ack: 5wd", "ack: 0wd"), "E705", "0wd"),
    (("approve: service,", "approve: finance,"), "E206", "{approve: finance"),
    # style
    (("label: {zh: 经理, en: Head}", "label: {zh: 经理}"), "W801", "{approve: head"),
    (("form.budget > params.limit", "form.goal == 'x' || form.budget > params.limit"), "W802", '"form.goal'),
    (('limit: "100.00"', 'limit: "100.00", unused: 5'), "W803", "unused"),
    (("ack: 5wd\n", 'ack: 5wd\n        register: "备{year}-{seq:05}"\n'), "W807", '"备{year}'),
    (("ack: 5wd\n", 'ack: 5wd\n        register: "{office.code}-{year}"\n'), "E112", '"{office'),
    (("ack: 5wd\n", 'ack: 5wd\n        register: "市备[{year}]{office.code}号{seq:03}"\n'), None, ""),
    # not supported yet
    (("version: 1\n", "version: 1\nextends: telecom-marketing-caes\n"), "E210", "telecom"),
    (("remind: [1wd], at: 3wd", "remind: [1wd], at: 3wd, do: pass"), "E112", "pass"),
    (('"head@county"}', '"head@county", timeout: {at: 3wd, do: approve}}'), "E706", "approve}"),
    (('"head@county"}', '"head@county", timeout: {at: 3wd, do: approve, limit: "true"}}'), "E706", "approve,"),
    (('"head@county"}', '"head@county", timeout: {at: 3wd, do: approve, limit: "form.budget <= 5"}}'), None, ""),
    (('"head@county"}', '"head@county", timeout: {at: 3wd, do: approve, limit: "form.budgt <= 5"}}'), "E303", "budgt"),
    (('"head@county"}', '"head@county", timeout: {at: 3wd, do: return, limit: "form.budget <= 5"}}'), "E707", '"form'),
    (('"head@county"}', '"head@county", timeout: {remind: [1wd], do: return}}'), "E708", "return}"),
    (('"head@county"}', '"head@county", timeout: {remind: [4wh], at: 3wd}}'), "E703", "4wh"),
    (('"head@county"}', '"head@county", self: {assign: superior}, repeat: carry_adjacent}'), None, ""),
    (("  defaults:\n", "  defaults:\n    link: direct\n"), "W810", "direct"),
    (("  defaults:\n", "  defaults:\n    link: sign_in\n"), None, ""),
    (('"head@county"}', '"head@county", decide: {mode: vote, pass: "votes.yess > 1"}}'), "E303", "yess"),
    (('"head@county"}', '"head@county", decide: {mode: vote, pass: "votes.no > votes.yes"}}'), "E512", "{mode"),
    (('"head@county"}', '"head@county", decide: {mode: vote, quorum: "votes.cast > votes.total"}}'), "E512", "{mode"),
    (('"head@county"}', '"head@county", decide: {mode: vote, pass: "votes.yes * 3 >= votes.cast * 2"}}'), None, ""),
    (('"head@county"}', '"head@county", decide: {mode: quorum, n: 160%}}'), "E112", "160%"),
    (('"head@county"}', '"head@county", allow: [transfers]}'), "E112", "transfers"),
    (('"head@county"}', '"head@county", fields: {budget: write, "*": hidden}}'), None, ""),
    (("approval:\n", "approval:\n  expires: 30wd\n"), None, ""),
    (("approval:\n", "approval:\n  expires: 0wd\n"), "E705", "0wd"),
    (("approval:\n", "approval:\n  expires: 3wd\n"), "E709", "3wd"),
    (("approval:\n", "approval:\n  expires: soon\n"), "E701", "soon"),
    (('"head@county"}', '"head@county", fields: {budgt: write}}'), "E203", "budgt"),
    (('"head@county"}', '"head@county", fields: {budget: wirte}}'), "E112", "wirte"),
    (("ack: 5wd\n", "ack: 5wd\n        fields: {goal: hidden}\n"), None, ""),
    (("ack: 5wd\n", "ack: 5wd\n        fields: {budget: write}\n"), "E112", "write"),
    (("ack: 5wd\n", "ack: 5wd\n        fields: {gaol: hidden}\n"), "E203", "gaol"),
    (("{use: both}", "{use: both, fields: {budget: read}}"), "E111", "fields"),
]


@pytest.mark.parametrize(
    ("change", "code", "points_at"), CASES, ids=[f"{code}-{n}" for n, (_, code, _) in enumerate(CASES)]
)
def test_one_mistake_is_told_once_at_its_place(
    broken: Broken, small: str, change: tuple[str, ...], code: str | None, points_at: str
) -> None:
    problems = broken(*change)
    if code is None:
        assert problems == []
        return
    assert [problem.code for problem in problems] == [code], "\n".join(map(str, problems))
    text = small
    for old, new in zip(change[::2], change[1::2], strict=True):
        text = text.replace(old, new)
    line = text.splitlines()[problems[0].line - 1]
    assert line[problems[0].column - 1 :].startswith(points_at), line[problems[0].column - 1 :]


STAGES = [
    (AUDIENCE.replace("c.arpu >= 38", "c.arpuu >= 38"), "E303", "arpuu"),
    (AUDIENCE.replace("c.arpu >= 38", "c.arpu & 38") + GUARANTEE, "E301", "& 38"),
    (AUDIENCE.replace('{rule: "c.arpu >= 38"}', "{union: [{group: form.titel}]}"), "E217", "form.titel"),
    (AUDIENCE.replace('{rule: "c.arpu >= 38"}', "{group: vip@0}"), "E112", "vip@0"),
    (AUDIENCE + "  remove: [{group: form.budget}]\n", "E217", "form.budget"),
    (AUDIENCE + "  drift: {from: budget, over: 10%, then: reapprove}\n", "E312", "budget"),
    (AUDIENCE + "  drift: {from: reach, over: 0%, then: warn}\n", "E112", "0%"),
    (AUDIENCE + "  drift: {from: reach, over: 1000%, then: warn}\n", "E112", "1000%"),
    (AUDIENCE + "  drift: {from: reach, over: ten, then: warn}\n", "E112", "ten"),
    (AUDIENCE + "  drift: {from: reech, over: 10%, then: reapprove}\n", "E203", "reech"),
    (AUDIENCE + "  arbitration: {priority: 1}\n", "E341", "arbitration"),
    (AUDIENCE + "  remove: [arbitration]\n  arbitration: {priority: rech}\n", "E203", "rech"),
    (AUDIENCE + "  remove: [arbitration]\n  arbitration: {priority: budget}\n", "E340", "budget"),
    (AUDIENCE + "  remove: [arbitration]\n  arbitration: {score: c.arpu > 38}\n", "E342", "c.arpu > 38"),
    (AUDIENCE + "  remove: [arbitration]\n  arbitration: {score: c.arpo}\n", "E303", "arpo"),
    (AUDIENCE + '  cells: {a: {when: "true", offer: form.budget}}\n', "E343", "form.budget"),
    (AUDIENCE + '  cells: {a: {when: "true", offer: form.titel}}\n', "E203", "form.titel"),
    (AUDIENCE + '  cells: {a: {when: "c.arpo > 1"}, b: "true"}\n', "E303", "arpo"),
    (AUDIENCE + '  cells: {a: {when: "true", offr: x}}\n', "E111", "offr"),
    (AUDIENCE + "  remove: [{conflicts: cell}]\n", "E344", "{conflicts"),
    (AUDIENCE + "  remove: [{eligible: cell}]\n", "E344", "{eligible"),
    (AUDIENCE + "  remove: [blacklst]\n", "E114", "blacklst"),
    (AUDIENCE + "  remove: [{consent: smss}]\n", "E214", "smss"),
    (AUDIENCE + "  remove: [{household: c.hosehold_id}]\n", "E303", "hosehold_id"),
    (AUDIENCE + "  remove: [{household: c.household_id, keep: c.arpo}]\n", "E303", "arpo"),
    (DELIVERY.replace("{tariff}", "{tarif}"), "E209", "{tarif}"),
    (DELIVERY.replace("[tariff]", "[tariff, tarif]"), "E208", "tarif]"),
    (DELIVERY.replace("[tariff]", "[tariff, phone]"), "E352", "phone]"),
    (AUDIENCE.replace("c.arpu >= 38", "c.phone.startsWith('138')"), "E350", "c.phone"),
    (DELIVERY.replace("address: phone", "address: mobil"), "E208", "mobil"),
    (DELIVERY.replace("sms", "pigeon"), "E112", "pigeon"),
    (DELIVERY.replace("sms", "email"), "E112", "waves"),
    (BY_MAIL.replace("{tariff}", "{tarif}"), "E209", "{tarif}"),
    (BY_MAIL.replace("{form.title}", "{form.titel}"), "E209", "{form.titel}"),
    (BY_MAIL.replace("text:", "field: titel #"), "E203", "titel"),
    (BY_MAIL + "  addresses: {email: mial}\n", "E208", "mial"),
    (BY_MAIL + "  addresses: {pigeon: email}\n", "E112", "{pigeon"),
    (DELIVERY.replace("channel: sms", 'channel: sms, hours: "20:00-09:00"'), "E702", '"20:00'),
    (DELIVERY + '  stop_when: "m.complaints_rate > 0.1"\n', "E303", "complaints_rate"),
    ("tests:\n  - {given: {}}\n", "E223", "{given"),
]


@pytest.mark.parametrize(
    ("section", "code", "points_at"), STAGES, ids=[f"{code}-{n}" for n, (_, code, _) in enumerate(STAGES)]
)
def test_a_mistake_in_a_later_section_is_told_at_its_place(
    broken: Broken, small: str, section: str, code: str, points_at: str
) -> None:
    problems = broken(add=section)
    assert code in [problem.code for problem in problems], "\n".join(map(str, problems))
    (problem,) = (problem for problem in problems if problem.code == code)
    line = (small + section).splitlines()[problem.line - 1]
    assert line[problem.column - 1 :].startswith(points_at), line[problem.column - 1 :]


@pytest.mark.parametrize("group", ["vip", "vip@3", "form.title"])
def test_a_saved_group_is_looked_for_when_it_is_used(broken: Broken, group: str) -> None:
    source = AUDIENCE.replace('{rule: "c.arpu >= 38"}', f"{{group: {group}}}")
    assert broken(add=f"{source}  remove: [{{group: {group}}}]\n") == []


def test_a_missing_section_is_told_and_the_rest_is_still_checked(broken: Broken, small: str) -> None:
    start, end = small.index("proposal:"), small.index("approval:")
    problems = check(small[:start] + small[end:].replace('"head@county"', '"boss"')).problems
    assert [problem.code for problem in problems] == ["E110", "E601"]


def test_warnings_do_not_refuse_a_definition(small: str) -> None:
    checked = check(small.replace("label: {zh: 经理, en: Head}", "label: {zh: 经理}"))
    assert [problem.severity for problem in checked.problems] == ["warning"]
    assert checked.definition is not None


def test_text_that_is_no_definition_is_refused_with_one_line() -> None:
    for text in ("just a text", "- a\n- b\n", "12"):
        checked = check(text)
        assert checked.definition is None
        assert checked.problems


def test_the_fingerprint_ignores_layout_and_knows_the_order_of_keys(small: str) -> None:
    first = load(small).fingerprint
    assert load("# a comment\n" + small.replace("{else: short}", "else: short")).fingerprint == first
    assert load(small.replace("version: 1", "version: 2")).fingerprint != first
    assert load(small).source == small
    cells = small + AUDIENCE + '  cells: {high: "c.arpu > 88", base: "true"}\n'
    swapped = small + AUDIENCE + '  cells: {base: "true", high: "c.arpu > 88"}\n'
    assert load(cells).fingerprint != load(swapped).fingerprint
