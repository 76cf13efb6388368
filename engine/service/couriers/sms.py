"""Hands text messages to an SMS gateway. What it can do the settings say (`sms_guarantee`)."""

import msgspec

from engine.delivery.channels import Guarantee, Sms
from engine.service.couriers.http import HttpCourier
from engine.warehouse.wavefiles import Letter


class _Message(msgspec.Struct):
    id: str
    to: str
    text: str


class SmsCourier(HttpCourier):
    """The SMS gateway at `url`, which may lie anywhere: the operator's settings name it."""

    def __init__(self, url: str, secret: str, guarantee: Guarantee = Sms.guarantee) -> None:
        super().__init__(url, secret, guarantee)

    def message(self, name: str, letter: Letter) -> msgspec.Struct:
        """See HttpCourier: the number and the text."""
        return _Message(name, letter.address, letter.text)
