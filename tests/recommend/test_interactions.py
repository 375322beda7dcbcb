"""Files of interactions: what is right is read, what is wrong is named with its row."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from bot.core.errors import ConfigError
from bot.recommend.interactions import read

COFFEE = Path(__file__).parent / "coffee_se"
GOOD = "user,thread,timestamp,kind,weight\nann,t1,100,like,2\nbob,t1,200.5,view,1\nann,t2,300,like,2\n"


def written(folder: Path, text: str | bytes, name: str = "interactions.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_columns_come_in_order_with_numbers_for_ids(tmp_path: Path) -> None:
    threads = written(tmp_path, "author,thread,created_at\nbob,t2,250\nzoe,t1,50\n,t3,\n", "threads.csv")
    got = read(written(tmp_path, GOOD), threads)
    assert got.thread_ids == ("t2", "t1", "t3")
    assert [got.member_ids[each] for each in got.members] == ["ann", "bob", "ann"]
    assert [got.thread_ids[each] for each in got.threads] == ["t1", "t1", "t2"]
    assert got.times.tolist() == [100, 200.5, 300]
    assert got.born.tolist() == [250, 50, np.inf]
    assert [got.member_ids[each] if each >= 0 else None for each in got.authors] == ["bob", "zoe", None]


def test_without_a_file_of_threads_a_thread_is_as_old_as_its_first_interaction(tmp_path: Path) -> None:
    got = read(written(tmp_path, GOOD), kinds=["view"])
    assert got.born.tolist() == [100, 300]
    assert (len(got), [got.member_ids[each] for each in got.members]) == (1, ["bob"])


def test_a_spreadsheets_file_and_a_compressed_one_are_read(tmp_path: Path) -> None:
    windows = "\ufeff" + GOOD.replace("\n", "\r\n").replace("ann", '"ann, the ""first"""')
    assert read(written(tmp_path, windows)).member_ids == ('ann, the "first"', "bob")
    assert len(read(written(tmp_path, gzip.compress(GOOD.encode()), "interactions.csv.gz"))) == 3


def test_the_fixture_is_read() -> None:
    got = read(COFFEE / "interactions.csv", COFFEE / "threads.csv")
    assert (len(got), len(got.thread_ids), len(got.member_ids)) == (552, 225, 115)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "it is empty"),
        ("user,thread,timestamp\n", "there are no interactions in it"),
        (
            "user,item,time\nann,t1,1\n",
            "row 1: these columns are missing: thread, timestamp; there are: user, item",
        ),
        ("user,thread,timestamp,user\n", "row 1: these columns are there twice: user"),
        (GOOD + "ann,t2,300,like,2\n", "row 5: the same user, thread, timestamp and kind"),
        (GOOD + "ann,t3,299,like,2\n", "row 5: it is older than the row before it"),
        (GOOD + "ann,t3,99999999999,like,2\n", "row 5: timestamp '99999999999': it lies in the future"),
        (
            GOOD + "ann,t3,1700000000000,like,2\n",
            "row 5: timestamp '1700000000000': milliseconds? Divide by 1000",
        ),
        (GOOD + "ann,t3,2024-01-01,like,2\n", "row 5: timestamp '2024-01-01': expected unix seconds"),
        (GOOD + "ann,t3,nan,like,2\n", "row 5: timestamp 'nan': expected unix seconds"),
        (GOOD + "ann,t3,-5,like,2\n", "row 5: timestamp '-5': expected unix seconds"),
        (GOOD + ",t3,400,like,2\n", "row 5: the id of the user or of the thread is missing"),
        (GOOD + "ann,,400,like,2\n", "row 5: the id of the user or of the thread is missing"),
        (GOOD + "ann,t3\n", "row 5: 2 cells, but 5 columns"),
        (GOOD + 'ann,"t3,400\n', "it is no CSV"),
        (b"user,thread,timestamp\n\xff,t,1\n", "it is not UTF-8 text"),
    ],
)
def test_what_is_wrong_is_named_with_its_row(tmp_path: Path, text: str | bytes, told: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as error:
        read(path)
    assert str(error.value).startswith(str(path))
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("thread,created_at\nt1,5\n", "row 4: thread t2 is not in the file of threads"),
        ("thread\nt1\nt2\nt1\n", "row 4: thread t1 is there twice"),
        ("thread\nt1\n\nt2\n,\n", "row 5: 2 cells"),
        ("thread,title\nt1,a\n,b\n", "row 3: the id of the thread is missing"),
        ("thread,created_at\nt1,soon\n", "row 2: created_at 'soon': expected unix seconds"),
        ("id\nt1\n", "row 1: these columns are missing: thread"),
    ],
)
def test_wrong_threads_are_named_with_their_row(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError) as error:
        read(written(tmp_path, GOOD), written(tmp_path, text, "threads.csv"))
    assert told in str(error.value)


def test_ten_wrong_rows_are_named_and_the_rest_counted(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        read(written(tmp_path, "user,thread,timestamp\n" + "ann,t,soon\n" * 25))
    assert str(error.value).count("row ") == 10
    assert str(error.value).endswith("and 15 more")


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    cut = gzip.compress(GOOD.encode())[:-12]
    for path, told in (
        (tmp_path / "nowhere.csv", "there is no such file"),
        (tmp_path, "it cannot be read: Is a directory"),
        (written(tmp_path, GOOD, "plain.csv.gz"), "it is not a whole gzip file"),
        (written(tmp_path, cut, "cut.csv.gz"), "it is not a whole gzip file"),
    ):
        with pytest.raises(ConfigError, match=told):
            read(path)
