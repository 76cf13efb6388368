"""Which courier serves which channel, with the settings it needs."""

from collections.abc import Callable

from engine.delivery.channels import CHANNELS, Call, Email, FileHandOff, Guarantee, Hall, Sms, Webhook
from engine.service.couriers.courier import Courier
from engine.service.couriers.email import EmailCourier
from engine.service.couriers.files import FileCourier
from engine.service.couriers.placing import PlacingCourier
from engine.service.couriers.sms import SmsCourier
from engine.service.couriers.webhook import WebhookCourier
from engine.settings import Settings

_COURIERS: dict[str, Callable[[Settings], Courier]] = {
    Sms.name: lambda settings: SmsCourier(settings.sms_url, settings.sms_secret, settings.sms_guarantee),
    FileHandOff.name: lambda settings: FileCourier(settings.data),
    Hall.name: lambda _settings: PlacingCourier(),
    Call.name: lambda _settings: PlacingCourier(),
    Email.name: EmailCourier,
    Webhook.name: lambda settings: WebhookCourier(
        settings.delivery_webhook_url, settings.delivery_webhook_secret, private=settings.private_addresses
    ),
}


def courier_of(channel: str, settings: Settings) -> Courier:
    """The courier of a channel, not opened yet. KeyError for a channel that there is not."""
    return _COURIERS[channel](settings)


def guarantee_of(channel: str, settings: Settings) -> Guarantee:
    """What the channel promises here: its class's, unless the settings know that its gateway can do less."""
    return settings.sms_guarantee if channel == Sms.name else CHANNELS[channel].guarantee
