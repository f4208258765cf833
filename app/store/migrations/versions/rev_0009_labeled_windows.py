"""The window of an answer: the rectangle that alone was labeled; older answers label their whole image."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("annotations", "reads"):
        op.add_column(table, sa.Column("labeled_window", sa.JSON(), nullable=True))
