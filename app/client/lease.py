"""The lease of an image from a program: prolong it, give it back, put the image aside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.api.schemas import Heartbeat, LeaseTokenIn, SkipIn
from app.errors import LeaseLost

if TYPE_CHECKING:
    from app.api.schemas import Item
    from app.client.transport import Transport


class Leased:
    """What can be done with the lease of an image; part of `Item`."""

    _transport: Transport
    _state: Item

    def skip(self, reason: str = "") -> None:
        """Put the image aside."""
        self._transport.send("POST", self._lease_path("skip"), body=SkipIn(lease_token=self._token(), reason=reason))

    def heartbeat(self) -> Heartbeat:
        """Prolong the lease; call it now and then while a person thinks."""
        body = LeaseTokenIn(lease_token=self._token())
        return self._transport.ask(Heartbeat, "POST", self._lease_path("heartbeat"), body=body, repeatable=True)

    def release(self) -> None:
        """Give the lease back, so that the image goes to the next who asks."""
        body = LeaseTokenIn(lease_token=self._token())
        self._transport.send("POST", self._lease_path("release"), body=body, repeatable=True)

    def _token(self) -> str:
        """Proof of the lease."""
        if self._state.lease is None:
            raise LeaseLost(f"item {self._state.id} was read without a lease; get it through next_item()")
        return self._state.lease.token

    def _lease_path(self, what: str) -> str:
        """Path of something about the lease."""
        return f"/v1/items/{self._state.id}/{what}"
