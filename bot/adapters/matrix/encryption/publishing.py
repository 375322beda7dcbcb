"""This device's own keys, as the homeserver is given them. The same until it says that it has them.

Source: specification, "Uploading keys"; MSC2732 for the spare key, which nio does not know.
"""

from nio.crypto import Olm
from nio.responses import KeysUploadResponse

from bot.adapters.matrix.calls import MEGOLM
from bot.adapters.matrix.encryption.signing import bare
from bot.adapters.reading import Json, integer, table

OLM = "m.olm.v1.curve25519-aes-sha2"


class OwnKeys:
    """The identity, one-time and spare keys of the device of an Olm machine."""

    def __init__(self, olm: Olm) -> None:
        self._olm = olm
        self._spare_is_used = False

    @property
    def device(self) -> Json:
        """The device's identity, signed by itself."""
        keys, device_id = self._olm.account.identity_keys, self._olm.device_id
        return self._signed(
            {
                "algorithms": [OLM, MEGOLM],
                "device_id": device_id,
                "user_id": self._olm.user_id,
                "keys": {f"{kind}:{device_id}": key for kind, key in keys.items()},
            }
        )

    def meet(self, known: Json) -> None:
        """Take in what the homeserver has of this device: nothing, or something else than it should."""
        if self._olm.account.shared and bare(known) != bare(self.device):
            self._olm.account.shared = False

    def counted(self, left: int | None, *, spare_is_used: bool) -> None:
        """Take in how many one-time keys the homeserver still has, if it says so."""
        if left is not None:
            self._olm.uploaded_key_count = left
        self._spare_is_used = self._spare_is_used or spare_is_used

    @property
    def left(self) -> int | None:
        """How many one-time keys the homeserver had when it said so last."""
        count: int | None = self._olm.uploaded_key_count
        return count

    def to_upload(self) -> Json | None:
        """The body of `/keys/upload`, or None if nothing is to be published.

        Keys are stored before anybody hears of them: a key that is lost makes a message unreadable. Those
        that nobody has heard of yet are offered again.
        """
        account, is_new = self._olm.account, not self._olm.account.shared
        unheard = account.one_time_keys["curve25519"]
        left = 0 if is_new else self._olm.uploaded_key_count
        missing = 0 if left is None else account.max_one_time_keys - left - len(unheard)
        if missing > 0:
            account.generate_one_time_keys(missing)
            unheard = account.one_time_keys["curve25519"]
        if (is_new or self._spare_is_used) and not account._account.fallback_key:
            account._account.generate_fallback_key()
        spare = account._account.fallback_key
        body: Json = {"device_keys": self.device} if is_new else {}
        if unheard:
            body["one_time_keys"] = {
                f"signed_curve25519:{name}": self._signed({"key": key}) for name, key in unheard.items()
            }
        if spare:
            body["fallback_keys"] = {
                f"signed_curve25519:{name}": self._signed({"key": key.to_base64(), "fallback": True})
                for name, key in spare.items()
            }
        if body:
            self._olm.save_account()
        return body or None

    def uploaded(self, answer: Json) -> None:
        """The homeserver has them."""
        self._spare_is_used = False
        counts = table(answer, "one_time_key_counts")
        signed = integer(counts, "signed_curve25519") or 0
        self._olm.handle_response(KeysUploadResponse(integer(counts, "curve25519") or 0, signed))

    def _signed(self, document: Json) -> Json:
        signature = str(self._olm.sign_json(document))
        return document | {"signatures": {self._olm.user_id: {f"ed25519:{self._olm.device_id}": signature}}}
