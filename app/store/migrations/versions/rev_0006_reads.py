"""More than one reader: blind answers, second reads with what became of them, and gold items."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name, default in (("second_read_share", "0"), ("adjudicate_below", "0.8"), ("gold_share", "0")):
        op.add_column("projects", sa.Column(name, sa.Float(), server_default=default, nullable=False))
    op.add_column("leases", sa.Column("kind", sa.String(length=12), nullable=True))
    op.add_column("annotations", sa.Column("adjudicates", sa.JSON(), nullable=True))
    op.create_table(
        "reads",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("annotator", sa.String(length=100), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("submission_id", sa.String(length=36), nullable=False),
        sa.Column("label", sa.String(length=200), nullable=True),
        sa.Column("objects", sa.JSON(), nullable=False),
        sa.Column("window", sa.JSON(), nullable=True),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("clicks", sa.Integer(), nullable=False),
        sa.Column("model_id", sa.String(length=200), nullable=True),
        sa.Column("skip_reason", sa.String(length=1000), nullable=True),
        sa.Column("against_id", sa.Integer(), nullable=False),
        sa.Column("score", sa.Float(), nullable=True),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.CheckConstraint("kind IN ('second', 'gold')", name=op.f("ck_reads_kind")),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name=op.f("fk_reads_item_id")),
        sa.ForeignKeyConstraint(["against_id"], ["annotations.id"], name=op.f("fk_reads_against_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reads")),
        sa.UniqueConstraint("submission_id", name=op.f("uq_reads_submission_id")),
        sa.UniqueConstraint("item_id", "annotator", "version", name=op.f("uq_reads_item_id_annotator_version")),
    )
    op.create_index(op.f("ix_reads_annotator"), "reads", ["annotator", "created_at"], unique=False)
    op.create_table(
        "second_reads",
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("asked_by", sa.String(length=100), nullable=True),
        sa.Column("first_id", sa.Integer(), nullable=True),
        sa.Column("second_id", sa.Integer(), nullable=True),
        sa.Column("score", sa.Float(), nullable=True),
        sa.Column("distance", sa.Float(), nullable=True),
        sa.Column("classes", sa.JSON(), nullable=True),
        sa.Column("decision_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name=op.f("fk_second_reads_item_id")),
        sa.ForeignKeyConstraint(["first_id"], ["annotations.id"], name=op.f("fk_second_reads_first_id")),
        sa.ForeignKeyConstraint(["second_id"], ["reads.id"], name=op.f("fk_second_reads_second_id")),
        sa.ForeignKeyConstraint(["decision_id"], ["annotations.id"], name=op.f("fk_second_reads_decision_id")),
        sa.PrimaryKeyConstraint("item_id", name=op.f("pk_second_reads")),
    )
    op.create_table(
        "gold",
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("annotation_id", sa.Integer(), nullable=False),
        sa.Column("marked_by", sa.String(length=100), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name=op.f("fk_gold_item_id")),
        sa.ForeignKeyConstraint(["annotation_id"], ["annotations.id"], name=op.f("fk_gold_annotation_id")),
        sa.PrimaryKeyConstraint("item_id", name=op.f("pk_gold")),
    )
    # Blind answers are append-only like annotations.
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER reads_no_{verb.lower()} BEFORE {verb} ON reads "
            "BEGIN SELECT RAISE(ABORT, 'reads are append-only'); END"
        )
