"""What the parts of a project's client share: the way to the server, and the project's address there."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.api.schemas import Project
    from app.client.transport import Transport


class ProjectPart:
    """A group of calls about one project; `Project` puts the groups together."""

    _transport: Transport
    _state: Project

    @property
    def id(self) -> int:
        """Its id on the server."""
        return self._state.id

    def _path(self, *parts: str) -> str:
        """Path of the project or of something below it."""
        return "/".join((f"/v1/projects/{self.id}", *parts))
