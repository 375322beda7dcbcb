"""The requests that actions and questions need, one typed method each, through discord.py's HTTP client.

discord.py keeps to the rate limits, waits where Discord says so, and repeats what a 5xx answered.
"""

import io
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import aiohttp
import discord
from discord.http import HTTPClient, Route

from bot.adapters.discord.once import Once
from bot.adapters.discord.snowflakes import snowflake
from bot.adapters.reading import Json, flag, table, tables, text
from bot.core.actions import File
from bot.core.errors import Forbidden, Gone, NeedsOperator, PlatformError, RateLimited, Unsupported

DEFERRED, AUTOCOMPLETE, DEFERRED_UPDATE, FORM = 5, 8, 6, 9
"""How an interaction is acknowledged (Discord, "Interaction Callback Type")."""

PAGE = 100

_MOST_PAGES = 50

_LONGEST_ALT = 1024
"""Characters (Discord, "Attachment Object")."""

_TOO_LARGE = frozenset({40005, 50035})


class Unreachable(PlatformError):
    """Nobody knows whether it was done."""


class AlreadyDone(PlatformError):
    """Something can be done once, and was."""


class Expired(Gone):
    """An interaction can no longer be answered."""


class Unacknowledged(Gone):
    """An interaction was not acknowledged."""


_KINDS: Mapping[int, type[PlatformError]] = {
    10015: Unacknowledged,
    40060: AlreadyDone,  # an interaction
    50027: Expired,
    160004: AlreadyDone,  # a thread
}
"""What Discord's codes mean where the status says too little (Discord, "JSON Error Codes")."""


class Calls:
    """One account's requests.

    Args:
        http: for all that counts towards the account's global limit.
        direct: for interactions, which do not: while that limit is reached, `http` makes no request at all.
    """

    def __init__(self, http: HTTPClient, direct: HTTPClient) -> None:
        self._http, self._direct = http, direct

    # Messages

    async def send(self, channel_id: str, body: Json) -> Json:
        """Post a message; with a nonce that was used there before, the message of then."""
        route = Route("POST", "/channels/{channel_id}/messages", channel_id=channel_id)
        return await self._object(route, json=body)

    async def edit(self, channel_id: str, message_id: str, body: Json) -> None:
        """Change a message of ours."""
        await self._request(_message("PATCH", channel_id, message_id), json=body)

    async def delete(self, channel_id: str, message_id: str, reason: str = "") -> None:
        """Remove a message."""
        await self._request(_message("DELETE", channel_id, message_id), reason=reason or None)

    async def message(self, channel_id: str, message_id: str) -> Json:
        """A message."""
        return await self._object(_message("GET", channel_id, message_id))

    async def messages_after(self, channel_id: str, message_id: str) -> Sequence[Json]:
        """The next messages behind an id, oldest first, at most `PAGE`."""
        route = Route("GET", "/channels/{channel_id}/messages", channel_id=channel_id)
        found = await self._request(route, params={"after": message_id, "limit": PAGE})
        messages = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
        return messages[::-1]

    async def react(self, channel_id: str, message_id: str, emoji: str) -> None:
        """Add an emoji; adding it twice is adding it once."""
        path = "/channels/{channel_id}/messages/{message_id}/reactions/{emoji}/@me"
        await self._request(Route("PUT", path, channel_id=channel_id, message_id=message_id, emoji=emoji))

    async def reacted(self, channel_id: str, message_id: str, emoji: str) -> Sequence[Json]:
        """Who reacted to a message with an emoji, the first `PAGE` of them."""
        path = "/channels/{channel_id}/messages/{message_id}/reactions/{emoji}"
        route = Route("GET", path, channel_id=channel_id, message_id=message_id, emoji=emoji)
        found = await self._request(route, params={"limit": PAGE})
        return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []

    async def send_file(self, channel_id: str, body: Json, name: str, content: bytes) -> Json:
        """Post a message with a file; see `send`."""
        route = Route("POST", "/channels/{channel_id}/messages", channel_id=channel_id)
        return await self._object(route, **_with_file(body, name, content))

    async def attach(self, channel_id: str, body: Json, file: File) -> Json:
        """Post a message with a file of ours and what it shows; see `send`."""
        route = Route("POST", "/channels/{channel_id}/messages", channel_id=channel_id)
        return await self._object(
            route, **_with_file(body, file.name, file.content, file.media_type, file.alt)
        )

    async def edit_file(
        self, channel_id: str, message_id: str, body: Json, name: str, content: bytes
    ) -> None:
        """Give a message of ours another file."""
        route = _message("PATCH", channel_id, message_id)
        await self._request(route, **_with_file(body, name, content))

    async def delete_many(self, channel_id: str, message_ids: Sequence[str], reason: str) -> None:
        """Remove 2 to 100 messages younger than two weeks; those that are gone already do no harm."""
        route = Route("POST", "/channels/{channel_id}/messages/bulk-delete", channel_id=channel_id)
        await self._request(route, json={"messages": list(message_ids)}, reason=reason or None)

    async def pin(self, channel_id: str, message_id: str, reason: str) -> None:
        """Pin a message; pinning it twice is pinning it once."""
        await self._request(_pin("PUT", channel_id, message_id), reason=reason or None)

    async def unpin(self, channel_id: str, message_id: str, reason: str) -> None:
        """Unpin a message."""
        await self._request(_pin("DELETE", channel_id, message_id), reason=reason or None)

    # Places and people

    async def private_with(self, user_id: str) -> str:
        """The id of the private conversation with somebody, opened if there was none."""
        route = Route("POST", "/users/@me/channels")
        found = snowflake(await self._object(route, json={"recipient_id": user_id}), "id")
        if found is None:
            raise PlatformError("Discord answered without the id of a conversation")
        return found

    async def channel(self, channel_id: str) -> Json:
        """A channel or thread."""
        return await self._object(Route("GET", "/channels/{channel_id}", channel_id=channel_id))

    async def is_in_thread(self, thread_id: str, user_id: str) -> bool:
        """Whether somebody is a member of a thread."""
        path = "/channels/{channel_id}/thread-members/{user_id}"
        try:
            await self._request(Route("GET", path, channel_id=thread_id, user_id=user_id))
        except Gone:
            return False
        return True

    async def threads(self, guild_id: str, channel_id: str, since: datetime) -> Sequence[Json]:
        """The public threads of a channel, open ones and at least those archived since then, in no order."""
        active = await self._object(Route("GET", "/guilds/{guild_id}/threads/active", guild_id=guild_id))
        found = [each for each in tables(active, "threads") if each.get("parent_id") == channel_id]
        path, params = "/channels/{channel_id}/threads/archived/public", {"limit": str(PAGE)}
        for _page in range(_MOST_PAGES):
            page = await self._object(Route("GET", path, channel_id=channel_id), params=params)
            archived = tables(page, "threads")  # last archived first
            found += archived
            before = text(table(archived[-1], "thread_metadata"), "archive_timestamp") if archived else None
            if not flag(page, "has_more") or before is None or datetime.fromisoformat(before) <= since:
                break
            params["before"] = before
        return found

    async def change_channel(self, channel_id: str, change: Json, reason: str) -> None:
        """Change settings of a channel or thread."""
        route = Route("PATCH", "/channels/{channel_id}", channel_id=channel_id)
        await self._request(route, json=change, reason=reason or None)

    async def set_overwrite(self, channel_id: str, role_id: str, body: Json, reason: str) -> None:
        """Replace what a role may and may not do in a channel."""
        await self._request(_overwrite("PUT", channel_id, role_id), json=body, reason=reason or None)

    async def drop_overwrite(self, channel_id: str, role_id: str, reason: str) -> None:
        """Let a role do in a channel what it may do anywhere."""
        await self._request(_overwrite("DELETE", channel_id, role_id), reason=reason or None)

    async def start_thread(self, channel_id: str, message_id: str, name: str) -> None:
        """Open a thread on a message; it has the message's id.

        Raises:
            AlreadyDone: there is one.
        """
        path = "/channels/{channel_id}/messages/{message_id}/threads"
        await self._request(
            Route("POST", path, channel_id=channel_id, message_id=message_id), json={"name": name}
        )

    async def member(self, guild_id: str, user_id: str) -> Json:
        """A member as they are now."""
        path = "/guilds/{guild_id}/members/{user_id}"
        return await self._object(Route("GET", path, guild_id=guild_id, user_id=user_id))

    async def time_out(self, guild_id: str, user_id: str, until: str | None, reason: str) -> None:
        """Take away a member's right to write until then (ISO 8601), or give it back (None)."""
        path = "/guilds/{guild_id}/members/{user_id}"
        route = Route("PATCH", path, guild_id=guild_id, user_id=user_id)
        await self._request(route, json={"communication_disabled_until": until}, reason=reason or None)

    async def kick(self, guild_id: str, user_id: str, reason: str) -> None:
        """Send a member out."""
        path = "/guilds/{guild_id}/members/{user_id}"
        route = Route("DELETE", path, guild_id=guild_id, user_id=user_id)
        await self._request(route, reason=reason or None)

    async def ban(self, guild_id: str, user_id: str, reason: str) -> None:
        """Send somebody out for good."""
        path = "/guilds/{guild_id}/bans/{user_id}"
        route = Route("PUT", path, guild_id=guild_id, user_id=user_id)
        await self._request(route, json={}, reason=reason or None)

    async def unban(self, guild_id: str, user_id: str, reason: str) -> None:
        """Let somebody in again."""
        path = "/guilds/{guild_id}/bans/{user_id}"
        route = Route("DELETE", path, guild_id=guild_id, user_id=user_id)
        await self._request(route, json={}, reason=reason or None)

    # Commands

    async def register(self, application_id: str, commands: Sequence[Json]) -> None:
        """Replace all commands."""
        route = Route("PUT", "/applications/{application_id}/commands", application_id=application_id)
        await self._request(route, json=list(commands))

    async def acknowledge(self, id: str, token: str, kind: int, data: Json | None = None) -> None:
        """Answer an interaction for the first time, within three seconds; doing it again does no harm."""
        route = Route(
            "POST", "/interactions/{webhook_id}/{webhook_token}/callback", webhook_id=id, webhook_token=token
        )
        try:
            await self._directly(route, json={"type": kind} | ({"data": data} if data is not None else {}))
        except AlreadyDone:
            return  # an earlier attempt arrived, and its answer did not

    async def is_acknowledged(self, application_id: str, token: str) -> bool:
        """Whether an interaction was acknowledged, by whomever."""
        try:
            await self._directly(_answer("GET", application_id, token, "@original"))
        except (Unacknowledged, Expired):
            return False
        except Gone:
            return True  # it waits for its answer, or that was deleted
        return True

    async def answer(self, application_id: str, token: str, body: Json) -> Json:
        """Fill in the answer of a deferred interaction."""
        route = _answer("PATCH", application_id, token, "@original")
        return _object(route, await self._directly(route, json=body))

    async def follow_up(self, application_id: str, token: str, body: Json) -> Json:
        """One more message for an interaction; Discord knows no nonce here, so it is never repeated.

        Raises:
            Unreachable: it may stand there.
        """
        return await self._follow_up(application_id, token, json=body)

    async def follow_up_file(
        self, application_id: str, token: str, body: Json, name: str, content: bytes
    ) -> Json:
        """One more message for an interaction, with a file; see `follow_up`."""
        return await self._follow_up(application_id, token, **_with_file(body, name, content))

    async def attach_to_answer(self, application_id: str, token: str, body: Json, file: File) -> Json:
        """One more message for an interaction, with a file of ours; see `follow_up`."""
        sent = _with_file(body, file.name, file.content, file.media_type, file.alt)
        return await self._follow_up(application_id, token, **sent)

    async def _follow_up(self, application_id: str, token: str, **what: Any) -> Json:  # noqa: ANN401 - as below
        path = "/webhooks/{webhook_id}/{webhook_token}"
        route = Route("POST", path, webhook_id=application_id, webhook_token=token)
        more = {"params": {"wait": "true"}, "trace_request_ctx": Once()}
        return _object(route, await self._directly(route, **what, **more))

    async def edit_answer(self, application_id: str, token: str, message_id: str, body: Json) -> None:
        """Change a message of an interaction."""
        await self._directly(_answer("PATCH", application_id, token, message_id), json=body)

    async def edit_answer_file(
        self, application_id: str, token: str, message_id: str, body: Json, name: str, content: bytes
    ) -> None:
        """Give a message of an interaction another file."""
        route = _answer("PATCH", application_id, token, message_id)
        await self._directly(route, **_with_file(body, name, content))

    async def delete_answer(self, application_id: str, token: str, message_id: str) -> None:
        """Remove a message of an interaction."""
        await self._directly(_answer("DELETE", application_id, token, message_id))

    async def _object(self, route: Route, **more: Any) -> Json:  # noqa: ANN401 - discord.py's own arguments
        return _object(route, await self._request(route, **more))

    async def _request(self, route: Route, **more: Any) -> object:  # noqa: ANN401 - discord.py's own arguments
        return await _made(self._http, route, **more)

    async def _directly(self, route: Route, **more: Any) -> object:  # noqa: ANN401 - discord.py's own arguments
        return await _made(self._direct, route, **more)


async def _made(http: HTTPClient, route: Route, **more: Any) -> object:  # noqa: ANN401 - discord.py's own arguments
    try:
        return await http.request(route, **more)
    except discord.DiscordException as error:
        raise translated(error) from error
    except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
        raise Unreachable(f"Discord cannot be reached: {error or type(error).__name__}") from error


def _object(route: Route, found: object) -> Json:
    if not isinstance(found, dict):
        raise PlatformError(f"Discord answered {route.path} with something else than it should")
    return found


def translated(error: discord.DiscordException) -> PlatformError:
    """discord.py's error in words of ours."""
    match error:
        case discord.LoginFailure():
            return NeedsOperator(f"Discord refuses the token: {error}")
        case discord.PrivilegedIntentsRequired():
            return NeedsOperator(
                'message_content = true needs the switch "Message Content Intent" in the developer portal'
            )
        case discord.RateLimited():
            return RateLimited(error.retry_after)
        case discord.HTTPException(code=code) if code in _KINDS:
            return _KINDS[code](f"{error.code}: {error.text}")
        case discord.HTTPException(status=401):
            return NeedsOperator("Discord does not know the token (any more)")
        case discord.Forbidden():
            return Forbidden(f"{error.code}: {error.text}")
        case discord.NotFound():
            return Gone(f"{error.code}: {error.text}")
        case discord.HTTPException() if error.code in _TOO_LARGE or error.status in (400, 405):
            return Unsupported(f"{error.code}: {error.text}")
        case _:
            return Unreachable(str(error))


def _message(method: str, channel_id: str, message_id: str) -> Route:
    path = "/channels/{channel_id}/messages/{message_id}"
    return Route(method, path, channel_id=channel_id, message_id=message_id)


def _with_file(
    body: Json, name: str, content: bytes, media_type: str = "text/markdown", alt: str = ""
) -> dict[str, Any]:
    """A multipart request (Discord, "Uploading Files")."""
    file = discord.File(io.BytesIO(content), filename=name)
    shows = {"description": alt[:_LONGEST_ALT]} if alt else {}
    described = json.dumps({**body, "attachments": [{"id": 0, "filename": name, **shows}]})
    form = [
        {"name": "payload_json", "value": described, "content_type": "application/json"},
        {"name": "files[0]", "value": file.fp, "filename": name, "content_type": media_type},
    ]
    return {"files": [file], "form": form}


def _pin(method: str, channel_id: str, message_id: str) -> Route:
    path = "/channels/{channel_id}/messages/pins/{message_id}"
    return Route(method, path, channel_id=channel_id, message_id=message_id)


def _overwrite(method: str, channel_id: str, role_id: str) -> Route:
    path = "/channels/{channel_id}/permissions/{overwrite_id}"
    return Route(method, path, channel_id=channel_id, overwrite_id=role_id)


def _answer(method: str, application_id: str, token: str, message_id: str) -> Route:
    path = "/webhooks/{webhook_id}/{webhook_token}/messages/{message_id}"
    return Route(method, path, webhook_id=application_id, webhook_token=token, message_id=message_id)


def whole_characters(said: str) -> str:
    """A text that can be sent: a half of a character becomes a question mark."""
    return said.encode("utf-8", "replace").decode("utf-8")
