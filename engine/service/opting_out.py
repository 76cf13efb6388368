"""A customer's way out by the link that stands in a message: the page of a text or an e-mail, and the one click of a
mail program (RFC 8058).

The token is the whole permission: no session, and nothing else to enter. Looking changes nothing. Who is out chose
what of: the channel of the message, or every channel. Links with the token of a mail (`mail_marks`) and those with the
short one (`messagelinks`) are the same. Refuses to tell a wrong token from another installation's, or to say whose a
token is.
"""

from engine.delivery.channels import Email
from engine.errors import NotFound
from engine.service import addressed, clicking, mail_marks, messagelinks, optouts
from engine.service.app import Countersign
from engine.service.clicking import Visitor
from engine.service.optouts import OptOut, Source
from engine.service.sealing import vault
from engine.store import clicks, opt_outs, side_letters
from engine.store.clicks import Linked
from engine.store.side_letters import SideLetter


def look(app: Countersign, token: str, visitor: Visitor) -> str:
    """Somebody looks at the page, which changes nothing but what is known of machines; the channel of the message.
    NotFound for a token that is none of ours."""
    if _aside(app, token) is not None:
        return Email.name
    linked = _message(app, token)
    clicking.looked(app, linked, visitor)
    return linked.channel


def opt_out(app: Countersign, token: str, *, everywhere: bool | None = None) -> tuple[str, str]:
    """Who got the message gets no more over its channel, or over any; the channel of the message, and the one that is
    barred now (empty: every one). NotFound for a token that is none of ours.

    Where nothing was chosen (one click, or a page of an earlier release) an e-mail bars e-mail and a text everything.
    Again it changes nothing, but it widens what was chosen, never narrows it, and holds anew where it was ended.
    """
    if letter := _aside(app, token):
        return _out_aside(app, letter, everywhere=bool(everywhere))
    linked = _message(app, token)
    is_mail = linked.channel == Email.name
    everything = not is_mail if everywhere is None else everywhere
    source: Source = "mail" if is_mail else "link"
    wish = OptOut(
        source,
        f"{linked.wave}.{linked.row}",
        app.now(),
        customer=linked.customer,
        address=addressed.address_of(app, linked.case_id, linked.wave, linked.row),
        case_id=linked.case_id,
        channel="" if everything else linked.channel,
        by_hand=True,
    )
    with app.db.begin() as tx:
        optouts.opt_out(app, tx, [wish])
        barred = opt_outs.channel_of(tx, wish.source, wish.reference)
    return linked.channel, wish.channel if barred is None else barred


def _aside(app: Countersign, token: str) -> SideLetter | None:
    """The letter beside the audience whose way out this is; None where it is a customer's."""
    named = mail_marks.opting_out(app.settings, token)
    if named is None or not side_letters.is_batch(named[0]):
        return None
    with app.db.read() as tx:
        return side_letters.find(tx, *named)


def _out_aside(app: Countersign, letter: SideLetter, *, everywhere: bool) -> tuple[str, str]:
    """The address of a seed opts out, and no case counts it; a proof has no way out to take."""
    barred = "" if everywhere else Email.name
    if letter.kind == "seed":
        address = vault(app.settings).open(letter.address)
        wish = OptOut("mail", letter.name, app.now(), address=address, channel=barred, by_hand=True)
        with app.db.begin() as tx:
            optouts.opt_out(app, tx, [wish])
    return Email.name, barred


def _message(app: Countersign, token: str) -> Linked:
    linked = messagelinks.find(app, "o", token) or _of_mail(app, token)
    if linked is None:
        raise NotFound()
    return linked


def _of_mail(app: Countersign, token: str) -> Linked | None:
    named = mail_marks.opting_out(app.settings, token)
    if named is None:
        return None
    with app.db.read() as tx:
        found = clicks.message(tx, *named)
    return found if found and found.channel == Email.name else None
