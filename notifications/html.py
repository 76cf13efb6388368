"""A mail as it is read: the text in paragraphs, the address as a button, one red line at the top as on paper.

Styles stand at each element because mail readers drop style sheets; no image and no script, so nothing is loaded from
anywhere. The words are those of the text.
"""

from html import escape

from engine.values import Language
from notifications.message import Message

_PAGE = (
    '<div lang="{lang}" style="max-width:600px;margin:0 auto;padding:20px 16px;border-top:4px solid #b4261e;'
    'background:#ffffff;color:#1d2530;font:16px/1.6 sans-serif;overflow-wrap:anywhere">'
    '<h1 style="font-size:19px;line-height:1.4;margin:0 0 16px">{title}</h1>{body}</div>'
)
_PARAGRAPH = '<p style="margin:0 0 16px">{0}</p>'
_QUIET = '<p style="margin:0;padding-top:12px;border-top:1px solid #e3e0d9;color:#5b6673;font-size:13px">{0}</p>'
_LINK = '<a href="{0}" style="color:#1b4f91">{0}</a>'


def as_html(message: Message, language: Language) -> str:
    """The mail's HTML. Its last paragraph, who sent it, is set small."""
    *parts, last = [part for part in message.body.rstrip().split("\n\n") if part.strip()]
    paragraphs = [_PARAGRAPH.format(_lines(part)) for part in parts] + [_QUIET.format(_lines(last))]
    lang = "zh-CN" if language == "zh" else "en"
    return _PAGE.format(lang=lang, title=escape(message.title), body="".join(paragraphs))


def _lines(part: str) -> str:
    return "<br/>".join(_line(line) for line in part.splitlines())


def _line(line: str) -> str:
    address = line.strip()
    if address.startswith(("http://", "https://")) and " " not in address:
        return _LINK.format(escape(address))
    return escape(line)
