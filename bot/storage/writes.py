"""Every statement of the hot path, built once; the writer runs each for many rows at a time."""

from functools import cache

from sqlalchemy import and_, bindparam, delete, func, null, or_, select, tuple_, update
from sqlalchemy.sql.selectable import ScalarSelect

from bot.storage.columns import AnyText
from bot.storage.dialects import insert_for
from bot.storage.schema import (
    FAQ,
    archive,
    attachments,
    audit,
    cases,
    citations,
    controls,
    cursors,
    examples,
    inbox,
    interactions,
    messages,
    outbox,
    passages,
    strikes,
    threads,
    usage,
)
from bot.storage.writer import Write

_INSERT, _LATER_INSERT, _UPDATE, _LATER_UPDATE, _DELETE, _LATER_DELETE = range(6)


class Writes:
    """The statements for one dialect. Bound parameters are columns, or begin with `b_`."""

    def __init__(self, dialect: str) -> None:
        insert = insert_for(dialect)
        self.take = Write(
            insert(inbox).on_conflict_do_nothing(index_elements=["key"]).returning(inbox.c.key), _INSERT
        )
        cursor = insert(cursors)
        self.cursor = Write(
            cursor.on_conflict_do_update(
                index_elements=["platform", "scope"], set_={"value": cursor.excluded.value}
            ),
            _INSERT,
        )
        self.handled = Write(
            update(inbox).where(inbox.c.key == bindparam("b_key")).values(payload=null(), author=""), _UPDATE
        )
        self.open = Write(insert(outbox).on_conflict_do_nothing(index_elements=["key"]), _INSERT)
        this_outbox = outbox.c.key == bindparam("b_key")
        self.report = Write(update(outbox).where(this_outbox).values(receipt=bindparam("b_receipt")), _UPDATE)
        self.finish = Write(
            update(outbox).where(this_outbox).values(payload=null(), author=""), _LATER_UPDATE
        )
        self.wait = Write(
            update(outbox)
            .where(this_outbox, outbox.c.waiting_since.is_(None))
            .values(waiting_since=bindparam("b_at")),
            _UPDATE,
        )
        self.audit = Write(insert(audit), _INSERT)
        self.case = Write(insert(cases).on_conflict_do_nothing(index_elements=["number"]), _INSERT)
        self.strike = Write(insert(strikes), _INSERT)
        offered = insert(controls)
        self.offer = Write(
            offered.on_conflict_do_update(
                index_elements=["channel_key", "message_id"],
                set_={"value": offered.excluded.value, "at": offered.excluded.at},
            ),
            _INSERT,
        )
        cited = insert(citations)
        self.cite = Write(
            cited.on_conflict_do_update(
                index_elements=["channel_key", "message_id", "number"],
                set_={
                    "document": cited.excluded.document,
                    "said_at": cited.excluded.said_at,
                    "mark": cited.excluded.mark,
                },
            ),
            _INSERT,
        )
        used = insert(usage)
        self.use = Write(
            used.on_conflict_do_update(
                index_elements=["scope", "day"],
                set_={
                    "requests": usage.c.requests + used.excluded.requests,
                    "tokens": usage.c.tokens + used.excluded.tokens,
                },
            ),
            _INSERT,
        )
        self._messages(dialect)
        self._archive(dialect)
        self._threads(dialect)

    def _messages(self, dialect: str) -> None:
        insert = insert_for(dialect)
        here = ["channel_key", "message_id"]
        heard = insert(messages)
        self.hear = Write(
            heard.on_conflict_do_update(index_elements=here, set_={"outcome": heard.excluded.outcome}),
            _INSERT,
        )
        said = insert(messages).values(about=func.coalesce(bindparam("b_to"), _asker()))
        self.say = Write(
            said.on_conflict_do_update(index_elements=here, set_={"body": said.excluded.body}), _LATER_INSERT
        )
        this = (messages.c.channel_key == bindparam("b_place"), messages.c.message_id == bindparam("b_id"))
        self.edit = Write(update(messages).where(*this).values(body=bindparam("b_body")), _UPDATE)
        self.outcome = Write(update(messages).where(*this).values(outcome=bindparam("b_outcome")), _UPDATE)
        self.remove = Write(delete(messages).where(*this), _DELETE)
        self.unteach = Write(
            delete(examples).where(
                examples.c.place == bindparam("b_place"),
                examples.c.message_id == bindparam("b_id"),
                ~examples.c.removed,
            ),
            _DELETE,
        )

    def _archive(self, dialect: str) -> None:
        """What changes leaves the index at once; what is left of its run comes back when it is read anew."""
        kept = insert_for(dialect)(archive)
        self.archive = Write(kept.on_conflict_do_nothing(index_elements=["place", "message_id"]), _INSERT)
        this = (archive.c.place == bindparam("b_place"), archive.c.message_id == bindparam("b_id"))
        self.rearchive = Write(update(archive).where(*this).values(body=bindparam("b_body")), _UPDATE)
        self.reread = Write(
            update(archive)
            .where(archive.c.community == _run("community"), archive.c.document == _run("document"))
            .values(state=0),
            _UPDATE,
        )
        self.unshelve = Write(
            delete(passages).where(
                passages.c.community == _run("community"), passages.c.document == _run("document")
            ),
            _DELETE,
        )
        faq = passages.c.document.between(FAQ, f"{FAQ}\uffff")
        self.unfaq = Write(
            delete(passages).where(
                passages.c.community == bindparam("b_community"),
                faq,
                or_(
                    passages.c.document.like(bindparam("b_asked"), escape="\\"),
                    passages.c.document.like(bindparam("b_answered"), escape="\\"),
                ),
            ),
            _DELETE,
        )
        self.unarchive = Write(delete(archive).where(*this), _LATER_DELETE)
        self._attachments(dialect)

    def _attachments(self, dialect: str) -> None:
        """Files come only with a message that is archived; `b_kept` names those that still stand in it."""
        columns = list(attachments.c)
        archived = select(archive.c.place).where(
            archive.c.place == bindparam("place"), archive.c.message_id == bindparam("message_id")
        )
        given = select(*(bindparam(each.name, type_=each.type) for each in columns)).where(archived.exists())
        new = insert_for(dialect)(attachments).from_select([each.name for each in columns], given)
        key = ["place", "message_id", "file"]
        self.attach = Write(new.on_conflict_do_nothing(index_elements=key), _LATER_INSERT)
        gone = (
            attachments.c.place == bindparam("b_place"),
            attachments.c.message_id == bindparam("b_id"),
            ~bindparam("b_kept", type_=AnyText()).contains(attachments.c.file),
        )
        documents = select(attachments.c.community, attachments.c.document).where(*gone)
        self.unfile = Write(
            delete(passages).where(tuple_(passages.c.community, passages.c.document).in_(documents)), _DELETE
        )
        self.detach = Write(delete(attachments).where(*gone), _LATER_DELETE)

    def _threads(self, dialect: str) -> None:
        insert = insert_for(dialect)
        opened = insert(threads)
        self.open_thread = Write(
            opened.on_conflict_do_update(
                index_elements=["channel_key", "thread"],
                set_={
                    "title": func.coalesce(opened.excluded.title, threads.c.title),
                    "first_message": func.coalesce(threads.c.first_message, opened.excluded.first_message),
                    "closed": opened.excluded.closed,
                    "in_channel": and_(threads.c.in_channel, opened.excluded.in_channel),
                },
            ),
            _INSERT,
        )
        key = ["channel_key", "thread", "member", "kind", "message_id", "emoji"]
        self.touch = Write(insert(interactions).on_conflict_do_nothing(index_elements=key), _INSERT)
        touched = interactions.c
        there = (touched.channel_key == bindparam("b_channel"), touched.thread == bindparam("b_thread"))
        self.untouch = Write(
            delete(interactions).where(
                *there,
                touched.member == bindparam("b_member"),
                touched.kind == bindparam("b_kind"),
                touched.message_id == bindparam("b_message"),
                touched.emoji == bindparam("b_emoji"),
            ),
            _DELETE,
        )
        self.untouch_all = Write(delete(interactions).where(*there), _DELETE)
        self.end_thread = Write(
            delete(threads).where(
                threads.c.channel_key == bindparam("b_channel"), threads.c.thread == bindparam("b_thread")
            ),
            _DELETE,
        )


@cache
def writes_for(dialect: str) -> Writes:
    """The statements for a dialect; they are built once."""
    return Writes(dialect)


def _run(column: str) -> ScalarSelect[str]:
    """Of the run of messages that an archived message is part of."""
    member = archive.alias("member")
    return (
        select(member.c[column])
        .where(member.c.place == bindparam("b_place"), member.c.message_id == bindparam("b_id"))
        .scalar_subquery()
    )


def _asker() -> ScalarSelect[str]:
    """Whoever asked what one of our own messages replies to."""
    asked = messages.alias("asked")
    question = select(asked.c.author).where(
        asked.c.channel_key == bindparam("b_place"),
        asked.c.message_id == bindparam("b_question"),
        ~asked.c.ours,
    )
    return question.scalar_subquery()
