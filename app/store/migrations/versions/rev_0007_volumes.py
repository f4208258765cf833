"""Volumes and their slices; suggestions that were carried over from a neighbouring slice, which no head has made."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "volumes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=1000), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("suffix", sa.String(length=10), nullable=False),
        sa.Column("n_slices", sa.Integer(), nullable=False),
        sa.Column("axes", sa.String(length=3), nullable=False),
        sa.Column("spacing_slice_mm", sa.Float(), nullable=True),
        sa.Column("slope", sa.Float(), nullable=False),
        sa.Column("intercept", sa.Float(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_volumes_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_volumes")),
        sa.UniqueConstraint("project_id", "content_hash", name=op.f("uq_volumes_project_id_content_hash")),
    )
    # Alembic would add the reference in a step of its own, which SQLite does not know.
    op.execute("ALTER TABLE items ADD COLUMN volume_id INTEGER CONSTRAINT fk_items_volume_id REFERENCES volumes (id)")
    op.add_column("items", sa.Column("slice_index", sa.Integer(), nullable=True))
    op.create_index(op.f("ix_items_volume_id_slice_index"), "items", ["volume_id", "slice_index"], unique=False)
    # Nothing refers to suggestions, so the table may be made anew: its model may be no head.
    op.create_table(
        "suggestions_new",
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("model_id", sa.String(length=200), nullable=False),
        sa.Column("objects", sa.JSON(), nullable=False),
        sa.Column("label", sa.JSON(), nullable=True),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("uncertainty", sa.LargeBinary(), nullable=True),
        sa.Column("from_item_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name=op.f("fk_suggestions_item_id")),
        sa.ForeignKeyConstraint(["from_item_id"], ["items.id"], name=op.f("fk_suggestions_from_item_id")),
        sa.PrimaryKeyConstraint("item_id", name=op.f("pk_suggestions")),
    )
    names = "item_id, model_id, objects, label, created_at, uncertainty"
    op.execute(f"INSERT INTO suggestions_new ({names}) SELECT {names} FROM suggestions")
    op.drop_table("suggestions")
    op.rename_table("suggestions_new", "suggestions")
