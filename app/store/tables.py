"""Tables of the workspace (SQLAlchemy Core). Times are seconds since the epoch, UTC; ids are integers, model ids names.

The schema that a database really has is made by the revisions in `migrations/`; a test compares the two.
"""

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from app.store.tables_base import metadata
from app.store.tables_volumes import volumes

projects = Table(
    "projects",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(200), nullable=False, unique=True),
    Column("task", String(20), nullable=False),
    Column("encoder", String(500), nullable=False),
    Column("segmenter", String(500), nullable=False),
    Column("head", String(500), nullable=False),
    Column("cold_start", String(500), nullable=False),
    Column("strategy", String(500), nullable=False),
    Column("batch_size", Integer, nullable=False),
    Column("model_id", String(100)),
    Column("created_at", Float, nullable=False),
    Column("adaptation_id", String(100)),
    Column("adapt_automatically", Integer, nullable=False, server_default="0"),
    Column("guidelines", Text, nullable=False, server_default=""),
    Column("second_read_share", Float, nullable=False, server_default="0"),
    Column("adjudicate_below", Float, nullable=False, server_default="0.8"),
    Column("gold_share", Float, nullable=False, server_default="0"),
    CheckConstraint("task IN ('segmentation', 'classification')", name="task"),
)

classes = Table(
    "classes",
    metadata,
    Column("project_id", Integer, ForeignKey("projects.id"), primary_key=True),
    Column("class_id", Integer, primary_key=True),
    Column("name", String(200), nullable=False),
    Column("color", String(7), nullable=False),
    UniqueConstraint("project_id", "name"),
)

items = Table(
    "items",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("project_id", Integer, ForeignKey("projects.id"), nullable=False),
    Column("name", String(1000), nullable=False),
    Column("content_hash", String(64), nullable=False),
    Column("suffix", String(10), nullable=False),
    Column("group_name", String(1000)),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("dtype", String(10), nullable=False),
    Column("channels", Integer, nullable=False),
    Column("level", Float, nullable=False),
    Column("window_width", Float, nullable=False),
    Column("min", Float, nullable=False),
    Column("max", Float, nullable=False),
    Column("spacing_row_mm", Float),
    Column("spacing_col_mm", Float),
    Column("state", String(10), nullable=False, server_default="unqueued"),
    Column("position", Integer, nullable=False, server_default="0"),
    Column("round", Integer),
    Column("reason", String(1000)),
    Column("is_audit", Integer, nullable=False, server_default="0"),  # kept to measure on, asked or not
    Column("skip_reason", String(1000)),
    Column("version", Integer, nullable=False, server_default="0"),
    Column("created_at", Float, nullable=False),
    Column("skipped_by", String(100)),
    Column("skipped_at", Float),
    Column("is_flagged", Integer, nullable=False, server_default="0"),  # the newest flag in `notes` is not resolved
    Column("volume_id", Integer, ForeignKey(volumes.c.id)),
    Column("slice_index", Integer),  # from 0 in the stored order
    UniqueConstraint("project_id", "content_hash"),
    CheckConstraint("state IN ('unqueued', 'queued', 'labeled', 'skipped')", name="state"),
    Index("ix_items_queue", "project_id", "state", "position"),
    Index("ix_items_volume_id_slice_index", "volume_id", "slice_index"),
)

leases = Table(
    "leases",
    metadata,
    Column("item_id", Integer, ForeignKey("items.id"), primary_key=True),
    Column("token", String(64), nullable=False),
    Column("annotator", String(100), nullable=False),
    Column("acquired_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("kind", String(12)),  # null: an ordinary answer; second, gold or adjudication: see `reads.py`
)

drafts = Table(
    "drafts",
    metadata,
    Column("item_id", Integer, ForeignKey("items.id"), primary_key=True),
    Column("annotator", String(100), primary_key=True),
    Column("draft", JSON, nullable=False),
    Column("updated_at", Float, nullable=False),
)

annotations = Table(
    "annotations",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("item_id", Integer, ForeignKey("items.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("submission_id", String(36), nullable=False, unique=True),
    Column("annotator", String(100), nullable=False),
    Column("label", String(200)),
    Column("objects", JSON, nullable=False),
    Column("window", JSON),
    Column("seconds", Float, nullable=False),
    Column("clicks", Integer, nullable=False),
    Column("model_id", String(200)),
    Column("round", Integer),
    Column("created_at", Float, nullable=False),
    Column("adjudicates", JSON),  # {"act", "first_id", "second_id"} where it decides between two readers
    Column("labeled_window", JSON),  # [x0, y0, x1, y1] that alone is labeled; null: the whole image
    UniqueConstraint("item_id", "version"),
    Index("ix_annotations_annotator", "annotator", "created_at"),
)

notes = Table(
    "notes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("item_id", Integer, ForeignKey("items.id"), nullable=False, index=True),
    Column("annotator", String(100), nullable=False),
    Column("kind", String(10), nullable=False),
    Column("text", String(2000), nullable=False),
    Column("created_at", Float, nullable=False),
    CheckConstraint("kind IN ('comment', 'flag', 'resolve')", name="kind"),
)

users = Table(
    "users",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("role", String(20), nullable=False),
    Column("password_hash", String(200), nullable=False),
    Column("is_active", Integer, nullable=False, server_default="1"),
    Column("created_at", Float, nullable=False),
    CheckConstraint("role IN ('annotator', 'scientist', 'operator')", name="role"),
)

models = Table(
    "models",
    metadata,
    Column("id", String(100), primary_key=True),
    Column("project_id", Integer, ForeignKey("projects.id"), nullable=False, index=True),
    Column("job_id", Integer),
    Column("file", String(1000), nullable=False),
    Column("encoder_id", String(500), nullable=False),
    Column("class_ids", JSON, nullable=False),
    Column("n_labeled", Integer, nullable=False),
    Column("item_ids", JSON, nullable=False),
    Column("metric", String(50)),
    Column("value", Float),
    Column("ci_low", Float),
    Column("ci_high", Float),
    Column("metric_on", String(20)),
    Column("accepted", Integer, nullable=False),
    Column("report", JSON, nullable=False),
    Column("created_at", Float, nullable=False),
)

adaptations = Table(
    "adaptations",
    metadata,
    Column("id", String(100), primary_key=True),
    Column("project_id", Integer, ForeignKey("projects.id"), nullable=False, index=True),
    Column("job_id", Integer),
    Column("segmenter", String(500), nullable=False),
    Column("base_id", String(500), nullable=False),
    Column("parent_id", String(100), ForeignKey("adaptations.id")),
    Column("file", String(1000)),  # null where it was refused: its weights are not kept
    Column("n_images", Integer, nullable=False),
    Column("n_objects", Integer, nullable=False),
    Column("item_ids", JSON, nullable=False),
    Column("held_out_ids", JSON, nullable=False),
    Column("scores_before", JSON, nullable=False),
    Column("scores_after", JSON, nullable=False),
    Column("accepted", Integer, nullable=False),
    Column("reason", String(1000), nullable=False),
    Column("created_at", Float, nullable=False),
)

rounds = Table(
    "rounds",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("project_id", Integer, ForeignKey("projects.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("job_id", Integer, nullable=False, unique=True),
    Column("strategy", String(500), nullable=False),
    Column("reason", String(1000), nullable=False),
    Column("seed", Integer, nullable=False),
    Column("n_selected", Integer, nullable=False),
    Column("n_labeled_before", Integer, nullable=False),
    Column("metric", String(50)),
    Column("value", Float),
    Column("ci_low", Float),
    Column("ci_high", Float),
    Column("metric_on", String(20)),
    Column("model_id", String(100), ForeignKey("models.id")),
    Column("created_at", Float, nullable=False),
    Column("seconds_before", Float),  # of all annotations when the round's model was trained
    Column("clicks_before", Integer),
    Column("measures", JSON),
    UniqueConstraint("project_id", "number"),
)

round_items = Table(
    "round_items",
    metadata,
    Column("round_id", Integer, ForeignKey("rounds.id"), primary_key=True),
    Column("item_id", Integer, ForeignKey("items.id"), primary_key=True),
    Column("position", Integer, nullable=False),
    Column("reason", String(1000), nullable=False),
    Column("score", Float),
    Column("arm", String(10), nullable=False, server_default="strategy"),  # strategy, control or audit
)

comparisons = Table(
    "comparisons",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("project_id", Integer, ForeignKey("projects.id"), nullable=False, index=True),
    Column("job_id", Integer, ForeignKey("jobs.id"), nullable=False),
    Column("metric", String(50), nullable=False),
    Column("n_trained", Integer, nullable=False),
    Column("n_measured", Integer, nullable=False),
    Column("n_draws", Integer, nullable=False),
    Column("strategy", Float, nullable=False),
    Column("control", Float, nullable=False),
    Column("difference", Float, nullable=False),
    Column("ci_low", Float, nullable=False),
    Column("ci_high", Float, nullable=False),
    Column("created_at", Float, nullable=False),
)

suggestions = Table(
    "suggestions",
    metadata,
    Column("item_id", Integer, ForeignKey("items.id"), primary_key=True),
    Column("model_id", String(200), nullable=False),  # of a head, or of what carried the mask over
    Column("objects", JSON, nullable=False),
    Column("label", JSON),
    Column("created_at", Float, nullable=False),
    Column("uncertainty", LargeBinary),
    Column("from_item_id", Integer, ForeignKey("items.id")),  # the slice that the masks were carried over from
)
