"""Money as readers of pages and mails see it, the same in both languages."""

from decimal import Decimal

from engine.values import CURRENCY_SIGNS


def money(value: Decimal | float | str, currency: str = "CNY") -> str:
    """Whole amounts without decimals, others with two, tiny ones as they are.

    >>> money(Decimal(48000)), money("0.035"), money("-12.5")
    ('¥48,000', '¥0.035', '−¥12.50')
    """
    amount = Decimal(str(value))
    sign = "−" if amount < 0 else ""
    amount = abs(amount)
    if amount == amount.to_integral_value():
        digits = f"{amount:,.0f}"
    elif amount < 1:
        places = max(2, -int(amount.normalize().as_tuple().exponent))
        digits = f"{amount:.{places}f}" if isinstance(value, Decimal | str) else f"{amount:,.3f}"
    else:
        digits = f"{amount:,.2f}"
    return f"{sign}{CURRENCY_SIGNS.get(currency, currency + chr(160))}{digits}"
