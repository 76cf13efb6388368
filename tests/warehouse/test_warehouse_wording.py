"""What is found of a wave's texts is kept beside its file: whole, whoever looks at the same time, whatever ends us."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.delivery.content import ContentRules
from engine.warehouse import wording
from engine.warehouse.dataset import put_whole
from engine.warehouse.wording import WrongTexts, wrong_texts

RULES = ContentRules(forbidden=["最低价"])


@pytest.fixture
def wave(tmp_path: Path) -> Path:
    """A file of four texts, one of which may not go out."""
    texts = ["【白云】您好", "【白云】全网最低价", "【白云】早上好", "【白云】晚上好"]
    columns = {"row": list(range(4)), "customer": [f"k000{n}" for n in range(4)], "cell": ["all"] * 4, "text": texts}
    pq.write_table(pa.table(columns), tmp_path / "1-main-sms.parquet")
    return tmp_path / "1-main-sms.parquet"


def look(wave: Path) -> tuple[int, int]:
    found = wrong_texts(wave, RULES, is_marketing=False)
    return found.texts, found.wrong


def test_who_looks_while_another_keeps_what_it_found_sees_all_or_nothing(wave: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        for _ in range(30):
            assert set(threads.map(lambda _: look(wave), range(8))) == {(4, 1)}
            wave.with_name(wave.name + ".texts.json").unlink()
    assert [path.name for path in wave.parent.iterdir()] == [wave.name], "nothing half is left"


def test_what_is_kept_anew_is_never_seen_in_part(wave: Path) -> None:
    look(wave)
    over, seen = threading.Event(), list[bool]()

    def read() -> None:
        while not over.is_set():
            seen.append(wording.kept(wave) is not None)

    reading = threading.Thread(target=read)
    reading.start()
    for n in range(300):
        wrong_texts(wave, RULES if n % 2 else ContentRules(forbidden=["您好"]), is_marketing=False)
    over.set()
    reading.join()
    assert len(seen) > 100 and all(seen)


@pytest.mark.parametrize("left", [b"", b'{"rules":"x","te'])
def test_what_was_kept_in_part_when_the_power_went_is_found_again(wave: Path, left: bytes) -> None:
    beside = wave.with_name(wave.name + ".texts.json")
    beside.write_bytes(left)
    assert wording.kept(wave) is None
    assert look(wave) == (4, 1)
    again = wording.kept(wave)
    assert isinstance(again, WrongTexts) and (again.texts, again.wrong) == (4, 1)


def test_a_file_that_cannot_be_written_leaves_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_whole(tmp_path / "said.json", b"before")

    def full(path: Path, content: bytes) -> None:
        path.write_bytes(content[:3])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("engine.warehouse.dataset.write_synced", full)
    with pytest.raises(OSError, match="No space"):
        put_whole(tmp_path / "said.json", b"after")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"said.json": b"before"}
