"""What people write often (常用语): the remarks that a sheet offers them, in their own order."""

from sqlalchemy import Column, ForeignKey, Integer, PrimaryKeyConstraint, String, Table

from engine.store.tables.base import metadata

phrases = Table(
    "phrases",
    metadata,
    Column("person", String(40), ForeignKey("people.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("text", String(200), nullable=False),
    PrimaryKeyConstraint("person", "position"),
)
