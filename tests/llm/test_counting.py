"""Token counts for models whose tokenizer is elsewhere."""

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.llm.counting import _cached, encoding_of, upper_bound
from bot.llm.model import Turn
from bot.llm.openai import OpenAIModel

# What tiktoken's cl100k_base makes of them (tiktoken 0.14).
CHAT = {
    "Hey folks, does anyone know why my build fails with a linker error? I tried cleaning it twice.": 21,
    "大家好,请问有人知道为什么我的程序编译不过吗?我已经清理过两次缓存了,还是报错。": 42,
    "こんにちは、ビルドが失敗する理由を知っている人はいますか?キャッシュを二回消しました。": 34,
    "안녕하세요, 빌드가 왜 실패하는지 아시는 분 계신가요? 캐시를 두 번 지웠습니다.": 40,
    "Привет всем, кто-нибудь знает, почему у меня падает сборка с ошибкой компоновщика?": 41,
    "مرحبا، هل يعرف أحد لماذا يفشل البناء عندي؟ لقد مسحت ذاكرة التخزين مرتين.": 57,
    "สวัสดีครับ มีใครรู้ไหมว่าทำไมบิลด์ของผมถึงล้มเหลว": 47,
    "👍🎉😂🔥👨‍👩‍👧‍👦🇩🇪❤️": 38,
    'for (int i=0;i<10;++i){ printf("%d\\n", a[i]); }\n\n\tdef f(x):\n        return x**2  # aZ9_kQ\n': 38,
    "sha256:223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7 xkcd QWRTPS": 43,
}


def test_the_estimate_is_never_below_the_real_count_of_chat() -> None:
    for text, tokens in CHAT.items():
        assert tokens <= upper_bound(text) <= 4 * tokens, text


@given(st.text(), st.text())
def test_more_text_never_takes_fewer_tokens(one: str, two: str) -> None:
    assert upper_bound(one) <= upper_bound(one + " . " + two)


def test_a_megabyte_is_counted() -> None:
    assert upper_bound("a" * 1_000_000) > 100_000
    assert upper_bound("\ud800\0") >= 2


@pytest.fixture
def tiktoken_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # any request would fail loudly
    _cached.cache_clear()
    return tmp_path


def test_an_encoding_that_is_not_at_hand_is_not_fetched(tiktoken_cache: Path) -> None:
    assert encoding_of("gpt-4o") is None
    assert encoding_of("llama3.2:3b") is None
    assert list(tiktoken_cache.iterdir()) == []


def test_a_damaged_encoding_file_is_left_alone(tiktoken_cache: Path) -> None:
    url = b"https://openaipublic.blob.core.windows.net/encodings/o200k_base.tiktoken"
    damaged = tiktoken_cache / hashlib.sha1(url).hexdigest()
    damaged.write_bytes(b"IQ== 0\n")
    assert encoding_of("gpt-4o") is None
    assert damaged.read_bytes() == b"IQ== 0\n"


async def test_roles_and_separators_are_counted_too(tiktoken_cache: Path) -> None:
    model = OpenAIModel("gpt-4o", base_url="http://127.0.0.1:9/v1")
    assert model.count_tokens([]) == 0
    assert model.count_tokens([Turn("system", ""), Turn("user", "hi")]) > 10
    await model.close()
