"""A QR code as SVG within the page: made here, so that no other host learns what it says."""

import segno


def qr_code(text: str) -> str:
    """The code in black on white, in dark pages too: cameras want it so. Markup: its modules alone, not the text."""
    drawn: str = segno.make(text, error="m").svg_inline(
        border=4, dark="#000", light="#fff", svgclass="qr", omitsize=True
    )
    return drawn
