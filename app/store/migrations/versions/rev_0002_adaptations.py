"""Adaptations of the promptable model: each attempt, which one a project uses, and whether it adapts by itself."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "adaptations",
        sa.Column("id", sa.String(length=100), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=True),
        sa.Column("segmenter", sa.String(length=500), nullable=False),
        sa.Column("base_id", sa.String(length=500), nullable=False),
        sa.Column("parent_id", sa.String(length=100), nullable=True),
        sa.Column("file", sa.String(length=1000), nullable=True),
        sa.Column("n_images", sa.Integer(), nullable=False),
        sa.Column("n_objects", sa.Integer(), nullable=False),
        sa.Column("item_ids", sa.JSON(), nullable=False),
        sa.Column("held_out_ids", sa.JSON(), nullable=False),
        sa.Column("scores_before", sa.JSON(), nullable=False),
        sa.Column("scores_after", sa.JSON(), nullable=False),
        sa.Column("accepted", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=1000), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["parent_id"], ["adaptations.id"], name=op.f("fk_adaptations_parent_id")),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_adaptations_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_adaptations")),
    )
    op.create_index(op.f("ix_adaptations_project_id"), "adaptations", ["project_id"], unique=False)
    # Columns are added and the table is not rebuilt: every other table refers to it.
    op.add_column("projects", sa.Column("adaptation_id", sa.String(length=100), nullable=True))
    op.add_column("projects", sa.Column("adapt_automatically", sa.Integer(), server_default="0", nullable=False))
