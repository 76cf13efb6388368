"""What a wave sends to seeds (种子号码) besides its customers: entered with the wave's ledger, shown as one line of it.

A seed that is there when the delivery begins gets one message of every wave over its channel. Its text is made of a
member of the wave with masked values, in the frame of a proof. Refuses to touch the ledger: no sum of customers knows
of seeds.
"""

import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from engine.delivery.channels import Email, Sms, segments_of
from engine.delivery.message import cost
from engine.delivery.plan import DeliveryPlan
from engine.machine.case import Case
from engine.service import side_texts, whereabouts
from engine.service.app import Countersign
from engine.service.sealing import dataset_of
from engine.service.stage_views import SeedsView
from engine.store import seeds, side_letters
from engine.store.side_letters import NewLetter
from engine.store.waves import WaveRow
from engine.warehouse.places import fields_there
from engine.warehouse.run import Limits
from engine.warehouse.wavefiles import Letter, WaveFile

CHANNELS = (Sms.name, Email.name)
SECONDS = 20
BY = "system"


@dataclass(frozen=True, slots=True)
class Text:
    """What the seeds of a wave get; `variant` where the wave tests several, or waits for what a test finds."""

    subject: str
    text: str
    variant: str = ""


def texts_for(app: Countersign, case: Case, row: WaveRow, path: Path) -> tuple[Text, ...]:
    """The texts for the seeds of a wave whose file is written, every variant among them; none where it has none.
    Raises what reading customers does."""
    definition = app.definition(case.process)
    plan = definition.delivery
    if plan is None or plan.message is None or plan.seeds == "none" or row.channel not in CHANNELS or not row.audience:
        return ()
    with app.db.read() as tx:
        if not seeds.valid(tx, app.organisation(tx).line(case.office), row.channel, app.now()):
            return ()
    file = WaveFile(path)
    try:
        first = file.chunk(0)[0]  # a wave is in the order of a stable hash
    finally:
        file.close()
    fill = side_texts.filler(app, definition, case.form, row.channel)
    test, values = row.plan.test or plan.test_for(row.plan), _values(app, plan, first)
    return tuple(
        Text(*side_texts.framed(app.settings, *fill(first.cell, variant, values)), variant)
        for variant in (test.of if test else ("",))
    )


def enter(app: Countersign, tx: Connection, case: Case, row: WaveRow, texts: Sequence[Text]) -> int:
    """Enter every text for every valid seed of the case's office and those above it, in the transaction that loads the
    wave's ledger; how many messages. Those in a variant that does not go out are dropped when the wave does."""
    now = app.now()
    found = seeds.valid(tx, app.organisation(tx).line(case.office), row.channel, now)
    letters = (
        NewLetter(
            row=place,
            channel=row.channel,
            cell=text.variant,
            wave=row.id,
            seed=seed.id,
            address=seed.address,
            shown=seed.shown,
            subject=text.subject,
            text=text.text,
            segments=segments_of(row.channel, text.text),
        )
        for place, (text, seed) in enumerate(product(texts, found))
    )
    return side_letters.enter(tx, batch_of(row.id), case.id, "seed", letters, by=BY, at=now)


def batch_of(wave: str) -> str:
    """What the messages of a wave to seeds are called, before their number; another name after a restore, as waves
    have."""
    return f"seed.{hashlib.sha256(wave.encode()).hexdigest()[:16]}"


def views(tx: Connection, case_id: str, plan: DeliveryPlan, rows: Mapping[str, WaveRow]) -> dict[str, SeedsView]:
    """By wave, what became of its messages to seeds. Of a wave that waits for a test one text goes to each, and no
    more is counted."""
    segments, reasons = side_letters.seed_segments(tx, case_id), side_letters.seed_reasons(tx, case_id)
    found = {}
    for wave, every in side_letters.seed_states(tx, case_id).items():
        if wave not in rows:
            continue
        texts = _texts_of(plan, rows[wave])
        states = {state: count // texts for state, count in every.items()}
        found[wave] = SeedsView(
            count=sum(states.values()),
            delivered=states.get("delivered", 0),
            without_receipt=states.get("sent", 0) + states.get("unknown", 0),
            failed=states.get("failed", 0),
            left_out=states.get("suppressed", 0),
            waiting=states.get("waiting", 0) + states.get("claimed", 0),
            cost=cost(segments.get(wave, 0), plan.price(rows[wave].channel)),
            reasons={why: count // texts for why, count in reasons.get(wave, {}).items()},
        )
    return found


def _texts_of(plan: DeliveryPlan, row: WaveRow) -> int:
    """How many messages stand there for each seed of which only one would have gone out."""
    test = plan.test_for(row.plan)
    return len(test.of) if test and not row.variant else 1


def _values(app: Countersign, plan: DeliveryPlan, first: Letter) -> tuple[Any, ...]:
    """The values of the fields that the message names, of the customer of a letter."""
    import pyarrow as pa  # noqa: PLC0415  # takes long to load, and few commands write waves
    import pyarrow.parquet as pq  # noqa: PLC0415  # as above

    from engine.warehouse.sampling import drawn  # noqa: PLC0415  # as above

    assert plan.message is not None
    place, dataset = whereabouts.place(app.settings), dataset_of(app.settings)
    customers = (
        partial(fields_there, place, Limits(seconds=SECONDS))
        if place
        else dataset.paths(dataset.current().tables["customers"])
    )
    with tempfile.TemporaryDirectory(prefix=".seeds-", dir=dataset.folder) as scratch:
        one = Path(scratch) / "one.parquet"
        pq.write_table(pa.table({"customer": [first.customer], "cell": [first.cell], "arm": ["target"]}), one)
        return drawn(one, customers, plan.message.fields, Path(scratch), each=1)[0].some[0][1]
