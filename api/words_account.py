"""Words of the account page: what an API token may do, and what was just done."""

from api.i18n import N_

SCOPES = {  # what an API token may do
    "read": N_("look: cases, tasks, definitions"),
    "act": N_("act: submit, decide, send"),
    "author": N_("write and publish definitions"),
    "administer": N_("administer people, offices and lists"),
}
ACCOUNT_DONE = {  # what was just done on the account page
    "password": N_("The password was changed; your other sessions ended."),
    "ended": N_("The session was ended."),
    "others": N_("All other sessions were ended."),
    "forgotten": N_("The device is forgotten; links on it ask for your password again."),
    "revoked": N_("The token works no more."),
    "off": N_("The second factor is off."),
}
