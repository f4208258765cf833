"""Arms of a batch, what each round's model was measured to be, and comparisons of the arms.

Items that were drawn at random so far were trained on, which is what the control arm is; the audit set begins anew
among patients that no head has seen.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Columns are added and dropped, and no table is rebuilt: others refer to them.
    op.add_column("round_items", sa.Column("arm", sa.String(length=10), server_default="strategy", nullable=False))
    op.execute("UPDATE round_items SET arm = 'control' WHERE is_audit = 1")
    op.drop_column("round_items", "is_audit")
    op.execute("UPDATE items SET is_audit = 0")
    op.execute("UPDATE rounds SET metric_on = 'crossfit' WHERE metric_on = 'audit'")
    op.execute("UPDATE models SET metric_on = 'crossfit' WHERE metric_on = 'audit'")
    op.add_column("rounds", sa.Column("seconds_before", sa.Float(), nullable=True))
    op.add_column("rounds", sa.Column("clicks_before", sa.Integer(), nullable=True))
    for spent in ("seconds", "clicks"):
        op.execute(
            f"UPDATE rounds SET {spent}_before = (SELECT coalesce(sum(annotations.{spent}), 0) FROM annotations "
            "JOIN items ON items.id = annotations.item_id "
            "WHERE items.project_id = rounds.project_id AND annotations.created_at <= rounds.created_at)"
        )
    op.add_column("rounds", sa.Column("measures", sa.JSON(), nullable=True))
    op.create_table(
        "comparisons",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("metric", sa.String(length=50), nullable=False),
        sa.Column("n_trained", sa.Integer(), nullable=False),
        sa.Column("n_measured", sa.Integer(), nullable=False),
        sa.Column("n_draws", sa.Integer(), nullable=False),
        sa.Column("strategy", sa.Float(), nullable=False),
        sa.Column("control", sa.Float(), nullable=False),
        sa.Column("difference", sa.Float(), nullable=False),
        sa.Column("ci_low", sa.Float(), nullable=False),
        sa.Column("ci_high", sa.Float(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_comparisons_job_id")),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_comparisons_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comparisons")),
    )
    op.create_index(op.f("ix_comparisons_project_id"), "comparisons", ["project_id"], unique=False)
