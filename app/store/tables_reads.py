"""Tables of more than one reader: blind answers, second reads with what became of them, gold items."""

from sqlalchemy import JSON, CheckConstraint, Column, Float, ForeignKey, Index, Integer, String, Table, UniqueConstraint

from app.store.tables_base import metadata

reads = Table(
    "reads",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("item_id", Integer, ForeignKey("items.id"), nullable=False),
    Column("kind", String(12), nullable=False),
    Column("annotator", String(100), nullable=False),
    Column("version", Integer, nullable=False),  # of this annotator's own answers to this item, from 1
    Column("submission_id", String(36), nullable=False, unique=True),
    Column("label", String(200)),
    Column("objects", JSON, nullable=False),
    Column("window", JSON),
    Column("seconds", Float, nullable=False),
    Column("clicks", Integer, nullable=False),
    Column("model_id", String(200)),
    Column("skip_reason", String(1000)),  # not null: no answer, the annotator put the item aside
    Column("against_id", Integer, ForeignKey("annotations.id"), nullable=False),
    Column("score", Float),
    Column("created_at", Float, nullable=False),
    Column("labeled_window", JSON),  # as in `annotations`
    UniqueConstraint("item_id", "annotator", "version"),
    CheckConstraint("kind IN ('second', 'gold')", name="kind"),
    Index("ix_reads_annotator", "annotator", "created_at"),
)

second_reads = Table(
    "second_reads",
    metadata,
    Column("item_id", Integer, ForeignKey("items.id"), primary_key=True),
    Column("asked_by", String(100)),  # null: drawn by the project's share
    Column("first_id", Integer, ForeignKey("annotations.id")),
    Column("second_id", Integer, ForeignKey("reads.id")),  # null: nobody has read it a second time yet
    Column("score", Float),
    Column("distance", Float),
    Column("classes", JSON),  # [{"class_id", "dice", "distance", "hd95"}]
    Column("decision_id", Integer, ForeignKey("annotations.id")),
    Column("created_at", Float, nullable=False),
)

gold = Table(
    "gold",
    metadata,
    Column("item_id", Integer, ForeignKey("items.id"), primary_key=True),
    Column("annotation_id", Integer, ForeignKey("annotations.id"), nullable=False),
    Column("marked_by", String(100), nullable=False),
    Column("created_at", Float, nullable=False),
)
