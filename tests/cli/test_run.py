"""`llmos run` where there is nothing to serve; the tests of Matrix run it on a homeserver."""

import pytest

from tests.cli.operator import Operator

pytestmark = pytest.mark.drives("cli:run")


def test_without_a_platform_it_says_what_to_do_instead(operator: Operator) -> None:
    outcome = operator.types("run")
    assert outcome.code == 2
    assert "llmos chat" in outcome.err


def test_check_finds_what_is_wrong_and_starts_nothing(operator: Operator) -> None:
    operator.writes('[llm]\nengin = "echo"\n')
    outcome = operator.types("run", "--check")
    assert outcome.code == 2
    assert "Did you mean engine?" in outcome.out
