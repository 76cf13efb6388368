"""The transition's two messages on PostgreSQL, as prepared statements.

A round trip costs more than a statement (nine of them take twice as long as two, measured), so the first message locks
and reads, and the second writes everything in one statement and commits. `cases.py` has the same writes for SQLite.
"""

LOCK = "EXECUTE lock_case(%s, %s)"
LOCK_MANY = """
SELECT wanted.place, body, head, clock_timestamp(),
       (SELECT revision FROM organisation WHERE id = 1),
       (SELECT seq FROM idempotency WHERE idempotency.key = wanted.key)
FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY AS wanted(id, key, place)
JOIN cases ON cases.id = wanted.id
ORDER BY cases.id FOR UPDATE OF cases SKIP LOCKED
"""
EARLIER = "EXECUTE earlier_result(%s)"
RECORD = f"EXECUTE record_transition({', '.join(['%s'] * 22)})"
REINDEX = "EXECUTE index_case(%s, %s, %s, %s, %s, %s)"

# The head of the history stands in the case's row and not in a look-up: where this statement had to wait for the lock,
# it sees the newest version of the locked row, but an old snapshot of every other table.
_LOCK = """
PREPARE lock_case(text, text) AS
SELECT body, head, clock_timestamp(),
       (SELECT revision FROM organisation WHERE id = 1),
       (SELECT seq FROM idempotency WHERE key = $2)
FROM cases WHERE id = $1 FOR UPDATE
"""

_EARLIER = "PREPARE earlier_result(text) AS SELECT seq FROM idempotency WHERE key = $1"

_RECORD = """
PREPARE record_transition(
    text, int, text, text, text, int, text, timestamptz,
    text, text, timestamptz, text, text, text, text, text, text,
    jsonb, jsonb, text[], text[], jsonb) AS
WITH moved AS (
    UPDATE cases SET seq = $2 + 1, body = $3, head = $4, state = $5, round = $6, number = $7, updated_at = $8
    WHERE id = $1 AND seq = $2 RETURNING id
), keyed AS (
    INSERT INTO idempotency (key, case_id, seq, at) SELECT $9, $1, $2 + 1, $11 WHERE $9 <> ''
), written AS (
    INSERT INTO history (case_id, seq, kind, at, actor, on_behalf_of, via, body, previous, hash)
    VALUES ($1, $2 + 1, $10, $11, $12, $13, $14, $15, $16, $17)
), asked AS (
    INSERT INTO tasks (id, case_id, round, step, person, verb, state, opened_at, due_at, decision, decided_by,
                       decided_at, remark, reason)
    SELECT id, $1, round, step, person, verb, state, opened_at, due_at, decision, decided_by, decided_at, remark, reason
    FROM jsonb_to_recordset($18) AS task(
        id text, round int, step text, person text, verb text, state text, opened_at timestamptz, due_at timestamptz,
        decision text, decided_by text, decided_at timestamptz, remark text, reason text)
    ON CONFLICT (id) DO UPDATE SET
        person = excluded.person, state = excluded.state, opened_at = excluded.opened_at, due_at = excluded.due_at,
        decision = excluded.decision, decided_by = excluded.decided_by, decided_at = excluded.decided_at,
        remark = excluded.remark, reason = excluded.reason
), armed AS (
    INSERT INTO timers (key, case_id, name, step, due_at, state)
    SELECT key, $1, name, step, due_at, 'armed'
    FROM jsonb_to_recordset($19) AS timer(key text, name text, step text, due_at timestamptz)
), settled AS (
    UPDATE timers SET state = CASE WHEN key = ANY($20) THEN 'fired' ELSE 'disarmed' END
    WHERE key = ANY($20 || $21) AND state = 'armed'
), sent AS (
    INSERT INTO outbox (key, case_id, kind, body, state, available_at)
    SELECT key, $1, kind, body, 'pending', clock_timestamp()
    FROM jsonb_to_recordset($22) AS effect(key text, kind text, body text)
)
SELECT 1 / count(*) FROM moved
"""  # dividing by zero is how the statement fails when the case is not where it was locked

_REINDEX = """
PREPARE index_case(text, text, numeric, bigint, boolean, text[]) AS
WITH moved AS (
    UPDATE cases SET title = $2, budget = $3, reach = $4, confidential = $5 WHERE id = $1
), left_out AS (
    DELETE FROM case_offices WHERE case_id = $1 AND $6 IS NOT NULL AND office <> ALL($6)
)
INSERT INTO case_offices (case_id, office) SELECT $1, unnest($6) ON CONFLICT DO NOTHING
"""

PREPARED = (_LOCK, _EARLIER, _RECORD, _REINDEX)
