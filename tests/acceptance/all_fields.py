"""A kind of case with a field of every kind, and values for them."""

from typing import Any

from engine.service.app import Countersign
from tests.acceptance.amending_case import publish

NAME = "all-fields"
TEXT = """apiVersion: countersign/v1
kind: CaseDefinition
name: all-fields
version: 1
title: {zh: 门店促销案, en: Shop promotion}
description: {zh: 每一种字段各有一个。, en: One field of every kind.}
proposal:
  visibility: open
  fields:
    title:  {type: text, label: {zh: 案名, en: Title}, required: true, max: 40}
    goal:   {type: longtext, label: {zh: 目标, en: Goal}}
    reach:  {type: int, label: {zh: 客户数, en: Customers}, min: "1"}
    share:  {type: decimal, label: {zh: 折扣, en: Discount}}
    budget: {type: money, label: {zh: 预算, en: Budget}, required: true}
    day:    {type: date, label: {zh: 签约日, en: Signed on}}
    window: {type: daterange, label: {zh: 执行时间, en: Period}, required: true}
    kind:   {type: choice, label: {zh: 类别, en: Category}, of: {gift: {zh: 赠品, en: Gift}, cut: {zh: 折扣, en: Cut}}}
    channels: {type: set, label: {zh: 渠道, en: Channels}, of: {sms: {zh: 短信, en: SMS}, hall: {zh: 营业厅, en: Hall}}}
    owner:  {type: person, label: {zh: 负责人, en: Owner}}
    place:  {type: office, label: {zh: 执行单位, en: Place}}
    offer:  {type: ref, to: offer, label: {zh: 产品, en: Offer}}
    papers: {type: attachment, label: {zh: 附件, en: Papers}, help: {zh: 合同, en: The contract}, max: 3}
    shops:
      type: table
      label: {zh: 门店明细, en: Shops}
      columns:
        shop: {type: text, label: {zh: 门店, en: Shop}, required: true, max: 30}
        gifts: {type: int, label: {zh: 礼品数, en: Gifts}, min: "0"}
        cost: {type: money, label: {zh: 费用, en: Cost}}
  material: [budget, papers, shops]
  checks:
    - rule: "form.shops.all(one, one.cost <= form.budget)"
      say: {zh: 单店费用不得超过预算, en: No shop may cost more than the budget}
      at: shops
approval:
  route: [{else: one}]
  chains:
    one:
      - {approve: county_head, label: {zh: 县公司经理, en: County head}, who: "head@county"}
      - {approve: city_vp, label: {zh: 市场副总, en: Vice-president}, who: "role:vp_market@city"}
"""
FORM: dict[str, Any] = {
    "title": "元旦门店促销",
    "goal": "新增\n两百户",
    "reach": "1200",
    "share": "0.85",
    "budget": "12000.00",
    "day": "2026-12-01",
    "window": ["2026-12-20", "2027-01-03"],
    "kind": "gift",
    "channels": ["sms", "hall"],
    "owner": "zhengkai",
    "place": "440111",
    "offer": "flow-10g",
    "shops": [{"shop": "白云一店", "gifts": "20", "cost": "300.00"}, {"shop": "白云二店", "cost": "120.50"}],
}
PDF = b"%PDF-1.4\n" + b"x" * 2000


def published(app: Countersign, *, visibility: str = "open") -> None:
    """Put it in force."""
    publish(app, TEXT.replace("visibility: open", f"visibility: {visibility}"))
