"""How unsure the head is of each pixel of what it suggests; older suggestions have no such map."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("suggestions", sa.Column("uncertainty", sa.LargeBinary(), nullable=True))
