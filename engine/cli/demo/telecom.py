"""The telecom case of the demo: a generated base, and orders with a planted uplift."""

import random
from datetime import date, timedelta
from decimal import Decimal
from typing import ClassVar

from engine import clock
from engine.cli.demo import analytics, deliveries
from engine.cli.demo.bases import Generated
from engine.cli.demo.story import Story
from engine.service.app import Countersign
from engine.settings import Settings
from engine.warehouse.freeze import read_list

BASE_RATE = 0.030
TRUE_UPLIFT = 0.020
REVENUE = Decimal("38.00")


class Telecom(Story):
    """A county office offers a data package to a quarter of its customers."""

    definition: ClassVar[str] = "telecom-marketing-case"

    def proposal(self) -> dict[str, str | list[str]]:
        """See Story."""
        assert isinstance(self.setting.base, Generated)
        start = date.fromisoformat(self.setting.noted["today"][:10])
        return {
            "title": "国庆流量包加赠营销案",
            "offer": "flow-10g",
            "budget": "80000.00",
            "reach": str(int(self.setting.base.customers * 0.26)),
            "discount": "0.8",
            "channels[]": ["sms"],
            "window[from]": str(start),
            "window[to]": str(start + timedelta(days=45)),
            "message": "【白云移动】尊敬的客户，国庆期间您可8折办理10GB流量包，回复LL10办理。拒收请回复R",
            "goal": "办理率 3.0%，增收 65,000 元",
            "expected": str(int(self.setting.base.customers * 0.26 * 0.03)),
        }

    def furnish(self) -> tuple[tuple[str, str, str], ...]:
        """See Story."""
        with self.console.status("furnishing the pages of delivery and analysis: halls, calls, a budget, reports"):
            app = Countersign.open(Settings())
            try:
                hall_case, *_ = deliveries.furnish(app, self._until)
                analytics.furnish(app, hall_case)
            finally:
                app.close()
        return (*deliveries.SHOWN, *analytics.SHOWN)

    def outcomes(self, case_id: str) -> tuple[str, bytes]:
        """Orders of the audience: the control at the base rate, the target at base rate + planted uplift."""
        chance = random.Random(20261001)  # noqa: S311  a seeded story, nothing secret
        at = clock.now().isoformat()
        lines = ["customer,kind,at,value,reference,how,confirmed_at,confirmation"]
        for number, (customer, _, arm) in enumerate(read_list(self.setting.data, case_id)):
            if chance.random() < BASE_RATE + (TRUE_UPLIFT if arm == "target" else 0.0):
                lines.append(f"{customer},conversion,{at},{REVENUE},order-{number},sms,{at},reply-{number}")
        return "orders.csv", ("\n".join(lines) + "\n").encode()
