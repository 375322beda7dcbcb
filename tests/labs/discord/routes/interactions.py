"""Answers to interactions: the callback, @original and followups."""

import time

from tests.labs.discord.constants import EPHEMERAL
from tests.labs.discord.records import ApiError, Interaction, Json, invalid_form
from tests.labs.discord.routes.registry import HOOK, Call, rest
from tests.labs.discord.users import Users

REPLY, DEFER, DEFER_UPDATE, UPDATE, CHOICES, MODAL = 4, 5, 6, 7, 8, 9
AUTOCOMPLETE, COMPONENT, SUBMIT = 4, 3, 5


@rest("POST /interactions/{interaction_id}/{interaction_token}/callback")
async def post_callback(lab: Users, call: Call) -> Json | None:
    made = lab.interactions.get(call.params["interaction_id"])
    age = time.monotonic() - made.created if made else 0.0
    late = age > lab.settings.interaction_deadline_s
    if made is None or made.token != call.params["interaction_token"] or late:
        raise ApiError(404, 10062, "Unknown interaction")
    if made.ack_type is not None:
        raise ApiError(400, 40060, "Interaction has already been acknowledged.")
    kind, data = call.body["type"], call.body.get("data") or {}
    _check_kind(kind, made.type)
    message = _perform(lab, call, made)
    made.ack_type, made.ack_ms = kind, age * 1000
    if message:
        made.original = message["id"]
    elif kind == DEFER_UPDATE and made.message:
        made.original = made.message["id"]
    made.done.set()
    if call.query.get("with_response") not in ("1", "true", "True"):
        return None
    return _callback_answer(made, kind, bool(data.get("flags", 0) & EPHEMERAL), message)


def _perform(lab: Users, call: Call, made: Interaction) -> Json | None:
    """What the callback asks for; the message that it posts or changes."""
    data = call.body.get("data") or {}
    match call.body["type"]:
        case 4:  # a reply
            return lab.post_message(made.channel, lab.bot, data, call.files, interaction=made)
        case 7 if made.message:
            return lab.patch_message(made.message, data, call.files)
        case 5:  # an answer follows
            made.deferred_flags = data.get("flags", 0)
        case 8:  # completions
            made.choices = data["choices"]
        case 9:  # a form
            made.modal = data
    return None


def _check_kind(kind: int, asked: int) -> None:
    wrong = (
        (kind == CHOICES) != (asked == AUTOCOMPLETE)
        or (kind in (DEFER_UPDATE, UPDATE) and asked not in (COMPONENT, SUBMIT))
        or (kind == MODAL and asked == SUBMIT)
    )
    if wrong:
        text = "not a valid answer to this kind of interaction"
        raise invalid_form("type", "BASE_TYPE_CHOICES", text)


def _callback_answer(made: Interaction, kind: int, ephemeral: bool, message: Json | None) -> Json:
    info: Json = {
        "id": made.id,
        "type": made.type,
        "response_message_loading": kind == DEFER,
        "response_message_ephemeral": ephemeral,
    }
    if message is None:
        return {"interaction": info}
    info["response_message_id"] = message["id"]
    return {"interaction": info, "resource": {"type": kind, "message": message}}


def _interaction_of(lab: Users, call: Call) -> Interaction:
    for made in lab.interactions.values():
        if made.token == call.params["webhook_token"]:
            if time.monotonic() - made.created >= lab.settings.token_life_s:
                break
            if made.ack_type is None:
                raise ApiError(404, 10015, "Unknown Webhook")
            return made
    raise ApiError(401, 50027, "Invalid Webhook Token")


def _own_message(lab: Users, call: Call) -> tuple[Interaction, Json]:
    made = _interaction_of(lab, call)
    key = call.params.get("message_id") or made.original
    message = lab.messages[made.channel["id"]].get(key or "")
    if message is None or (key != made.original and key not in made.followups):
        raise ApiError(404, 10008, "Unknown Message")
    return made, message


@rest(f"POST {HOOK}")
async def post_followup(lab: Users, call: Call) -> Json:
    made = _interaction_of(lab, call)
    body = dict(call.body)
    fills_deferred = made.ack_type == DEFER and made.original is None
    if fills_deferred:  # the visibility was chosen by the deferral
        body["flags"] = (body.get("flags") or 0) & ~EPHEMERAL | made.deferred_flags
    message = lab.post_message(made.channel, lab.bot, body, call.files, interaction=made)
    if fills_deferred:
        made.original = message["id"]
    made.followups.append(message["id"])
    return message


@rest(f"GET {HOOK}/messages/@original", f"GET {HOOK}/messages/{{message_id}}")
async def get_response(lab: Users, call: Call) -> Json:
    return _own_message(lab, call)[1]


@rest(f"PATCH {HOOK}/messages/@original", f"PATCH {HOOK}/messages/{{message_id}}")
async def edit_response(lab: Users, call: Call) -> Json:
    made = _interaction_of(lab, call)
    if "message_id" not in call.params and made.ack_type == DEFER and made.original is None:
        body = call.body | {"flags": (call.body.get("flags") or 0) | made.deferred_flags}
        message = lab.post_message(made.channel, lab.bot, body, call.files, interaction=made)
        made.original = message["id"]
        return message
    return lab.patch_message(_own_message(lab, call)[1], call.body, call.files)


@rest(f"DELETE {HOOK}/messages/@original", f"DELETE {HOOK}/messages/{{message_id}}")
async def delete_response(lab: Users, call: Call) -> None:
    made, message = _own_message(lab, call)
    lab.delete_messages(made.channel, [message["id"]])
