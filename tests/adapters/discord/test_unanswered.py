"""Questions that nobody answers, on Discord: a forum's post, and the buttons below what is said to it."""

import asyncio
from datetime import timedelta

from bot.knowledge.document import Document, Section
from tests.adapters.discord.house import House
from tests.adapters.discord.test_slash import answered
from tests.labs.discord import Json
from tests.labs.discord.people import Shown, show
from tests.living import PATIENCE_S
from tests.messages import EPOCH

QUESTION = "How do I renew the wildcard certificate on the proxy?"
ANSWER = (
    "To renew the wildcard certificate on the proxy, run certbot with the DNS plugin and reload the proxy."
)
LINK = "https://docs.example/tls"


async def pressable(house: House, place: Json, button: str) -> Shown:
    """The message below which a button stands, once it does."""

    def found() -> list[Shown]:
        return [each for each in show(house.lab, place) if button in each.buttons]

    await house.lab.until(found)
    return found()[0]


async def test_a_post_climbs_by_its_buttons_to_a_helper_and_the_list(house: House) -> None:
    forum, ben = house.server.forum("questions"), house.person("ben")
    house.message_content = True
    async with house.living() as app:
        community = f"discord/{house.server.id}"
        await app.learn(community, [Document("tls", QUESTION, (Section(ANSWER, EPOCH, LINK),))])
        await app.store.policies.set(f"{community}/{forum['id']}", "unanswered", "answer")
        await app.store.policies.set(f"{community}/{forum['id']}", "patience", "600")
        welcome = await answered(house, ben.slash(house.general, "helper on"))
        assert "at most 2 questions a day" in welcome.text
        post = await house.anna.post(forum, QUESTION, "It is expired since noon, and nobody can log in.")
        async with asyncio.timeout(PATIENCE_S):
            while not await app.store.unanswered.due(house.clock() + timedelta(days=1), 1):  # noqa: ASYNC110 - a database tells nobody
                await asyncio.sleep(0.01)
        house.clock.shift += timedelta(minutes=11)  # calls may be answered for a quarter of an hour
        answer = await pressable(house, post, "That solved it")
        assert "Nobody has answered yet" in answer.text
        assert f"> {ANSWER}" in answer.text
        assert answer.buttons == ["That solved it", "Not helpful"]
        not_yours = await answered(house, ben.click(answer.id, "Not helpful"))
        assert "no question 1 of yours" in not_yours.text
        await answered(house, house.anna.click(answer.id, "Not helpful"))
        offer = await pressable(house, ben.private, "Not this one")
        assert offer.buttons == ["Not this one", "Ask me no more"]
        ben.click(offer.id, "Not this one")
        await house.lab.until(
            lambda: any("You left this one to others" in str(each) for each in show(house.lab, ben.private))
        )
        listed = await app.store.unanswered.listed(community, 10)
        assert [each.ref.channel.thread for each in listed] == [str(post["id"])]
