"""A workspace of an older version is brought to the newest schema with all that it holds."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine, text

from app.store import projects as project_rows
from app.store import rounds as round_rows
from app.store.database import MIGRATIONS, newest_revision, open_database, revision_of

ROWS = (
    "INSERT INTO projects (name, task, encoder, segmenter, head, cold_start, strategy, batch_size, model_id, "
    "created_at) "
    "VALUES ('old', 'segmentation', 'builtin', 'builtin', 'default', 'default', 'default', 20, 'head-1-3', 5.0)",
    "INSERT INTO classes VALUES (1, 1, 'nerve', '#e69f00')",
    "INSERT INTO items (project_id, name, content_hash, suffix, width, height, dtype, channels, level, window_width, "
    "min, max, state, version, created_at) "
    "VALUES (1, 'a.png', 'abc', '.png', 4, 3, 'uint8', 1, 127.5, 255, 0, 255, 'labeled', 1, 5.0)",
    "INSERT INTO annotations (item_id, version, submission_id, annotator, objects, seconds, clicks, created_at) "
    "VALUES (1, 1, 's', 'ann', '[]', 2.0, 3, 6.0)",
)


def upgrade(connection: Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def test_a_workspace_of_the_first_schema_opens_with_its_data(tmp_path: Path) -> None:
    file = tmp_path / "fewclick.db"
    engine = create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        upgrade(connection, "0001")
        assert MigrationContext.configure(connection).get_current_revision() == "0001"
        for row in ROWS:
            connection.execute(text(row))
    engine.dispose()
    database = open_database(file)
    assert revision_of(database) == newest_revision() != "0001"
    with database.read() as connection:
        project = project_rows.get(connection, 1)
        assert (project["name"], project["model_id"], project["created_at"]) == ("old", "head-1-3", 5.0)
        assert (project["adaptation_id"], project["adapt_automatically"]) == (None, 0)
        assert connection.execute(text("SELECT name FROM classes")).scalar_one() == "nerve"
        assert connection.execute(text("SELECT annotator, clicks FROM annotations")).one() == ("ann", 3)
        assert connection.execute(text("SELECT count(*) FROM adaptations")).scalar_one() == 0
        assert project["guidelines"] == ""
        assert connection.execute(text("SELECT is_flagged, skipped_by, skipped_at FROM items")).one() == (0, None, None)
        assert connection.execute(text("SELECT count(*) FROM notes")).scalar_one() == 0
        shares = (project["second_read_share"], project["adjudicate_below"], project["gold_share"])
        assert shares == (0.0, 0.8, 0.0)
        assert connection.execute(text("SELECT adjudicates, labeled_window FROM annotations")).one() == (None, None)
        for table in ("reads", "second_reads", "gold"):
            assert connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() == 0
        assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
    database.close()


ASKED = (
    "INSERT INTO jobs (id, project_id, kind, params, state, created_at) VALUES (1, 1, 'round', '{}', 'done', 5.5)",
    "INSERT INTO items (project_id, name, content_hash, suffix, width, height, dtype, channels, level, window_width, "
    "min, max, state, version, created_at, is_audit) "
    "VALUES (1, 'b.png', 'def', '.png', 4, 3, 'uint8', 1, 127.5, 255, 0, 255, 'labeled', 0, 5.0, 1)",
    "INSERT INTO rounds (id, project_id, number, job_id, strategy, reason, seed, n_selected, n_labeled_before, metric, "
    "value, ci_low, ci_high, metric_on, created_at) "
    "VALUES (1, 1, 1, 1, 'margin', '', 0, 2, 9, 'dice', 0.5, 0.4, 0.6, 'audit', 6.5)",
    "INSERT INTO round_items (round_id, item_id, position, reason, is_audit) VALUES (1, 1, 0, '', 0), (1, 2, 1, '', 1)",
    "INSERT INTO annotations (item_id, version, submission_id, annotator, objects, seconds, clicks, created_at) "
    "VALUES (1, 2, 't', 'ann', '[]', 30.0, 7, 9.0)",
)


def test_random_items_of_the_second_schema_become_control_items_and_old_rounds_know_what_they_cost(
    tmp_path: Path,
) -> None:
    file = tmp_path / "fewclick.db"
    engine = create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        upgrade(connection, "0002")
        for row in (*ROWS, *ASKED):
            connection.execute(text(row))
    engine.dispose()
    database = open_database(file)
    with database.read() as connection:
        assert round_rows.arms(connection, 1) == {1: "strategy", 2: "control"}
        assert connection.execute(text("SELECT sum(is_audit) FROM items")).scalar_one() == 0
        (made,) = round_rows.report(connection, 1)
        assert (made["metric_on"], made["value"], made["measures"]) == ("crossfit", 0.5, None)
        assert (made["seconds_before"], made["clicks_before"]) == (2.0, 3)  # what was annotated later cost later
        assert (made["n_control"], made["n_audit"]) == (1, 0)
        assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
    database.close()
