"""What went wrong at an OpenAI-compatible server, in words for operators; members read other texts."""

import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import openai

from bot.core.errors import ModelBroken, ModelBusy, ModelError, ModelTimeout, ModelUnavailable

_SECRET = re.compile(r"\b(?:sk|pk|key|hf|gsk|xai)[-_][\w*-]{6,}|(?i:bearer)\s+\S+")
_QUOTED_CHARACTERS = 200
_BUSY = {429, 529}
_TRANSIENT = {408, 409, 425, 500, 502, 503, 504, 520, 522, 524, 529}
_SPENT = {"insufficient_quota", "billing_hard_limit_reached"}
_FIXES = {
    401: "it refuses our key: check llm.api_key",
    402: "the account has no credit left",
    403: "our key may not use this model: check llm.api_key and llm.model",
    404: "it knows no such model or path: check llm.model and llm.base_url (often ending in /v1)",
}


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed try: what to raise, and whether another try makes sense.

    Attributes:
        after_s: seconds the server asked us to wait, if it did.
    """

    error: ModelError
    retry: bool = False
    after_s: float | None = None


def failure_of(error: openai.APIError, name: str, *, secret: str | None, begun: bool, now: float) -> Failure:
    """Translate an error of the client.

    Args:
        secret: the API key, never to be repeated.
        begun: whether text had arrived before.
        now: unix seconds, for a Retry-After that is a date.
    """
    quoted = mask(f"{error}", secret)
    if isinstance(error, openai.APIStatusError):
        return _refused(error, name, quoted, now)
    if isinstance(error, openai.APITimeoutError):
        return Failure(ModelTimeout(f"{name}: the server was silent for too long"))
    if begun:
        return Failure(ModelBroken(f"{name}: the answer stopped half-way ({quoted})"))
    if isinstance(error, openai.APIConnectionError):
        cause = mask(f"{error.__cause__}", secret)
        text = f"{name}: no connection to its server ({cause}): is it running, is llm.base_url right?"
        return Failure(ModelUnavailable(text), retry=True)
    return Failure(ModelBroken(f"{name}: the server reports an error ({quoted})"))


def _refused(error: openai.APIStatusError, name: str, quoted: str, now: float) -> Failure:
    status = error.status_code
    after_s = retry_after(error, now)
    if status in _BUSY and error.code not in _SPENT:
        text = f"{name}: the server asks for patience (HTTP {status}: {quoted})"
        return Failure(ModelBusy(text, after_s), retry=True, after_s=after_s)
    fix = _FIXES.get(status, "the server failed" if status >= 500 else "it refuses our request")
    unavailable = ModelUnavailable(f"{name}: {fix} (HTTP {status}: {quoted})")
    return Failure(unavailable, retry=status in _TRANSIENT, after_s=after_s)


def retry_after(error: openai.APIStatusError, now: float) -> float | None:
    """Seconds of the Retry-After header, which may be a number or a date (RFC 9110, 10.2.3)."""
    value = error.response.headers.get("retry-after", "").strip()
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - now
        except ValueError:
            return None
    return max(0.0, seconds) if seconds == seconds else None  # NaN is a float, too


def mask(text: str, secret: str | None) -> str:
    """A server's text on one short line, without anything that looks like a key."""
    if secret:
        text = text.replace(secret, "***")
    return _SECRET.sub("***", " ".join(text.split()))[:_QUOTED_CHARACTERS]
