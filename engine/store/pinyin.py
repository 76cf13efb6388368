"""Chinese by pinyin, the same on both databases (SQLite has no collation for it): how titles are sorted, and by what a
search finds them."""

LONGEST = 200


def sorted_by(title: str) -> str:
    """What a title is sorted by: its signs in pinyin with the tone behind each, letters small."""
    import pypinyin  # noqa: PLC0415  # its tables take most of a second to load

    return " ".join(pypinyin.lazy_pinyin(title.strip(), style=pypinyin.Style.TONE3)).casefold()[:LONGEST]


def found_by(text: str) -> str:
    """By what a search finds a text, small letters: itself, and its Chinese signs in pinyin without tones, in one word
    (yingxiao) and by the first letters (yx)."""
    import pypinyin  # noqa: PLC0415  # its tables take most of a second to load

    parts = [syllable for one in pypinyin.pinyin(text, style=pypinyin.Style.NORMAL) for syllable in one[:1]]
    if "".join(parts) == text:
        return text.casefold()
    whole = "".join(parts)
    first = "".join(pypinyin.lazy_pinyin(text, style=pypinyin.Style.FIRST_LETTER))
    return "\n".join((text, whole, first)).casefold()
