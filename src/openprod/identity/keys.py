"""Ed25519 keys and signatures, always with a prefix of the registry in `model.ids`.

Knows PyNaCl. Must not know where keys are kept (that is `store.home`) nor where their random bytes come from.
"""

from __future__ import annotations

from nacl.bindings import (
    crypto_core_ed25519_is_valid_point,
    crypto_sign,
    crypto_sign_open,
    crypto_sign_seed_keypair,
)
from nacl.exceptions import BadSignatureError

from openprod.model.ids import CONTEXT_KEY_ID, KEY_BYTES, SIGNATURE_BYTES, WorkspaceId, hash_in

SEED_BYTES = 32


class SigningSeed:
    """The secret 32 bytes behind an Ed25519 key, hidden from representations and from pickling.

    Deriving the key pair costs as much as signing does, so it is done once, here.
    """

    __slots__ = ("__secret", "public")

    def __init__(self, seed: bytes) -> None:
        self.public, self.__secret = crypto_sign_seed_keypair(seed)

    def reveal(self) -> bytes:
        """Returns the seed itself: only for writing it into the state directory or into an encrypted export."""
        return self.__secret[:SEED_BYTES]

    def expanded(self) -> bytes:
        """Returns libsodium's 64-byte secret key (seed and public key), the form that its functions take."""
        return self.__secret

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SigningSeed) and self.public == other.public

    def __hash__(self) -> int:
        return hash(self.public)

    def __repr__(self) -> str:
        return f"SigningSeed(public={self.public.hex()[:12]}…, secret hidden)"

    def __reduce__(self) -> str:
        raise TypeError("a secret key is not pickled")


def public_of(seed: SigningSeed) -> bytes:
    """Returns the public key, 32 bytes, that belongs to a seed."""
    return seed.public


def sign(seed: SigningSeed, prefix: bytes, message: bytes) -> bytes:
    """Returns the 64-byte signature over prefix ‖ message; `prefix` is one of `model.ids.SIGN_CONTEXTS`."""
    # PyNaCl offers no detached signing; libsodium's attached form is the signature followed by the message.
    return crypto_sign(prefix + message, seed.expanded())[:SIGNATURE_BYTES]


def verify(public: bytes, prefix: bytes, message: bytes, signature: bytes) -> bool:
    """Tells whether a signature over prefix ‖ message is good; wrong lengths are simply not good.

    libsodium itself refuses keys of small order and signatures in a second form.
    """
    if len(public) != KEY_BYTES or len(signature) != SIGNATURE_BYTES:
        return False
    try:
        crypto_sign_open(signature + prefix + message, public)
    except BadSignatureError:
        return False
    return True


def is_valid_key(public: bytes) -> bool:
    """Tells whether 32 bytes are a canonical Ed25519 point of the main subgroup: demanded of every key that is let in.

    A key of small order would have signatures that nobody made.
    """
    return len(public) == KEY_BYTES and crypto_core_ed25519_is_valid_point(public)


def workspace_key_id(workspace: WorkspaceId, key: bytes) -> bytes:
    """Returns the public name, 32 bytes, of a workspace key."""
    return hash_in(CONTEXT_KEY_ID, workspace, key)
