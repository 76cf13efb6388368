"""A small definition without a fault, to be broken in one place at a time."""

from collections.abc import Callable

import pytest

from engine.definition.check import check
from engine.errors import Problem

SMALL = """\
apiVersion: countersign/v1
kind: CaseDefinition
name: small-case
version: 1
title: {zh: 小案, en: Small case}
params: {limit: "100.00"}
proposal:
  fields:
    title: {type: text, label: {zh: 案名, en: Title}, required: true}
    budget: {type: money, label: {zh: 预算, en: Budget}, required: true, min: "0"}
    goal: {type: longtext, label: {zh: 目标, en: Goal}}
  material: [budget]
approval:
  route:
    - {when: "form.budget > params.limit", use: long}
    - {else: short}
  defaults:
    timeout: {remind: [1wd], at: 3wd}
  chains:
    short:
      - file: register
        label: {zh: 备案, en: Register}
        who: "role:marketing@city"
        ack: 5wd
        objection: {window: 2wd, then: long}
    long:
      - {approve: head, label: {zh: 经理, en: Head}, who: "head@county"}
      - {use: both}
  blocks:
    both:
      parallel:
        - {approve: finance, label: {zh: 财务, en: Finance}, who: "role:finance@city"}
        - {approve: service, label: {zh: 客服, en: Service}, who: "role:service@city"}
"""


@pytest.fixture
def small() -> str:
    return SMALL


@pytest.fixture
def broken() -> Callable[..., list[Problem]]:
    """The problems of the small definition after replacing each text by the next; every replaced text must be there."""

    def problems(*replacements: str, add: str = "") -> list[Problem]:
        text = SMALL
        for old, new in zip(replacements[::2], replacements[1::2], strict=True):
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        return list(check(text + add, "small.yaml").problems)

    return problems
