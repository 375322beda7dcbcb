"""Hints on Discord: below a forum's post, approved by a button, rated by another, gone with the post."""

from bot.knowledge.document import Document, Section
from tests.adapters.discord.house import House
from tests.adapters.discord.test_slash import answered
from tests.labs.discord import Json
from tests.labs.discord.people import Shown, show
from tests.messages import EPOCH

QUESTION = "How do I renew the wildcard certificate on the proxy?"
ANSWER = "Run certbot with the DNS plugin and reload the proxy; it takes ten minutes and nobody notices."
LINK = "https://docs.example/tls"


async def hint(house: House, place: Json) -> Shown:
    """The hint that stands in a place, once it does."""

    def found() -> list[Shown]:
        return [each for each in show(house.lab, place) if "answered before" in each.text]

    await house.lab.until(found)
    return found()[0]


async def test_a_post_of_a_forum_gets_a_hint_that_moderators_approved(house: House) -> None:
    forum, office = house.server.forum("questions"), house.server.channel("moderators")
    house.moderators_channel, house.message_content = str(office["id"]), True
    mia = house.person("mia", "moderator")
    async with house.living() as app:
        community = f"discord/{house.server.id}"
        await app.learn(community, [Document("tls", QUESTION, (Section(ANSWER, EPOCH, LINK),))])
        await app.store.policies.set(f"{community}/{forum['id']}", "duplicates", "ask")
        post = await house.anna.post(forum, QUESTION, "It is expired since noon, and nobody can log in.")

        def card() -> list[Shown]:
            return [each for each in show(house.lab, office) if "Say it" in each.buttons]

        await house.lab.until(card)
        assert not [each for each in show(house.lab, post) if "answered before" in each.text]
        mia.click(card()[0].id, "Say it")
        said = await hint(house, post)
        assert LINK in said.text
        assert f"> {ANSWER}" in said.text
        assert said.buttons == ["That solved it", "Not helpful"]
        await house.lab.until(lambda: not card())
        not_yours = await answered(house, house.person("ben").click(said.id, "That solved it"))
        assert "Only who asked" in not_yours.text
        thanks = await answered(house, house.anna.click(said.id, "That solved it"))
        assert thanks.text == "Thank you, I have noted that."
        assert (await app.store.hints.tally(community)).helped == 1


async def test_a_hint_goes_when_its_question_does(house: House) -> None:
    house.message_content = True
    async with house.living() as app:
        community = f"discord/{house.server.id}"
        await app.learn(community, [Document("tls", QUESTION, (Section(ANSWER, EPOCH, LINK),))])
        await app.store.policies.set(f"{community}/{house.general['id']}", "duplicates", "on")
        asked = house.anna.say(house.general, QUESTION)
        await hint(house, house.general)
        house.anna.delete(asked)
        await house.lab.until(
            lambda: not [each for each in show(house.lab, house.general) if "answered before" in each.text]
        )
