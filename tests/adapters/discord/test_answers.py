"""Answers from sources on Discord: jump links, and nothing that somebody there cannot read."""

from bot.knowledge.document import Document, Section
from tests.adapters.discord.house import House
from tests.labs.discord import Json
from tests.labs.discord.constants import PERMS
from tests.messages import EPOCH

HIDDEN = str(PERMS["VIEW_CHANNEL"] | PERMS["READ_MESSAGE_HISTORY"])


def closed(house: House) -> Json:
    """A channel for moderators."""
    nobody = {"id": house.server.id, "type": 0, "allow": "0", "deny": HIDDEN}
    some = {"id": house.server.moderators["id"], "type": 0, "allow": HIDDEN, "deny": "0"}
    us = {"id": house.us, "type": 1, "allow": HIDDEN, "deny": "0"}
    return house.server.channel("team", overwrites=[nobody, some, us])


def said(house: House, channel: Json, text: str) -> Document:
    """Something that was said in a channel, as it is archived."""
    message = house.anna.say(house.general, "something") if channel == house.general else "1"
    link = f"https://discord.com/channels/{house.server.id}/{channel['id']}/{message}"
    return Document(f"run{channel['id']}", "", (Section(text, EPOCH, link),), house.place(channel).key)


async def test_only_what_everybody_there_can_read_is_quoted(house: House) -> None:
    team, faq, mia = closed(house), house.server.channel("faq"), house.person("mia", "moderator")
    ferry, merger = said(house, faq, "The ferry leaves at nine."), said(house, team, "The merger is in May.")
    async with house.living() as app:
        await app.learn(house.place(faq).community_key, [ferry, merger])
        house.anna.ask(house.general, "When does the ferry leave?")
        mia.ask(house.general, "When is the merger?")
        shown = await house.server.until(
            house.general, lambda shown: sum("Helpful" in each.buttons for each in shown) == 2, house.us
        )
        answers = [*(each.text for each in shown), *(str(each.embeds) for each in shown)]
        assert ferry.sections[0].link in "\n".join(answers)
        assert "May" not in "\n".join(answers)
        mia.ask(team, "When is the merger?")
        await house.server.until(team, lambda shown: any("in May. [1]" in each.text for each in shown))


async def test_a_search_is_shown_to_its_caller_alone_with_all_that_they_read(house: House) -> None:
    team, mia = closed(house), house.person("mia", "moderator")
    async with house.living() as app:
        await app.learn(house.place(team).community_key, [said(house, team, "The merger is in May.")])
        for person in (mia, house.anna):
            house.lab.slash(person.user, house.general, "search", {"words": "merger"})
        seen = house.server.shown
        await house.lab.until(
            lambda: any("in May" in each.text for each in seen(house.general, house.us, to=mia))
        )
        await house.lab.until(
            lambda: any("found nothing" in each.text for each in seen(house.general, house.us, to=house.anna))
        )
        assert not any("May" in each.text for each in seen(house.general, house.us, to=house.anna))
        assert seen(house.general, house.us, to=house.person("ben")) == []
