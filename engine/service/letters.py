"""What the files of waves say of single rows. Refuses to open the addresses: the vault does."""

from collections.abc import Collection, Iterable, Mapping

from engine.delivery.waves import chunk_size
from engine.service.app import Countersign
from engine.store.waves import WaveRow
from engine.warehouse.wavefiles import Letter, WaveFile


def letters_of(
    app: Countersign, rows: Iterable[WaveRow], wanted: Mapping[str, Collection[int]]
) -> dict[tuple[str, int], Letter]:
    """The letters of these rows by wave and row, each piece of a file read once; a file that is gone has none."""
    found: dict[tuple[str, int], Letter] = {}
    for wave in rows:
        mine, path = set(wanted.get(wave.id, ())), app.settings.data / wave.file
        if not mine or not path.is_file():
            continue
        file = WaveFile(path, wave.variant)
        try:
            for position in sorted({row // chunk_size(wave.plan) for row in mine}):
                found |= {(wave.id, letter.row): letter for letter in file.chunk(position) if letter.row in mine}
        finally:
            file.close()
    return found
