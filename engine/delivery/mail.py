"""An e-mail to a customer as bytes: text and simple HTML, who it is from, and the way to opt out in header and body.

Everything that could differ between two tries comes from the caller, so the same letter is the same mail but for its
date. Refuses an address that no mail server takes: `as_sent` is asked before.
"""

import re
from dataclasses import dataclass
from email.header import Header
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import compat32
from email.utils import formataddr, parseaddr
from html import escape
from typing import Literal

POLICY = compat32.clone(linesep="\r\n", max_line_length=998)
"""The classic one: the newer takes every header apart again, which makes a mail three times as dear. Lines are as
long as mail allows, because programs that look for the way out do not all unfold what was folded."""
LINE = 78
LONGEST_ADDRESS = 254
ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+")
LOCAL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~\u00a1-\U0010ffff-]+")
LONGEST_LOCAL = 64
OPT_OUT = {"zh": "不想再收到此类邮件，请点击", "en": "To receive no more mail like this:"}
HTML = """\
<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><title>{title}</title></head>
<body>
{paragraphs}
<p style="font-size:smaller"><a href="{url}">{way_out}</a></p>
</body></html>
"""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who e-mail to customers is from: the name that is shown, the address, and where what comes back goes."""

    name: str
    address: str
    bounces: str = ""

    @property
    def written(self) -> str:
        """As a header says it."""
        return formataddr((self.name, self.address))

    @property
    def domain(self) -> str:
        """The part of the address behind the @."""
        return self.address.rpartition("@")[2]

    def envelope(self, name: str) -> str:
        """The envelope's sender of the mail called `name`: with its name in it where bounces have an address."""
        local, _, domain = self.bounces.rpartition("@")
        return f"{local}+{name}@{domain}" if local else self.address


def sender(written: str, bounces: str = "") -> Sender | None:
    """The sender as the settings write it (`营销中心 <news@example.org>`); None where an address in it is none."""
    name, address = parseaddr(written)
    if not is_address(address) or (bounces and not is_address(bounces)):
        return None
    return Sender(name, address, bounces)


def is_address(text: str) -> bool:
    """Whether mail servers everywhere take this as one address; other letters than ASCII are not among them."""
    return len(text) <= LONGEST_ADDRESS and ADDRESS.fullmatch(text) is not None


def as_sent(text: str) -> str:
    """An address as it is given to a mail server, the domain in ASCII (`例子.cn` as `xn--fsqu00a.cn`); empty where
    it is none. Other letters before the @ stay: a server has to offer SMTPUTF8 (RFC 6531) for them."""
    local, _, domain = text.rpartition("@")
    try:
        plain = domain if domain.isascii() else domain.encode("idna").decode("ascii")
    except UnicodeError:
        return ""
    is_fit = LOCAL.fullmatch(local) and local.isprintable() and len(local.encode(errors="replace")) <= LONGEST_LOCAL
    return f"{local}@{plain}" if is_fit and is_address(f"x@{plain}") else ""


@dataclass(frozen=True, slots=True)
class Mail:
    """What is written to one customer. `name` is the mail's own, `opt_out` the address of its way out."""

    name: str
    to: str
    subject: str
    text: str
    opt_out: str
    date: str


def written(mail: Mail, by: Sender, language: Literal["zh", "en"]) -> bytes:
    """The whole mail. A line break in a subject becomes a space: a header is one line."""
    message = MIMEMultipart("alternative", boundary=f"=_{mail.name}")
    subject = " ".join(mail.subject.split())
    message["From"] = by.written
    if mail.to.isascii():
        message["To"] = mail.to
    message["Subject"] = Header(subject, None if subject.isascii() else "utf-8", LINE, "Subject").encode()
    message["Date"] = mail.date
    message["Message-ID"] = f"<{mail.name}@{by.domain}>"
    message["List-Unsubscribe"] = f"<{mail.opt_out}>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message["Precedence"] = "bulk"
    message["Auto-Submitted"] = "auto-generated"
    way_out = OPT_OUT[language]
    paragraphs = [escape(part).replace("\n", "<br>\n") for part in re.split(r"\n{2,}", mail.text.strip())]
    html = HTML.format(
        language="zh-CN" if language == "zh" else "en",
        title=escape(subject),
        paragraphs="\n".join(f"<p>{part}</p>" for part in paragraphs),
        url=escape(mail.opt_out),
        way_out=way_out,
    )
    message.attach(MIMEText(f"{mail.text.rstrip()}\n\n{way_out}\n{mail.opt_out}\n", "plain", "utf-8"))
    message.attach(MIMEText(html, "html", "utf-8"))
    raw = message.as_bytes(policy=POLICY)
    # An address of other letters stands in a header as it is (RFC 6532); the library would write it as words.
    return raw if mail.to.isascii() else f"To: {mail.to}\r\n".encode() + raw
