"""Opens the database: SQLite in WAL mode, one writer at a time, migrated to the newest revision.

Every commit is on disk before the caller hears of it (`synchronous=FULL`): an accepted annotation survives a crash of
the process and of the machine. Writers of this process take turns on a lock before SQLite's own, which keeps them from
sleeping in its busy handler; writers of other processes wait there up to `BUSY_TIMEOUT_MS`.
"""

import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import ConnectionPoolEntry

from app.errors import WorkspaceError

BUSY_TIMEOUT_MS = 30_000
MIGRATIONS = Path(__file__).parent / "migrations"
logger = logging.getLogger(__name__)

Row = Mapping[Any, Any]
"""One row of a repository's answer, by column name."""


def _on_connect(raw: Any, _record: ConnectionPoolEntry) -> None:
    """Set up a raw SQLite connection; transactions are begun by `_on_begin`, not by the driver."""
    raw.isolation_level = None
    cursor = raw.cursor()
    for pragma in (
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "trusted_schema=OFF",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _on_begin(connection: Connection) -> None:
    """Take SQLite's write lock at once where a write is meant, so that no transaction has to be upgraded."""
    write = connection.get_execution_options().get("fewclick_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


class Database:
    """Connections to one workspace's database. Safe to share between threads."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._writing = threading.Lock()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A read transaction: all statements see the same state."""
        with self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A write transaction, committed to disk at the end or rolled back on an error. Do not nest."""
        with self._writing, self.engine.connect() as plain:
            connection = plain.execution_options(fewclick_write=True)
            with connection.begin():
                yield connection

    def close(self) -> None:
        """Close all idle connections."""
        self.engine.dispose()


def _config(connection: Connection | None = None) -> Config:
    """Alembic's settings, made here so that no ini file is needed."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def newest_revision() -> str:
    """The revision that this version of the code works with."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None
    return head


def revision_of(database: Database) -> str | None:
    """The revision that the database has."""
    with database.read() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def migrate(database: Database) -> None:
    """Bring the schema to the newest revision; a no-op when it is there.

    Raises:
        WorkspaceError: the database was written by a newer version.
    """
    newest = newest_revision()
    if revision_of(database) == newest:
        return
    with database.write() as connection:
        try:
            command.upgrade(_config(connection), "head")
        except CommandError as error:
            raise WorkspaceError(
                f"the workspace's database has a schema that this version does not know ({error}); "
                f"this version knows up to {newest}: update Fewclick, or restore a backup"
            ) from error
    logger.info("database migrated to %s", newest)


def open_database(file: Path) -> Database:
    """Open (and create, where it is missing) the database at `file`, migrated."""
    engine = create_engine(
        f"sqlite:///{file}",
        connect_args={"check_same_thread": False, "timeout": BUSY_TIMEOUT_MS / 1000},
        pool_size=16,
        max_overflow=48,
        pool_timeout=30,
    )
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)
    database = Database(engine)
    migrate(database)
    return database
