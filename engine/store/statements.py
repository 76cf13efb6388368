"""The transition's two messages on PostgreSQL, as prepared statements.

A round trip costs more than a statement (nine of them take twice as long as two, measured), so the first message locks
and reads, and the second writes everything in one statement and commits. `cases.py` has the same writes for SQLite.
"""

# What is recorded of each case, in the order of the parameters; after it come the keys of the timers that fired, and of
# those that were called off.
_WANTED = {
    "case_id": "text",
    "seq": "int",
    "case_body": "text",
    "head": "text",
    "state": "text",
    "round": "int",
    "number": "text",
    "updated_at": "timestamptz",
    "key": "text",
    "kind": "text",
    "at": "timestamptz",
    "actor": "text",
    "on_behalf_of": "text",
    "via": "text",
    "body": "text",
    "previous": "text",
    "hash": "text",
    "tasks": "jsonb",
    "armed": "jsonb",
    "effects": "jsonb",
}

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
RECORD_MANY = (
    f"EXECUTE record_transitions({', '.join(f'%s::{kind}[]' for kind in [*_WANTED.values(), 'text', 'text'])})"
)
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
, moved AS (
    UPDATE cases SET seq = wanted.seq + 1, body = case_body, head = wanted.head, state = wanted.state,
                     round = wanted.round, number = wanted.number, updated_at = wanted.updated_at
    FROM wanted WHERE cases.id = case_id AND cases.seq = wanted.seq RETURNING cases.id
), keyed AS (
    INSERT INTO idempotency (key, case_id, seq, at) SELECT key, case_id, seq + 1, at FROM wanted WHERE key <> ''
), written AS (
    INSERT INTO history (case_id, seq, kind, at, actor, on_behalf_of, via, body, previous, hash)
    SELECT case_id, seq + 1, kind, at, actor, on_behalf_of, via, body, previous, hash FROM wanted
), asked AS (
    INSERT INTO tasks (id, case_id, round, step, person, verb, state, opened_at, due_at, decision, decided_by,
                       decided_at, remark, reason)
    SELECT task.id, case_id, task.round, step, person, verb, task.state, opened_at, due_at, decision, decided_by,
           decided_at, remark, reason
    FROM wanted, jsonb_to_recordset(tasks) AS task(
        id text, round int, step text, person text, verb text, state text, opened_at timestamptz, due_at timestamptz,
        decision text, decided_by text, decided_at timestamptz, remark text, reason text)
    ON CONFLICT (id) DO UPDATE SET
        person = excluded.person, state = excluded.state, opened_at = excluded.opened_at, due_at = excluded.due_at,
        decision = excluded.decision, decided_by = excluded.decided_by, decided_at = excluded.decided_at,
        remark = excluded.remark, reason = excluded.reason
), armed AS (
    INSERT INTO timers (key, case_id, name, step, due_at, state)
    SELECT timer.key, case_id, name, step, due_at, 'armed'
    FROM wanted, jsonb_to_recordset(armed) AS timer(key text, name text, step text, due_at timestamptz)
), settled AS (
    UPDATE timers SET state = CASE WHEN key = ANY($21) THEN 'fired' ELSE 'disarmed' END
    WHERE key = ANY($21 || $22) AND state = 'armed'
), sent AS (
    INSERT INTO outbox (key, case_id, kind, body, state, available_at)
    SELECT effect.key, case_id, effect.kind, effect.body, 'pending', clock_timestamp()
    FROM wanted, jsonb_to_recordset(effects) AS effect(key text, kind text, body text)
)
SELECT 1 / ((SELECT count(*) FROM moved) = (SELECT count(*) FROM wanted))::int
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

_ONE = f"""
PREPARE record_transition({", ".join(_WANTED.values())}, text[], text[]) AS
WITH wanted AS (SELECT {", ".join(f"${n} AS {name}" for n, name in enumerate(_WANTED, 1))})
"""
_MANY = f"""
PREPARE record_transitions({", ".join(f"{kind}[]" for kind in _WANTED.values())}, text[], text[]) AS
WITH wanted AS (
    SELECT * FROM unnest({", ".join(f"${n}" for n, _ in enumerate(_WANTED, 1))}) AS wanted({", ".join(_WANTED)})
)
"""

PREPARED = (_LOCK, _EARLIER, _ONE + _RECORD, _MANY + _RECORD, _REINDEX)
