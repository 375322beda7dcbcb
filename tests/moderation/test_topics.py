"""What belongs in a channel, by examples."""

from bot.moderation.classifier import shipped
from bot.moderation.normalize import normalize
from bot.moderation.topics import Channels, Topics, sketches

BREAD = (
    "how long do i bake the bread",
    "my dough is too wet, more flour?",
    "which flour is best for sourdough bread",
    "the bread does not rise in my oven",
    "how much yeast for a kilo of flour",
    "can i bake sourdough in a small oven",
    "my starter smells, can i still bake with it",
    "the crust of my bread is too hard",
)
GRAPHICS = (
    "which driver for an old graphics card",
    "the game crashes with the new driver",
    "my graphics card is too hot in the game",
    "can i play this game on a small card",
    "the driver update broke my second monitor",
    "how much memory does my graphics card need",
)


def test_what_is_unlike_all_examples_is_off_topic() -> None:
    seldom = shipped().seldom
    examples = [normalize(text) for text in (*BREAD, *GRAPHICS)]
    topics = Topics(sketches(examples, seldom), ["bread"] * len(BREAD) + ["graphics"] * len(GRAPHICS))
    far = topics.off_topic(
        sketches(
            [
                normalize(text)
                for text in ("is my bread dough too wet", "who won the election in france yesterday")
            ],
            seldom,
        )
    )
    assert far[0] < 0.6
    assert far[1] > 0.9


def test_a_channel_is_learned_once_and_few_examples_tell_nothing() -> None:
    channels = Channels(shipped().seldom)
    message = normalize("who won the election in france yesterday")
    assert channels.off_topic(message, BREAD) > 0.9
    assert channels.off_topic(normalize("my bread does not rise"), BREAD) < 0.6
    assert channels.off_topic(message, BREAD[:2]) == 0.5
