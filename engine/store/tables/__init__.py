"""The case database's tables. One place for both databases; `migrations/` must give the same schema (tested).

Times are stored as UTC with a zone (PostgreSQL) or as ISO text in UTC (SQLite), see columns.py. JSON that the machine
reads back whole is text, so that both databases return the bytes that were written.
"""

from engine.store.tables.access import case_embargoes, case_readers, case_views, lineage, link_refusals, restores
from engine.store.tables.administration import groups, organisation_history, rounds, uploads
from engine.store.tables.arbitrations import arbitration_cases, arbitrations
from engine.store.tables.authoring import drafts, request_keys
from engine.store.tables.base import metadata
from engine.store.tables.budgets import budget_accounts, budget_cases, budget_postings, budget_versions
from engine.store.tables.calls import call_attempts, calls
from engine.store.tables.cases import (
    case_offices,
    cases,
    definitions,
    history,
    idempotency,
    links,
    numbering,
    outbox,
    register_numbers,
    submitted_amounts,
    tasks,
    timers,
)
from engine.store.tables.closings import closings
from engine.store.tables.costs import cost_tables, sent_segments
from engine.store.tables.courses import course_words, courses
from engine.store.tables.customer_groups import case_groups, customer_group_versions, customer_groups
from engine.store.tables.delivery import (
    chunks,
    evaluations,
    recipients,
    responses,
    snapshots,
    suppressions,
    wave_sums,
    waves,
)
from engine.store.tables.erasures import erasures
from engine.store.tables.holdouts import holdouts
from engine.store.tables.identity import (
    api_tokens,
    devices,
    kept_forms,
    link_codes,
    password_resets,
    recovery_codes,
    second_factors,
    sessions,
    sign_in_tries,
)
from engine.store.tables.inbound import (
    clicks,
    opt_out_addresses,
    opt_outs,
    orders,
    parked_receipts,
    replies,
    wave_links,
)
from engine.store.tables.notices import channels, circuits, messages, preferences, webhooks
from engine.store.tables.offers import offer_versions, rehearsals
from engine.store.tables.people import grants, offices, organisation, people, stand_ins, workdays
from engine.store.tables.phrases import phrases
from engine.store.tables.policies import contact_policies, permits
from engine.store.tables.proposals import attachments, case_marks, comments, feeds
from engine.store.tables.recommendations import recommendations
from engine.store.tables.side_letters import seeds, side_letters
from engine.store.tables.views import mailing_recipients, mailings, saved_views, view_shares
from engine.store.tables.waivers import waivers

__all__ = [
    "api_tokens",
    "arbitration_cases",
    "arbitrations",
    "attachments",
    "budget_accounts",
    "budget_cases",
    "budget_postings",
    "budget_versions",
    "call_attempts",
    "calls",
    "case_embargoes",
    "case_groups",
    "case_marks",
    "case_offices",
    "case_readers",
    "case_views",
    "cases",
    "channels",
    "chunks",
    "circuits",
    "clicks",
    "closings",
    "comments",
    "contact_policies",
    "cost_tables",
    "course_words",
    "courses",
    "customer_group_versions",
    "customer_groups",
    "definitions",
    "devices",
    "drafts",
    "erasures",
    "evaluations",
    "feeds",
    "grants",
    "groups",
    "history",
    "holdouts",
    "idempotency",
    "kept_forms",
    "lineage",
    "link_codes",
    "link_refusals",
    "links",
    "mailing_recipients",
    "mailings",
    "messages",
    "metadata",
    "numbering",
    "offer_versions",
    "offices",
    "opt_out_addresses",
    "opt_outs",
    "orders",
    "organisation",
    "organisation_history",
    "outbox",
    "parked_receipts",
    "password_resets",
    "people",
    "permits",
    "phrases",
    "preferences",
    "recipients",
    "recommendations",
    "recovery_codes",
    "register_numbers",
    "rehearsals",
    "replies",
    "request_keys",
    "responses",
    "restores",
    "rounds",
    "saved_views",
    "second_factors",
    "seeds",
    "sent_segments",
    "sessions",
    "side_letters",
    "sign_in_tries",
    "snapshots",
    "stand_ins",
    "submitted_amounts",
    "suppressions",
    "tasks",
    "timers",
    "uploads",
    "view_shares",
    "waivers",
    "wave_links",
    "wave_sums",
    "waves",
    "webhooks",
    "workdays",
]
