"""The recommender that docs/contributors/add-a-recommender.md shows works as it stands."""

import re
from pathlib import Path

from bot.recommend.recommender import Recommender
from bot.recommend.votes import Thread, Vote, Votes

GUIDE = Path(__file__).parent.parent.parent / "docs" / "contributors" / "add-a-recommender.md"


def test_the_example_recommends() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, object] = {"__name__": "example"}
    exec(code, names)
    (made,) = (
        each()
        for each in names.values()
        if isinstance(each, type) and issubclass(each, Recommender) and each is not Recommender
    )
    votes = Votes([Thread("quiet", 0.0), Thread("lively", 0.0)], [Vote("ann", "lively", 3_600.0)])
    made.fit(votes)
    assert [each.thread for each in made.recommend("bob", 7_200.0)] == ["lively", "quiet"]
    assert made.explain(votes.member("bob"), votes.thread("lively"), 7_200.0).score > 0
