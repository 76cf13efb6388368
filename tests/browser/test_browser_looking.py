"""Looking at pages finds what is wrong with them, at whatever width it is."""

from typing import Any

from tests.browser.looking import wrong_at_any_width

PAGE = """<!doctype html><html lang="en"><head><title>A page</title>
<style>@media (max-width: 640px) { .desk { display: none } } @media (min-width: 641px) { .phone { display: none } }
.narrow { width: 3000px } @media (min-width: 400px) { .narrow { width: auto } }</style></head>
<body><main><h1>A page</h1>%s</main></body></html>"""
NAMELESS = "<p><button type=button></button></p>"
CROWDED = "<style>@media (min-width: 641px) { a { font-size: 4px } }</style><a href=/1>1</a><br><a href=/2>2</a>"

PALE = "<p style='color: %s'>Words on white</p>"
"""Many that are good in the same colours, and one that is not, in those of a good one but for the ground."""
AMONG_MANY = PALE % "#333" * 40 + "<div style='background: #555'>" + PALE % "#333" + "</div>" + PALE % "#333" * 40


def found(chromium: Any, body: str) -> list[str]:
    """The names of the rules that a page breaks."""
    page = chromium.new_page()
    page.set_content(PAGE % body)
    wrong = wrong_at_any_width(page)
    page.close()
    return sorted({one.split()[1].rstrip(":") for one in wrong})


def test_what_is_wrong_on_a_phone_at_a_desk_or_on_both_is_found(chromium: Any) -> None:
    assert found(chromium, "<p>Nothing</p>") == []
    assert found(chromium, NAMELESS) == ["button-name"]
    assert found(chromium, f"<div class=phone>{NAMELESS}</div>") == ["button-name"]
    assert found(chromium, f"<div class=desk>{NAMELESS}</div>") == ["button-name"]
    assert found(chromium, "<div class=narrow>Wide</div>") == ["scrolls"]
    assert found(chromium, CROWDED) == ["target-size"]
    assert found(chromium, AMONG_MANY) == found(chromium, PALE % "#bbb" + PALE % "#333" * 40) == ["color-contrast"]
    assert found(chromium, AMONG_MANY.replace("background: #555", "background: #eee")) == []
