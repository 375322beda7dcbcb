"""The REST side: reads a call, checks it, limits it, answers it and checks the answer."""

import asyncio
import hashlib
import json
import logging
import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from aiohttp import BodyPartReader, web

from tests.labs.discord.constants import CLIENT_QUIRKS, GLOBAL_LIMIT
from tests.labs.discord.gateway import Gateway
from tests.labs.discord.records import (
    ApiError,
    Fault,
    Json,
    Request,
    Settings,
    Upload,
    Violation,
    invalid_form,
)
from tests.labs.discord.routes import ROUTES, Call
from tests.labs.discord.spec import Spec

API = "/api/v10"
log = logging.getLogger(__name__)
_OPEN = ("/interactions/", "/webhooks/{webhook_id}/{webhook_token}")
_DROP = -1

# status, JSON body (bytes: a raw page; None: empty), headers
Answer = tuple[int, Any, dict[str, str]]


async def read_body(request: web.Request) -> tuple[Any, list[Upload], bool]:
    """The JSON body, the uploaded files, and whether the call was multipart."""
    if request.content_type != "multipart/form-data":
        raw = await request.read()
        return (json.loads(raw) if raw else None), [], False
    body: Any = None
    files: list[Upload] = []
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            continue
        if part.name == "payload_json":
            body = json.loads(await part.text())
        else:
            data = bytes(await part.read())
            files.append((part.name or "", part.filename or "file", data))
    return body, files, True


def _bucket_headers(route: str, limit: int, left: int, reset_after: float) -> dict[str, str]:
    digest = hashlib.md5(route.encode(), usedforsecurity=False).hexdigest()
    return {
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": str(left),
        "X-RateLimit-Reset": f"{time.time() + reset_after:.3f}",
        "X-RateLimit-Reset-After": f"{reset_after:.3f}",
        "X-RateLimit-Bucket": digest,
    }


def _error(status: int, message: str) -> Answer:
    return status, {"message": message, "code": 0}, {}


class Rest(Gateway):
    """Serves REST v10."""

    def __init__(self, settings: Settings, spec: Spec) -> None:
        super().__init__(settings)
        self.spec = spec
        self._windows: dict[str, tuple[float, int]] = {}

    async def serve_cdn(self, request: web.Request) -> web.Response:
        """An uploaded file."""
        entry = self.uploads.get(request.match_info["id"])
        return web.Response(body=entry[1]) if entry else web.Response(status=404)

    async def serve_rest(self, request: web.Request) -> web.StreamResponse:
        """One REST call, from its bytes to its answer."""
        began = time.monotonic()
        path = request.rel_url.raw_path.removeprefix(API)
        body, files, multipart = await read_body(request)
        match = self.spec.match(path)
        template, params = match or (path, {})
        reason = request.headers.get("X-Audit-Log-Reason")
        record = Request(
            began,
            request.method,
            path,
            template,
            body,
            dict(request.query),
            unquote(reason) if reason else None,
            [(name, len(data)) for _, name, data in files],
        )
        self.requests.append(record)
        refusal = self._check_call(record, match is not None, multipart)
        if self.latency_s:
            await asyncio.sleep(self.latency_s)
        call = Call(params, {} if body is None else body, record.query, record.reason, files)
        auth = request.headers.get("Authorization")
        status, answer, headers = await self._answer(record, call, auth, refusal, match is not None)
        self._check_answer(record, status, answer, match is not None)
        record.status, record.ms = status, (time.monotonic() - began) * 1000
        self.notify()
        if status == _DROP:
            if request.transport:
                request.transport.abort()
            return web.Response()
        if isinstance(answer, bytes):  # without a Via header: not Discord, but what is before it
            return web.Response(status=status, body=answer, content_type="text/html")
        headers["Via"] = "1.1 google"
        if answer is None:
            return web.Response(status=status, headers=headers)
        headers["Content-Type"] = "application/json"  # clients compare the whole value: no charset
        return web.Response(status=status, headers=headers, body=json.dumps(answer).encode())

    # Checks

    def _check_call(self, record: Request, known_path: bool, multipart: bool) -> ApiError | None:
        """Notes what the document forbids; a body outside its schema is refused with 50035."""
        where = f"{record.method} {record.route}"
        if not known_path:
            self.violations.append(Violation(where, "path", "no such path in the specification"))
            return None
        refusal: ApiError | None = None
        for found in self.spec.check_request(
            record.method, record.route, record.query, record.body, multipart
        ):
            text = f"{found.where} {found.detail}"
            if any(re.search(quirk, text) for quirk in CLIENT_QUIRKS):
                self.quirks.append(found)
                continue
            self.violations.append(found)
            if found.kind == "body":
                refusal = invalid_form("body", "SCHEMA", found.detail)
        return refusal

    def _check_answer(self, record: Request, status: int, answer: object, known_path: bool) -> None:
        checked = self.settings.check_responses and known_path
        if checked and answer is not None and 0 < status < 300:
            wrong = self.spec.check_response(record.method, record.route, status, answer)
            if wrong:
                self.own_violations.append(wrong)

    # Answering

    async def _answer(
        self,
        record: Request,
        call: Call,
        auth: str | None,
        refusal: ApiError | None,
        known_path: bool,
    ) -> Answer:
        route = f"{record.method} {record.route}"
        for fault in self._due(route, executed=False):
            fault.count -= 1
            await fault.hold()
            if forced := self._forced(fault, route):
                return forced
        answer = await self._perform(record, call, auth, refusal, known_path)
        for fault in self._due(route, executed=True):
            if answer[0] >= 300:
                break
            fault.count -= 1
            self.notify()  # what the call did is there to see before its answer
            await fault.hold()
            if forced := self._forced(fault, route):
                return forced
        return answer

    async def _perform(
        self,
        record: Request,
        call: Call,
        auth: str | None,
        refusal: ApiError | None,
        known_path: bool,
    ) -> Answer:
        """The answer of a call that no fault keeps away."""
        route = f"{record.method} {record.route}"
        if not record.route.startswith(_OPEN) and auth != f"Bot {self.settings.token}":
            return _error(401, "401: Unauthorized")
        allowed, is_global, headers = self._take(route, call.params)
        if not allowed:
            wait = float(headers["X-RateLimit-Reset-After"])
            return self._limited(route, wait, is_global, headers)
        handler = ROUTES.get(route)
        if known_path and not self.spec.operation(record.method, record.route):
            return _error(405, "405: Method Not Allowed")
        if handler is None:
            if not known_path:
                return _error(404, "404: Not Found")
            self.unimplemented[route] += 1
            return _error(501, f"the lab lacks {route}")
        try:
            if refusal:
                raise refusal
            result = await handler(self, call)
        except ApiError as error:
            return error.status, error.body, headers
        except Exception as error:  # a fault of the lab: a plain 500 to the bot
            log.exception("the handler of %s failed", route)
            self.crashes.append((route, repr(error)))
            return 500, {"message": "500: Internal Server Error", "code": 0}, headers
        status = 200
        if isinstance(result, tuple):
            status, result = result
        return (204, None, headers) if result is None else (status, result, headers)

    def _due(self, route: str, *, executed: bool) -> Iterator[Fault]:
        """The faults that this call meets, before or after it takes effect."""
        for fault in self.faults:
            matches = fault.executed == executed and fault.count > 0
            if matches and re.search(fault.pattern, route):
                yield fault

    def _forced(self, fault: Fault, route: str) -> Answer | None:
        if fault.drop:
            return _DROP, None, {}
        if fault.cloudflare:
            return fault.status, b"<html>error code: 1015</html>", {}
        if fault.status == 429:
            return self._limited(route, fault.retry_after_s, fault.is_global, {})
        return _error(fault.status, f"{fault.status}: forced") if fault.status else None

    def _take(self, route: str, params: dict[str, str]) -> tuple[bool, bool, dict[str, str]]:
        """Spends one call of the route's bucket and of the global one: (allowed, global, headers).

        Interaction callbacks and webhooks do not count towards the global limit.
        """
        limit, per = self.limits.get(route) or self.limits["*"]
        majors = ("channel_id", "guild_id", "webhook_id", "webhook_token")
        bucket = "/".join([route, *(params.get(key, "") for key in majors)])
        current = time.monotonic()
        windows = [("global", *GLOBAL_LIMIT), (bucket, limit, per)]
        if "/webhooks/" in route or "/interactions/" in route:
            del windows[0]
        start, used = current, 0
        for key, cap, length in windows:
            start, used = self._windows.get(key, (current, 0))
            if current - start >= length:
                start, used = current, 0
            if used >= cap and self.settings.limits_enabled:
                wait = start + length - current
                return False, key == "global", _bucket_headers(route, limit, 0, wait)
            self._windows[key] = (start, used + 1)
        left = max(limit - used - 1, 0)
        return True, False, _bucket_headers(route, limit, left, start + per - current)

    def _limited(self, route: str, wait: float, is_global: bool, headers: Json) -> Answer:
        self.rate_limited[route] += 1
        scope = {"X-RateLimit-Scope": "global" if is_global else "user"}
        if is_global:
            scope["X-RateLimit-Global"] = "true"
        body = {"message": "You are being rate limited.", "retry_after": wait, "global": is_global}
        return 429, body, {**headers, **scope, "Retry-After": str(int(wait) + 1)}
