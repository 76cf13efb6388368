"""What the codes of saved views and scheduled reports are called; `api.words` takes these tables in."""

from api.i18n import N_

REPORT_FORMS = {
    "link": N_("as a link"),
    "xlsx": N_("as an XLSX file"),
    "csv": N_("as a CSV file"),
}
REPORT_STOPPED = {
    "owner": N_("its owner's account is closed"),
    "page": N_("its owner may not see the page any more"),
    "filter": N_("a filter of the view no longer exists"),
}
VIEW_PROBLEMS = {
    "view_page": N_("There is no such page with filters."),
    "view_page_gone": N_("The page of this view no longer exists, or is not for you."),
    "view_filter_gone": N_("The page has no filter “{name}” any more; the others hold."),
    "view_name": N_("Give the view a name of at most 60 characters."),
    "view_name_taken": N_("Another view of yours on this page is called so."),
    "view_long": N_("These filters are too long to be kept."),
    "view_many": N_("You keep {most} views already; take one away first."),
    "view_shares": N_("A view is shared with {most} at most."),
    "view_role": N_("Nobody holds the role “{value}”."),
    "view_nobody": N_("Choose an office, a role, or both."),
    "mailing_recipients": N_("Name 1 to {most} recipients."),
    "mailing_stranger": N_(
        "“{value}” is nobody of this house with an open account, or may be several: name the account."
    ),
    "mailing_many": N_("You have {most} scheduled reports already; take one away first."),
    "mailing_every": N_("A report goes daily, weekly or monthly."),
    "mailing_day": N_("Choose a day from {first} to {last}."),
    "mailing_at": N_("Write a time of day as 08:30."),
    "mailing_zone": N_("Write a time zone as Asia/Shanghai."),
    "mailing_form": N_("A report goes as a link, XLSX or CSV."),
    "mailing_link_only": N_("This house sends links alone, because the data are confidential."),
}
