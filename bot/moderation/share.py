"""So many of a hundred messages, and no more: what a language model is asked about."""

ASKED = 0.05
IN_HAND = 5.0
"""So many may be asked about at once, at the start and after a calm time."""


class Share:
    """Counts the messages of each community."""

    def __init__(self) -> None:
        self._credit: dict[str, float] = {}

    def heard(self, community: str) -> None:
        """A message came."""
        self._credit[community] = min(self._credit.get(community, IN_HAND) + ASKED, IN_HAND)

    def takes(self, community: str) -> bool:
        """Whether the model may be asked about it; if so, that is counted."""
        credit = self._credit.get(community, IN_HAND)
        if credit < 1:
            return False
        self._credit[community] = credit - 1
        return True
