"""What endpoints ask for: the service, the settings, and who is calling."""

from typing import Annotated

from fastapi import Depends, Request

from app.roles import Role
from app.service import AnnotationService
from app.settings import Settings


def _service(request: Request) -> AnnotationService:
    service: AnnotationService = request.app.state.service
    return service


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


def _person(request: Request) -> str | None:
    """The name that the gate proved, or None where nobody must log in or only a shared token came."""
    return getattr(request.state, "person", None)


def _role(request: Request) -> Role:
    role: Role = request.state.role
    return role


Service = Annotated[AnnotationService, Depends(_service)]
Config = Annotated[Settings, Depends(_settings)]
Person = Annotated[str | None, Depends(_person)]

CallerRole = Annotated[Role, Depends(_role)]


def annotator_of(person: str | None, named: str | None) -> str | None:
    """Who annotates: the person who logged in, or else the name that the request gives."""
    return person or named
