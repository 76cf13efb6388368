"""What is said of selections: why a customer is in or out, the holdout. `api.words` takes the tables in."""

from api.i18n import N_

WHY_OUTCOMES = {
    "target": N_("Gets the message"),
    "control": N_("In the control group"),
    "removed": N_("Removed"),
    "not_in_source": N_("Not in the source"),
    "unknown": N_("No such customer"),
}
SOURCES = {
    "rule": N_("Rule"),
    "list": N_("Imported list"),
    "union": N_("Any of these"),
    "intersect": N_("All of these"),
    "except": N_("The first of these and none of the others"),
    "symmetric": N_("Exactly one of these"),
    "sql": N_("Statement of its own"),
    "group": N_("Customer group"),
    "feedback": N_("Feedback of an earlier case"),
}
EVIDENCE = {  # columns of the rows that show why an exclusion applies
    "case_number": N_("Case"),
    "at": N_("Contacted on"),
    "offer": N_("Offer"),
    "channel": N_("Channel"),
    "purpose": N_("Purpose"),
    "reason": N_("Reason"),
    "since": N_("Since"),
    "until": N_("Until"),
    "lost_by": N_("Lost because"),
}
LOST_BY = {  # why a case did not get a customer in arbitration
    "priority": N_("the other case has the higher priority"),
    "score": N_("the other case's score is higher"),
    "draw": N_("drawn by lot among equals"),
    "contacts": N_("the customers' contacts are used up"),
    "room": N_("the channel carries no more"),
}
SINCE_RUN = {  # what became of a case after an arbitration
    "changed": N_("changed since"),
    "left": N_("no longer takes part"),
}
RECIPIENTS = {  # states of one message in the ledger
    "waiting": N_("waiting"),
    "sent": N_("Sent"),
    "delivered": N_("Delivered"),
    "failed": N_("not delivered"),
    "unknown": N_("not known whether delivered"),
    "suppressed": N_("not sent: suppressed"),
    "cancelled": N_("not sent: cancelled"),
}
RESPONSES = {
    "response": N_("Response"),
    "conversion": N_("Conversion"),
    "refused": N_("declined"),
    "opt_out": N_("opted out"),
    "complaint": N_("complained"),
    "no_answer": N_("no answer"),
}
HOLDOUT_STATES = {
    "open": N_("waits for its confirmation"),
    "in_force": N_("in force"),
    "over": N_("replaced"),
    "refused": N_("refused"),
}
WAIVER_STATES = {
    "open": N_("waits for its decision"),
    "granted": N_("granted"),
    "refused": N_("refused"),
    "over": N_("over with its case"),
}
ERASURE_STATES = {
    "open": N_("waits for its confirmation"),
    "running": N_("being carried out"),
    "confirmed": N_("confirmed"),
    "done": N_("erased"),
    "refused": N_("refused"),
}
ERASED_FROM = {  # kinds of files and tables that a certificate names
    "customers": N_("Customers"),
    "list": N_("Imported lists"),
    "contacts": N_("Contact history"),
    "responses": N_("Responses"),
    "usage": N_("Usage by month"),
    "owned": N_("Offers that customers have"),
    "frozen": N_("Frozen lists of cases"),
    "waves": N_("Waves and hand-offs of cases"),
    "outcomes": N_("Outcomes of cases"),
    "arbitrations": N_("Arbitration"),
    "attachments": N_("Files attached to cases"),
    "table_attachments": N_("Names of attached files"),
    "table_kept_forms": N_("Forms kept until their person signs in"),
    "table_tasks": N_("Opinions"),
    "table_offer_versions": N_("Offers and tariffs"),
    "table_contact_policies": N_("Contact policy"),
    "table_holdouts": N_("Global holdout"),
    "table_saved_filters": N_("Filters that people keep"),
    "table_phrases": N_("Phrases that people keep"),
    "table_recipients": N_("Ledger of deliveries"),
    "table_recommendations": N_("Recommendations seen in halls"),
    "table_permits": N_("Contacts held or made"),
    "table_responses": N_("Recorded responses"),
    "table_waivers": N_("Waivers"),
    "table_suppressions": N_("Suppression lists"),
    "table_uploads": N_("Files that waited for confirmation"),
    "table_parked_receipts": N_("Set aside"),
    "table_opt_outs": N_("Opt-outs"),
    "table_opt_out_addresses": N_("Addresses that opted out"),
    "table_replies": N_("Replies"),
    "table_orders": N_("Orders"),
    "table_customer_group_versions": N_("Customer groups"),
    "table_rehearsals": N_("Rehearsals"),
    "table_snapshots": N_("Samples of frozen lists"),
    "table_history": N_("Histories"),
    "table_cases": N_("Cases"),
    "table_comments": N_("Comments"),
    "table_definitions": N_("Definitions"),
    "table_drafts": N_("Drafts"),
}
AUDIENCE_PROBLEMS = {
    "erase_typed": N_("This is not the whole number of that customer."),
    "erase_nowhere": N_("Nobody here has this number, in no list and no delivery. Look for signs that are missing."),
    "erase_reason": N_("The reason stays; leave the number out of it."),
    "erased_already": N_("This customer was erased already: erasure {number}."),
    "waiver_scope": N_("Name one customer, or one reason of the grey list."),
    "waiver_no_reason": N_("No entry of the grey list has this reason; write it word for word."),
    "waiver_black": N_("This customer is on the black list, which nobody waives."),
    "waiver_not_grey": N_("This customer is not on the grey list."),
    "customer_whole": N_("Type the whole number of the customer or of their phone, without spaces."),
    "group_name": N_("Small letters, digits and _, 40 at most, first a letter; not one of: {reserved}."),
    "group_taken": N_("There is a group {name} already. Open it to edit it, or choose another name."),
    "group_title": N_("A title of {most} characters at most."),
    "group_note": N_("A note of {most} characters at most, on one line."),
    "form.no_group": N_("There is no customer group “{name}” to choose."),
    "holdout_share": N_("A share from 0 to 50, as 5 or 2.5."),
}
