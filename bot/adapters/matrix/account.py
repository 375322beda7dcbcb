"""Our account on a homeserver: logging in, and the one place every request goes through."""

import asyncio
import json
import logging
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import NoReturn
from urllib.parse import quote

import aiohttp
from yarl import URL

from bot.adapters.files import write_private
from bot.adapters.matrix.downloading import Answer, download
from bot.adapters.matrix.settings import Settings
from bot.adapters.reading import Json, integer, parse, text
from bot.core.errors import Forbidden, Gone, NeedsOperator, PlatformError, RateLimited, TooBig, Unsupported

API = ("_matrix", "client", "v3")
REQUEST_TIMEOUT_S, UPLOAD_TIMEOUT_S = 30.0, 60.0

_UPLOAD = ("_matrix", "media", "v3", "upload")
"""Source: client-server API 1.11, "Content repository"; only downloads have moved."""

_CONNECT_TIMEOUT_S = 10.0
_BETWEEN_LOGINS_S = 1.0
_PATIENCE_S = 1.0  # where a homeserver limits us and does not say for how long
_TOKEN_GONE = frozenset({"M_UNKNOWN_TOKEN", "M_MISSING_TOKEN"})

_log = logging.getLogger(__name__)


class Unreachable(PlatformError):
    """The homeserver cannot be reached, or something before it answers."""


class LoginRefused(NeedsOperator):
    """The homeserver does not let us in."""


class Refused(PlatformError):
    """The homeserver understood a request and does not want it.

    Attributes:
        code: such as "M_TOO_LARGE".
    """

    def __init__(self, status: int, code: str, why: str) -> None:
        super().__init__(f"{status} {code}: {why}")
        self.status, self.code = status, code


class Interaction(Forbidden):
    """The homeserver wants to be sure who asks (specification, "User-Interactive Authentication").

    Attributes:
        answer: what it said, with the `session` to go on in.
    """

    def __init__(self, answer: Json) -> None:
        super().__init__("the homeserver asks for the password once more")
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Identity:
    """Who we are to the homeserver. Transaction ids hold for a device, so it stays the same for ever."""

    user_id: str
    device_id: str


@dataclass(frozen=True, slots=True)
class _Session:
    """What `session.json` holds."""

    homeserver: str
    user_id: str
    device_id: str
    access_token: str | None = None


class Account:
    """Makes requests, logging in when that is needed. Nothing is connected before the first one."""

    def __init__(self, settings: Settings) -> None:
        self.user_id = settings.user_id
        self._settings = settings
        self._file = settings.folder / "session.json"
        self._http: aiohttp.ClientSession | None = None
        self._session: _Session | None = None
        self._login = asyncio.Lock()
        self._last_login = float("-inf")
        self._refused: LoginRefused | None = None
        self.logins = 0
        """How often we logged in; each may have met a device that the homeserver had forgotten."""
        self.after_login: list[Callable[[], None]] = []
        """Called after each."""

    @property
    def server_name(self) -> str:
        """The homeserver's name in user ids."""
        return self.user_id.partition(":")[2]

    async def whoami(self) -> Identity:
        """Log in if needed, and ask the homeserver who we are.

        Raises:
            LoginRefused: the password or token is wrong, or is somebody else's.
            Unreachable: there is no homeserver.
        """
        found = await self.request("GET", "account", "whoami")
        user_id = text(found, "user_id") or ""
        if user_id != self.user_id:
            raise LoginRefused(f"the access token belongs to {user_id}, not to {self.user_id}")
        return Identity(user_id, text(found, "device_id") or "")

    def password_again(self, session: str | None) -> Json:
        """What proves once more that it is us.

        Raises:
            Forbidden: only a password does, and none is configured.
        """
        password = self._settings.password
        if password is None:
            raise Forbidden("this takes the account's password, and only an access token is configured")
        user: Json = {"type": "m.id.user", "user": self.user_id}
        return {"type": "m.login.password", "identifier": user, "password": password, "session": session}

    async def renew_device(self) -> None:
        """Become another device with the next request: this one cannot be used any more.

        Raises:
            LoginRefused: that takes a password.
        """
        async with self._login:
            if self._settings.password is None:
                self._refuse(
                    "the keys of this device are lost, and the homeserver has others; "
                    "configure an access token of a new device"
                )
            self._session = self._fresh()

    async def request(
        self,
        method: str,
        *path: str,
        body: Mapping[str, object] | None = None,
        query: Mapping[str, str] | None = None,
        timeout_s: float = REQUEST_TIMEOUT_S,
        base: tuple[str, ...] = API,
    ) -> Json:
        """One request with our access token, for example `request("GET", "rooms", room_id, "members")`.

        It is sent once, and again only after a new log-in.

        Args:
            path: segments below `base`, not quoted.

        Raises:
            RateLimited, Forbidden, Gone, Unsupported, Refused: the homeserver said so.
            Unreachable: nobody knows whether it was done.
            LoginRefused: an operator has to mend the credentials.
        """
        for _attempt in range(2):
            token = await self._token()
            status, found = await self._exchange(method, (*base, *path), body, query, token, timeout_s)
            if status < 300:
                return found
            if text(found, "errcode") not in _TOKEN_GONE:
                break
            self._lost(token, found)
        raise _error(status, found)

    async def download(self, *path: str, base: tuple[str, ...], most_bytes: int, timeout_s: float) -> bytes:
        """A file, read with our access token, and again only after a new log-in.

        Raises:
            TooBig: it has more than `most_bytes`.
            RateLimited, Forbidden, Gone, Unsupported, Refused, Unreachable, LoginRefused: see `request`.
        """
        for _attempt in range(2):
            token = await self._token()
            try:
                answer = await download(
                    self._client(), self._url((*base, *path)), token, most_bytes, timeout_s
                )
            except (aiohttp.ClientError, OSError) as error:
                raise self._unreachable(error) from error
            if answer.status == 200:
                return answer.body
            found = _understood(answer)
            if text(found, "errcode") not in _TOKEN_GONE:
                break
            self._lost(token, found)
        raise _error(answer.status, found)

    async def upload(self, data: bytes, media_type: str) -> str:
        """Put a file on the homeserver, and again only after a new log-in; its `mxc://` address.

        Raises:
            RateLimited, Forbidden, Gone, Unsupported, Refused, Unreachable, LoginRefused: see `request`.
        """
        for _attempt in range(2):
            token = await self._token()
            headers = {"Authorization": f"Bearer {token}", "Content-Type": media_type}
            timeout = aiohttp.ClientTimeout(total=UPLOAD_TIMEOUT_S, sock_connect=_CONNECT_TIMEOUT_S)
            status, found = await self._send("POST", self._url(_UPLOAD), data, headers, timeout)
            address = text(found, "content_uri")
            if status < 300 and address is not None:
                return address
            if text(found, "errcode") not in _TOKEN_GONE:
                break
            self._lost(token, found)
        raise _error(status, found)

    async def close(self) -> None:
        """Close the connections; the session stays valid."""
        if self._http is not None:
            await self._http.close()
            self._http = None

    def _lost(self, token: str, answer: Json) -> None:
        """The homeserver does not know our token any more: the next request logs in again."""
        session = self._session
        if session is not None and session.access_token == token:
            soft = answer.get("soft_logout") is True
            _log.warning("the homeserver ended our session; logging in again", extra={"soft_logout": soft})
            self._session = replace(session, access_token=None)

    async def _token(self) -> str:
        async with self._login:
            if self._refused is not None:
                raise self._refused
            session = self._session
            if session is None:
                session = self._session = await asyncio.to_thread(self._load)
            if session.access_token is not None:
                return session.access_token
            self._session, token = await self._log_in(session)
            return token

    async def _log_in(self, session: _Session) -> tuple[_Session, str]:
        """Log in with the same device, at most once a second."""
        password = self._settings.password
        if password is None:
            self._refuse("the homeserver does not know the access token (any more); configure a new one")
        loop = asyncio.get_running_loop()
        await asyncio.sleep(self._last_login + _BETWEEN_LOGINS_S - loop.time())
        self._last_login = loop.time()
        await asyncio.to_thread(self._save, session)  # a log-in cut off must not leave an unknown device
        body: Json = {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": self.user_id},
            "password": password,
            "device_id": session.device_id,
            "initial_device_display_name": self._settings.device_name,
        }
        status, found = await self._exchange("POST", (*API, "login"), body, None, None, REQUEST_TIMEOUT_S)
        if status in (400, 401, 403):
            self._refuse(f"the homeserver refuses to log in {self.user_id}: {text(found, 'error') or status}")
        if status >= 300:
            raise _error(status, found)
        token = text(found, "access_token")
        if token is None or text(found, "user_id") != self.user_id:
            self._refuse(f"logging in gave the account {text(found, 'user_id')}, not {self.user_id}")
        session = replace(
            session, access_token=token, device_id=text(found, "device_id") or session.device_id
        )
        await asyncio.to_thread(self._save, session)
        self.logins += 1
        for call in self.after_login:
            call()
        _log.info("logged in", extra={"user": self.user_id, "device": session.device_id})
        return session, token

    def _refuse(self, why: str) -> NoReturn:
        self._refused = LoginRefused(why)
        raise self._refused

    def _load(self) -> _Session:
        """The session of an earlier process, if it is of this account; otherwise a new device."""
        settings, fresh = self._settings, self._fresh()
        with suppress(FileNotFoundError):
            try:
                kept = _Session(**json.loads(self._file.read_text("utf-8")))
            except (ValueError, TypeError):
                _log.warning("%s is damaged; a new device is made", self._file)
            else:
                if (kept.homeserver, kept.user_id) == (settings.homeserver, self.user_id):
                    fresh = kept
        if fresh.access_token is None and settings.access_token is not None:
            return replace(fresh, access_token=settings.access_token)
        return fresh

    def _fresh(self) -> _Session:
        return _Session(self._settings.homeserver, self.user_id, f"LLMOS{secrets.token_hex(4).upper()}")

    def _save(self, session: _Session) -> None:
        if session.access_token == self._settings.access_token:
            session = replace(session, access_token=None)  # a configured token is not copied
        write_private(self._file, json.dumps(asdict(session)))

    async def _exchange(
        self,
        method: str,
        path: tuple[str, ...],
        body: Mapping[str, object] | None,
        query: Mapping[str, str] | None,
        token: str | None,
        timeout_s: float,
    ) -> tuple[int, Json]:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=_CONNECT_TIMEOUT_S)
        if body is not None:
            headers["Content-Type"] = "application/json"
        sent = None if body is None else json.dumps(body).encode()
        return await self._send(method, self._url(path).update_query(query or {}), sent, headers, timeout)

    async def _send(
        self,
        method: str,
        url: URL,
        sent: bytes | None,
        headers: Mapping[str, str],
        timeout: aiohttp.ClientTimeout,
    ) -> tuple[int, Json]:
        try:
            async with self._client().request(
                method,
                url,
                data=sent,
                headers=headers,
                timeout=timeout,
                allow_redirects=False,
            ) as response:
                data = await response.read()
        except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
            raise self._unreachable(error) from error
        return response.status, _understood(
            Answer(response.status, data, response.url.host or "", response.headers.get("Retry-After"))
        )

    def _client(self) -> aiohttp.ClientSession:
        if self._http is None:
            self._http = aiohttp.ClientSession()
        return self._http

    def _url(self, path: tuple[str, ...]) -> URL:
        quoted = "/".join(quote(part, safe="") for part in path)
        return URL(f"{self._settings.homeserver}/{quoted}", encoded=True)

    def _unreachable(self, error: Exception) -> Unreachable:
        reason = str(error) or type(error).__name__
        return Unreachable(f"{self._settings.homeserver} cannot be reached: {reason}")


def _understood(answer: Answer) -> Json:
    """What an answer says.

    Raises:
        RateLimited, TooBig, Unreachable
    """
    try:
        found = parse(answer.body)
    except ValueError as error:
        raise Unreachable(
            f"{answer.host} answered {answer.status} with something that is no JSON object"
        ) from error
    if answer.status >= 500:
        why = f"{answer.host} answered {answer.status}: {text(found, 'error')}"
        raise TooBig(why) if text(found, "errcode") == "M_TOO_LARGE" else Unreachable(why)
    if answer.status == 429:
        raise RateLimited(_patience(found, answer.retry_after))
    return found


def _patience(answer: Json, header: str | None) -> float:
    """Seconds to wait. The body is finer than the header, which is in whole seconds."""
    wait_ms = integer(answer, "retry_after_ms")
    if wait_ms is not None:
        return max(wait_ms, 0) / 1000
    return float(header) if header is not None and header.isdecimal() else _PATIENCE_S


def _error(status: int, answer: Json) -> PlatformError:
    code, why = text(answer, "errcode") or "", text(answer, "error") or ""
    if status == 401 and "flows" in answer:
        return Interaction(answer)
    if status in (401, 403):
        return Forbidden(f"{code}: {why}")
    if code == "M_UNRECOGNIZED" or status == 405:
        return Unsupported(f"the homeserver does not know this request: {why}")
    if status in (404, 410):
        return Gone(f"{code}: {why}")
    return Refused(status, code, why)
