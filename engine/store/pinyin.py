"""How Chinese titles are sorted: by pinyin, the same on both databases (SQLite has no collation for it)."""

LONGEST = 200


def sorted_by(title: str) -> str:
    """What a title is sorted by: its signs in pinyin with the tone behind each, letters small."""
    import pypinyin  # noqa: PLC0415  # its tables take most of a second to load

    return " ".join(pypinyin.lazy_pinyin(title.strip(), style=pypinyin.Style.TONE3)).casefold()[:LONGEST]
