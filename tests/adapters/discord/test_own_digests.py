"""A digest of a member's own on Discord: a private message with buttons, that they alone can stop."""

from datetime import timedelta

from tests.adapters.discord.house import House
from tests.adapters.discord.test_slash import answered
from tests.labs.discord.people import Person, Shown


def received(house: House, who: Person) -> list[Shown]:
    """What the bot wrote to somebody privately."""
    return house.server.shown(who.private, house.us)


async def test_it_comes_as_a_private_message_and_stops_by_a_button(house: House) -> None:
    ben, cleo = house.person("ben"), house.person("cleo")
    async with house.living():
        bees = house.anna.open_thread(house.general, "Bees")
        house.anna.say(bees, "about bees")
        told = await answered(house, ben.slash(house.general, "digest me", when="daily 9:00 UTC"))
        assert "every day at 09:00 (UTC)" in told.text
        greeting = (await house.lab.until(lambda: received(house, ben)))[0]
        assert "This is where your digest comes" in greeting.text
        house.clock.shift += timedelta(days=1)
        card = (await house.lab.until(lambda: [each for each in received(house, ben) if each.embeds]))[0]
        house.clock.shift = timedelta()  # what is pressed now is pressed in time
        assert card.embeds[0]["title"] == "A thread for you"
        assert "Bees" in card.embeds[0]["description"]
        assert card.buttons == ["More like this", "Less like this", "Stop"]
        assert received(house, cleo) == []
        assert "noted" in (await answered(house, ben.click(card.id, "More like this"))).text
        assert "is stopped" in (await answered(house, ben.click(card.id, "Stop"))).text
        assert "Nothing comes to you" in (await answered(house, ben.slash(house.general, "digest me"))).text


async def test_closed_private_messages_are_told_once_in_the_channel(house: House) -> None:
    ben = house.person("ben")
    house.lab.closed_dms.add(ben.id)

    def told() -> list[Shown]:
        return [each for each in house.server.shown(house.general, house.us) if not each.ephemeral]

    async with house.living():
        await answered(house, ben.slash(house.general, "digest me", when="daily 9:00 UTC"))
        (said,) = await house.lab.until(told)
        assert said.text.startswith(f"{ben.mention} I cannot write to you privately")
        assert list(said.mentions) == [ben.id]
        assert "switched off" in (await answered(house, ben.slash(house.general, "digest me"))).text
    assert told() == [said]
