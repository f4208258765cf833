"""The table of volumes, whose slices are items."""

from sqlalchemy import Column, Float, ForeignKey, Integer, String, Table, UniqueConstraint

from app.store.tables_base import metadata

volumes = Table(
    "volumes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("project_id", Integer, ForeignKey("projects.id"), nullable=False),
    Column("name", String(1000), nullable=False),
    Column("content_hash", String(64), nullable=False),  # of the file as it came, which is kept
    Column("suffix", String(10), nullable=False),
    Column("n_slices", Integer, nullable=False),
    Column("axes", String(3), nullable=False),  # where slices, rows and columns grow to, e.g. SPL
    Column("spacing_slice_mm", Float),
    Column("slope", Float, nullable=False),  # value in the file's unit = slope * pixel + intercept
    Column("intercept", Float, nullable=False),
    Column("created_at", Float, nullable=False),
    UniqueConstraint("project_id", "content_hash"),
)
