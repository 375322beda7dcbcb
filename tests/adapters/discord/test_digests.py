"""A digest on Discord: a card with buttons, in which nothing stands that not everybody may read."""

from tests.adapters.discord.house import House
from tests.adapters.discord.test_readers import closed
from tests.adapters.discord.test_slash import answered
from tests.labs.discord.people import Shown


async def card_of(house: House) -> Shown:
    """The card that comes after `digest now`, once it stands."""

    def cards() -> list[Shown]:
        return [each for each in house.server.shown(house.general, house.us) if each.embeds]

    found: list[Shown] = await house.lab.until(cards)
    return found[-1]


async def test_a_card_has_buttons_that_are_obeyed_and_shows_what_everybody_may_read(house: House) -> None:
    mia, ben = house.person("mia", "moderator"), house.person("ben")
    staff = house.server.channel("staff", overwrites=closed(house, house.server.moderators))
    async with house.living():
        secret = mia.open_thread(staff, "Secret plans")
        mia.say(secret, "psst")
        bees = house.anna.open_thread(house.general, "Bees")
        house.anna.say(bees, "about bees")
        options = {"channel": "here", "when": "daily 9:00 UTC"}
        added = await answered(house, house.lab.slash(mia.user, house.general, "digest add", options))
        assert "every day at 09:00" in added.text
        told = await answered(house, mia.slash(house.general, "digest now", digest=1))
        assert "posted" in told.text
        card = await card_of(house)
        assert card.embeds[0]["title"] == "A thread worth reading"
        assert "Bees" in card.embeds[0]["description"]
        assert (
            f"https://discord.com/channels/{house.server.id}/{bees['id']}/" in card.embeds[0]["description"]
        )
        assert "Secret" not in card.embeds[0]["description"]
        assert card.buttons == ["More like this", "Less like this", "Hide", "Stop"]
        assert "noted" in (await answered(house, ben.click(card.id, "More like this"))).text
        assert "Only moderators" in (await answered(house, ben.click(card.id, "Hide"))).text
        stats = await answered(house, mia.slash(house.general, "digest stats"))
        assert "👍 1 · 👎 0" in stats.text
        await house.lab.until(lambda: "digests.png" in [name for name, _data in house.lab.uploads.values()])
        mia.click(card.id, "Hide")
        await house.lab.until(
            lambda: card.id not in [each.id for each in house.server.shown(house.general, house.us)]
        )


async def test_zones_are_offered_while_a_moderator_types(house: House) -> None:
    async with house.living():
        mia = house.person("mia", "moderator")
        options = {"channel": "here", "when": "daily 9:00", "zone": "berl"}
        typing = house.lab.slash(mia.user, house.general, "digest add", options, focused="zone")
        await house.lab.until(lambda: typing.choices)
        assert typing.choices is not None
        assert typing.choices[0]["value"] == "Europe/Berlin"
