"""Files on Discord, through the whole bot: archived ones as they stand now, and those of questions."""

import asyncio

from bot.app import App
from bot.core.events import MessageRef
from bot.llm.echo import EchoModel, Script
from tests.adapters.discord.house import House
from tests.adapters.discord.test_forms import ASK, opened
from tests.adapters.discord.test_slash import answered
from tests.knowledge.pdf import pdf, shown
from tests.labs.people import PATIENCE_S

PLAN = "The jetty is painted in May."


async def until_found(house: House, app: App, *texts: str) -> None:
    """Wait until exactly these passages are there."""
    community, passages = house.place(house.general).community_key, app.store.passages
    seen: list[str] = []
    async with asyncio.timeout(PATIENCE_S):
        while seen != sorted(texts):
            found = await passages.get(await passages.known(), community)
            seen = sorted(each.text for each in found.values())
            await asyncio.sleep(0.02)


async def test_a_file_is_found_until_its_author_takes_it_out_or_its_message_goes(house: House) -> None:
    house.message_content = True
    async with house.living() as app:
        await app.store.policies.set(house.place(house.general).key, "archive", "yes")
        both = house.anna.say(
            house.general, "", files=[("jetty.pdf", pdf(shown(PLAN))), ("rope.md", b"Bring a rope.")]
        )
        ben = house.person("ben")
        other = ben.say(house.general, "the umbrella", files=[("door.log", b"The door is shut.")])
        await until_found(house, app, PLAN, "Bring a rope.", "the umbrella", "The door is shut.")
        message = house.lab.message(both)
        message["attachments"] = message["attachments"][1:]
        house.anna.edit(both, "without the plan")
        await until_found(
            house, app, "without the plan", "Bring a rope.", "the umbrella", "The door is shut."
        )
        ben.delete(other)
        await until_found(house, app, "without the plan", "Bring a rope.")


async def test_ask_about_this_reads_the_files_of_that_message(house: House) -> None:
    house.message_content = True
    house.model = EchoModel(Script("In May."))
    async with house.living() as app:
        said = house.person("ben").say(house.general, "the plan", files=[("jetty.pdf", pdf(shown(PLAN)))])
        ref = MessageRef(house.place(house.general), said)
        async with asyncio.timeout(PATIENCE_S):
            while await app.store.messages.get(ref) is None:  # noqa: ASYNC110 - a database tells nobody
                await asyncio.sleep(0.02)
        form = await opened(house, house.anna, said, ASK)
        sent = house.anna.submit(form, question="When is it painted?")
        await answered(house, sent)
        await house.lab.until(lambda: house.model.asked)
    assert PLAN in house.model.asked[0][-1].text


async def test_files_that_come_with_a_mention_are_read_without_any_intent(house: House) -> None:
    house.model = EchoModel(Script("In May."))
    async with house.living():
        house.anna.ask(house.general, "When is it painted?", files=[("jetty.pdf", pdf(shown(PLAN)))])
        await house.lab.until(lambda: house.model.asked)
    assert house.model.asked[0][-1].text.endswith(
        f'<file name="jetty.pdf">\n{PLAN}\n</file>\n\nWhen is it painted?'
    )
