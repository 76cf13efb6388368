"""A person in front of a browser, in one of the ways that people have: a width, a language, and a pointer, the keyboard
alone, or a pointer without scripts.

What they do is named by what they read, in their language. On every page that they come to it is looked at whether it
scrolls sideways, on the first of its kind what axe finds, and by keyboard whether one sees where one is.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Self

from api.i18n import Words
from engine.cli.demo.people import PASSWORD
from engine.values import Language
from tests.api.crawl import kind_of
from tests.browser.looking import faults, overflow

PRESSED = "a, button:not([aria-hidden]), summary"
TOWARDS = """wanted => {
  const here = document.activeElement;
  if (here === wanted) { return ""; }
  if (here.type === "radio" && here.name === wanted.name) { return "ArrowDown"; }
  return here === document.body || here.compareDocumentPosition(wanted) & 4 ? "Tab" : "Shift+Tab";
}"""
HIDDEN = """here => {
  const style = getComputedStyle(here), box = here.getBoundingClientRect();
  const middle = (from, to, most) => (Math.max(from, 0) + Math.min(to, most)) / 2;
  const x = middle(box.left, box.right, innerWidth), y = middle(box.top, box.bottom, innerHeight);
  const over = document.elementFromPoint(x, y);
  if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2) { return "has no outline"; }
  return over && (here.contains(over) || over.contains(here)) ? "" : "is covered";
}"""
looked_at: set[str] = set()


@dataclass(frozen=True)
class Way:
    """How somebody sits there."""

    width: int
    language: Language
    by: Literal["pointer", "keyboard", "no scripts"]

    def __str__(self) -> str:
        return f"{self.width} px, {self.language}, {self.by}"


WAYS = (
    Way(390, "zh", "no scripts"),
    Way(390, "en", "keyboard"),
    Way(1280, "zh", "keyboard"),
    Way(1280, "en", "no scripts"),
    Way(390, "zh", "pointer"),
)


class Person:
    """Reads, presses, writes and chooses. `window` makes the browser's window."""

    def __init__(self, window: Callable[..., Any], way: Way) -> None:
        self.way = way
        self.words = Words(way.language)
        self.has_scripts = way.by != "no scripts"
        self.page = window(way.width, java_script_enabled=self.has_scripts, locale="zh-CN")
        # from now on Chromium asks us for files: told only when a key is pressed, it may open its own window first
        self.page.on("filechooser", lambda _: None)

    def said(self, english: str, **values: Any) -> str:
        """What stands on the page for a message of the catalogue."""
        return self.words(english, **values)

    def go(self, address: str) -> Self:
        """Open an address, as from a mail."""
        self.page.goto(address)
        return self.looks()

    def sign_in(self, login: str) -> Self:
        """Sign in on the page that is there, or at the front door, in the language of this way."""
        if not self.page.url.startswith("http"):
            self.page.goto("/sign-in")
        if self.way.language == "en" and self._found("English").count():
            self.press("English")
        self.write(self.said("Name"), login)
        self.write(self.said("Password"), PASSWORD)
        return self.press(self.said("Sign in"))

    def leave(self) -> Self:
        """Sign out."""
        return self.press(self.said("Sign out"))

    def press(self, name: str, within: str = "") -> Self:
        """Press what is named so; it leads to a page."""
        wanted = self._found(name, within)
        if self.way.by == "keyboard":
            self._go_to(wanted)  # past the menu by a link within the page, which counts as a navigation as well
        with self.page.expect_navigation():
            self._act(wanted)
        return self.looks()

    def unfold(self, name: str, within: str = "") -> Self:
        """Press what is named so; it stays on the page."""
        self._act(self._found(name, within))
        return self

    def write(self, label: str, text: str, within: str = "") -> Self:
        """Write into the field of that label."""
        field = self._field(label, within)
        if self.way.by == "keyboard":
            self._go_to(field)
            if field.get_attribute("type") == "date":
                self._type_date(field, *text.split("-"))
            else:
                self.page.keyboard.press("Control+A")
                self.page.keyboard.type(text)
        else:
            field.fill(text)
        assert field.input_value() == text
        return self

    def tick(self, label: str) -> Self:
        """Tick a box, or choose among several."""
        box = self._field(label)
        if self.way.by == "keyboard":
            self._go_to(box)
            if not box.is_checked():
                self.page.keyboard.press("Space")
        else:
            box.check()
        assert box.is_checked()
        return self

    def choose(self, label: str, option: str, within: str = "") -> Self:
        """Choose an option of a list."""
        field = self._field(label, within)
        if self.way.by == "keyboard":
            self._go_to(field)
            self.page.keyboard.press("Home")
            for _ in range(field.locator("option").count()):
                if field.evaluate("one => one.selectedOptions[0].label").strip() == option:
                    break
                self.page.keyboard.press("ArrowDown")
        else:
            field.select_option(label=option)
        assert field.evaluate("one => one.selectedOptions[0].label").strip() == option
        return self

    def attach(self, label: str, file: dict[str, Any]) -> Self:
        """Choose a file."""
        field = self._field(label)
        if self.way.by == "keyboard":
            self._go_to(field)
            with self.page.expect_file_chooser() as chooser:
                self.page.keyboard.press("Space")
            chooser.value.set_files(file)
        else:
            field.set_input_files(file)
        return self

    def sees(self, *texts: str) -> Self:
        """Each of the texts is read on the page."""
        from playwright.sync_api import TimeoutError as NotThere  # not before it is known to be installed

        main = self.page.locator("main")
        for text in texts:
            try:
                main.get_by_text(text).locator("visible=true").first.wait_for()
            except NotThere:
                raise AssertionError(f"{self.page.url}: no {text!r} in {main.inner_text()}") from None
        return self

    def looks(self) -> Self:
        """Nothing is wrong with the page that somebody came to."""
        over = overflow(self.page)
        assert over <= 0, f"{self.page.url} scrolls sideways by {over}"
        kind = kind_of(self.page.url.partition("//")[2].partition("/")[2] or "/")
        if self.has_scripts and kind not in looked_at:
            looked_at.add(kind)
            wrong = faults(self.page)
            assert wrong == [], f"{self.page.url}: {wrong}"
        return self

    def _field(self, label: str, within: str = "") -> Any:
        return (
            self.page.locator(within or "body")
            .get_by_label(re.compile(rf"^\s*{re.escape(label)}"))
            .locator("visible=true")
            .first
        )

    def _found(self, name: str, within: str = "") -> Any:
        """What is named exactly so, else what begins so."""
        pressed = self.page.locator(within or "body").locator(PRESSED)
        exact = pressed.filter(has_text=re.compile(rf"^\s*{re.escape(name)}\s*$")).locator("visible=true")
        begins = pressed.filter(has_text=re.compile(rf"^\s*{re.escape(name)}")).locator("visible=true")
        return exact.first if exact.count() else begins.first

    def _act(self, wanted: Any) -> None:
        if self.way.by == "keyboard":
            self._go_to(wanted)
            self.page.keyboard.press("Enter")
        else:
            wanted.click()

    def _type_date(self, field: Any, year: str, month: str, day: str) -> None:
        """In the order in which this Chromium has the parts of a date; it goes on by itself behind two digits."""
        keys = self.page.keyboard
        keys.type(month + day + year)
        if field.input_value() != f"{year}-{month}-{day}":
            for _ in range(3):
                keys.press("ArrowLeft")
            keys.type(year)
            keys.press("ArrowRight")
            keys.type(month + day)

    def _go_to(self, wanted: Any) -> None:
        """Come to it by the keyboard alone, past the menu by the link that is there for it."""
        wanted.wait_for()
        keys, element = self.page.keyboard, wanted.element_handle()
        if element.evaluate("one => document.activeElement === document.body && !!one.closest('main')"):
            keys.press("Tab")
            if self.page.evaluate("document.activeElement.classList.contains('skip')"):  # unless the address leads on
                keys.press("Enter")
        for _ in range(150):
            step = element.evaluate(TOWARDS)
            if not step:
                break
            keys.press(step)
        else:
            raise AssertionError(f"{self.page.url}: no key leads to {wanted}")
        hidden = element.evaluate(HIDDEN)
        assert hidden == "", f"{self.page.url}: the focus on {wanted} {hidden}"
