"""A limit on request bodies, by what is announced and by what really comes. Pure ASGI."""

from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.errors import answer
from app.errors import TooLarge


class BodyLimit:
    """Answers 413 where a body is over the limit for its path."""

    def __init__(self, app: ASGIApp, limit_of: Callable[[str], int]) -> None:
        self.app, self._limit_of = app, limit_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit, seen, is_over, has_begun = self._limit_of(scope["path"]), 0, False, False
        error = TooLarge(f"the body is over {limit / 1e6:g} MB, the limit here; send less at a time")
        announced = Headers(scope=scope).get("content-length", "0")
        if announced.isdecimal() and int(announced) > limit:
            await answer(error)(scope, receive, send)
            return

        async def counted() -> Message:
            nonlocal seen, is_over
            message = await receive()
            seen += len(message.get("body", b""))
            is_over = is_over or seen > limit
            if is_over:
                raise error
            return message

        async def noted(message: Message) -> None:
            nonlocal has_begun
            if is_over and not has_begun:
                return  # the framework's own words for a body that broke off
            has_begun = True
            await send(message)

        try:
            await self.app(scope, counted, noted)
        except TooLarge:
            if has_begun or not is_over:
                raise
        if is_over and not has_begun:
            await answer(error)(scope, receive, send)
