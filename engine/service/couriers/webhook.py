"""Hands messages to an address of another system of the house, in the SMS gateway's protocol.

The host is looked up for every connection and only what is allowed is connected to, so that a name which leads
elsewhere a moment later gains nothing; redirects are not followed. Private networks only where the settings say so
(`private_addresses`), the metadata services of clouds never.
"""

import asyncio
import socket
from typing import Any

import msgspec

from engine.delivery.channels import Webhook
from engine.service import addresses
from engine.service.addresses import AddressRefused, Target
from engine.service.couriers.courier import Batch
from engine.service.couriers.handed import Handed
from engine.service.couriers.http import REQUESTS_IN_FLIGHT, HttpCourier
from engine.warehouse.wavefiles import Letter


class _Message(msgspec.Struct, omit_defaults=True):
    id: str
    customer: str
    text: str
    cell: str = ""
    to: str = ""


class WebhookCourier(HttpCourier):
    """The address at `url`, signed with `secret`. An address that is not allowed takes nothing, and says why."""

    follows_redirects = False

    def __init__(self, url: str, secret: str, *, private: bool) -> None:
        super().__init__(url, secret, Webhook.guarantee)
        self._private = private
        self._refusal = ""
        try:
            addresses.parsed(self._url, private=private)
        except AddressRefused as refused:
            self._refusal = refused.message if url else "no address is set for this channel"

    def message(self, name: str, letter: Letter) -> msgspec.Struct:
        """See HttpCourier: the customer, the cell and the text; an address only where the plan names its field."""
        return _Message(name, letter.customer, letter.text, letter.cell, letter.address)

    def connector(self) -> Any:
        """See HttpCourier: one that asks the guard, and anew for every connection."""
        resolver = _guarded(self._private)
        return self._http.TCPConnector(limit=REQUESTS_IN_FLIGHT, resolver=resolver, use_dns_cache=False)

    async def hand(self, batch: Batch) -> Handed:
        """See Courier."""
        if self._refusal:
            self.is_down = True
            return Handed(refused=[letter.row for letter in batch.letters], error=self._refusal)
        return await super().hand(batch)


def _guarded(private: bool) -> Any:
    """Resolves names to numbers that may be connected to; OSError, which is a failed connection, for others."""
    from aiohttp.abc import AbstractResolver, ResolveResult  # noqa: PLC0415  # takes long to load

    class Guarded(AbstractResolver):
        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
        ) -> list[ResolveResult]:
            try:
                numbers = await asyncio.to_thread(
                    addresses.resolved, Target("", False, host, port, ""), private=private
                )
            except AddressRefused as refused:
                raise OSError(0, refused.message) from None
            return [
                ResolveResult(
                    hostname=host,
                    host=number,
                    port=port,
                    family=socket.AF_INET6 if ":" in number else socket.AF_INET,
                    proto=0,
                    flags=socket.AI_NUMERICHOST,
                )
                for number in numbers
            ]

        async def close(self) -> None:
            """Nothing is open."""

    return Guarded()
