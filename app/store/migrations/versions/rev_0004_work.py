"""What annotators work with: guidelines of a project, notes and flags of an item, and who skipped it when."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("projects", sa.Column("guidelines", sa.Text(), server_default="", nullable=False))
    op.add_column("items", sa.Column("skipped_by", sa.String(length=100), nullable=True))
    op.add_column("items", sa.Column("skipped_at", sa.Float(), nullable=True))
    op.add_column("items", sa.Column("is_flagged", sa.Integer(), server_default="0", nullable=False))
    op.create_index(op.f("ix_annotations_annotator"), "annotations", ["annotator", "created_at"], unique=False)
    op.create_table(
        "notes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("annotator", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("text", sa.String(length=2000), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.CheckConstraint("kind IN ('comment', 'flag', 'resolve')", name=op.f("ck_notes_kind")),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name=op.f("fk_notes_item_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notes")),
    )
    op.create_index(op.f("ix_notes_item_id"), "notes", ["item_id"], unique=False)
