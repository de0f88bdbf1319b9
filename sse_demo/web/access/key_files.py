"""Files with a key of an issuer: a secret, a key in PEM, or a JSON Web Key (RFC 7517). They are read, and made."""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt import PyJWK, PyJWTError
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from ..renewed_files import RenewedFiles
from .keys import FixedKeys, Key, algorithms_of, pem_key, secret_key

MAX_KEY_FILE = 65_536  # bytes
RSA_BITS = 3072  # of a new key
SECRET_BYTES = 64  # random ones, in a new secret: enough for each algorithm

#: What a new key may be: a secret that both sides share, or a private key with its public one.
KeyType = Literal["secret", "ed25519", "ec", "rsa"]

_secret = re.compile(rb"[!-~]+").fullmatch


class KeyFiles(RenewedFiles):
    """The keys of an issuer, in files that somebody renews. It is a source of keys for an issuer.

    The keys that are known stay where new ones cannot be read.

    Args:
        paths: The files. Several are there while a new key takes the place of an old one.

    Raises:
        OSError: A file cannot be read.
        ValueError: A file has no key. The error shows nothing of what it has.
    """

    what = "keys"
    known = True

    def __init__(self, paths: Iterable[str | os.PathLike[str]]) -> None:
        self.version = -1
        super().__init__(paths)

    def for_service(self) -> KeyFiles:
        """The same for all services."""
        return self

    def find(self, id: str | None) -> Sequence[Key]:
        """The keys with this name, and those that have no name."""
        return self._keys.find(id)

    def prepare(self, id: str | None) -> None:
        """There is nothing to wait for."""

    @property
    def secret_paths(self) -> list[str]:
        """The files whose keys sign, too: nobody else is to read them."""
        return [path for path, key in zip(self._paths, self._all, strict=True) if key.private]

    def _load(self) -> None:
        keys = [read_key_file(path) for path in self._paths]
        self._keys, self._all = FixedKeys(keys), keys
        self.version += 1  # afterwards: what is remembered of the old keys counts no more


def read_key_file(path: str | os.PathLike[str], *, id: str | None = None, algorithm: str | None = None) -> Key:
    """The key in a file.

    Args:
        path: The file: a secret, which is one line of ASCII characters without spaces; a key in PEM; or a JSON Web
            Key.
        id: The name of the key (``kid``), where the file does not say it.
        algorithm: The algorithm, likewise. By default that which is usual for the key.

    Raises:
        OSError: The file cannot be read.
        ValueError: The file has no key. The error shows nothing of what it has.
    """
    with Path(path).open("rb") as file:
        data = file.read(MAX_KEY_FILE + 1)
    try:
        if len(data) > MAX_KEY_FILE:
            raise ValueError(f"it has more than {MAX_KEY_FILE:,} bytes")
        return _key(data.strip(), id, algorithm)
    except ValueError as error:
        raise ValueError(f"{os.fspath(path)} has no key that can be used: {error}") from None


def make_key_file(path: str | os.PathLike[str], type: KeyType = "secret") -> str | None:
    """Make a new key, and write it to a new file that only its owner may read.

    Args:
        path: The file. For a private key, its public one is written beside it, as a JSON Web Key Set for those who
            check tokens; its path ends in ``.jwks``.
        type: What the key is.

    Returns:
        The path of the public key; ``None`` where there is none.

    Raises:
        OSError: A file cannot be written; ``FileExistsError`` where there is one, which stays as it is.
    """
    path = os.fspath(path)
    if type == "secret":
        _write_new(path, secrets.token_urlsafe(SECRET_BYTES), 0o600)
        return None
    private, public = _new_pair(type)
    beside = f"{path}.jwks"
    _write_new(beside, json.dumps({"keys": [public]}, indent=2), 0o644)
    try:
        _write_new(path, json.dumps(private, indent=2), 0o600)
    except BaseException:
        os.unlink(beside)
        raise
    return beside


def _key(data: bytes, id: str | None, algorithm: str | None) -> Key:
    if data.startswith(b"{"):
        return _jwk(data, id, algorithm)
    if b"-----BEGIN" in data:
        return pem_key(data, id=id, algorithm=algorithm)
    # A public key of another form, such as that of ssh, has spaces: as a secret, it would let everybody in.
    if not _secret(data):
        raise ValueError("it is neither PEM, nor a JSON Web Key, nor one line of ASCII characters without spaces")
    return secret_key(data, id=id, algorithm=algorithm or "HS256")


def _jwk(data: bytes, id: str | None, algorithm: str | None) -> Key:
    try:
        entry = json.loads(data)
    except (ValueError, RecursionError):
        raise ValueError("it begins as JSON, and cannot be read") from None
    if "keys" in entry:
        raise ValueError("it is a set of keys, and not one key")
    if entry.get("use", "sig") != "sig":
        raise ValueError("its key is not for signatures")
    said = algorithm or entry.get("alg")
    try:
        material: Any = PyJWK(entry, said).key
        public = material.public_key() if hasattr(material, "public_key") else material
    except (PyJWTError, ValueError, TypeError):  # whose texts may show what they could not read
        raise ValueError("it is no JSON Web Key that is known here") from None
    id = id if id is not None else entry.get("kid")
    if id is not None and not isinstance(id, str):
        raise ValueError("its kid is no text")
    if isinstance(material, bytes):
        return secret_key(material, id=id, algorithm=said or "HS256")
    allowed = algorithms_of(public)
    if said is not None and said not in allowed:
        raise ValueError(f"its key is used with {', '.join(allowed)}, not with {said!r}")
    return Key(material, (said or allowed[0],), id, private=material is not public)


def _new_pair(type: KeyType) -> tuple[dict[str, Any], dict[str, Any]]:
    """A new private key, and its public one, as JSON Web Keys with a name that nobody else gives."""
    if type == "ed25519":
        okp = ed25519.Ed25519PrivateKey.generate()
        pair = [OKPAlgorithm.to_jwk(one, as_dict=True) for one in (okp, okp.public_key())]
        algorithm = "EdDSA"
    elif type == "ec":
        curve = ec.generate_private_key(ec.SECP256R1())
        pair = [ECAlgorithm.to_jwk(one, as_dict=True) for one in (curve, curve.public_key())]
        algorithm = "ES256"
    else:
        big = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
        pair = [RSAAlgorithm.to_jwk(one, as_dict=True) for one in (big, big.public_key())]
        algorithm = "RS256"
    said = {"kid": secrets.token_hex(8), "alg": algorithm, "use": "sig"}
    private, public = ({name: value for name, value in one.items() if name != "key_ops"} | said for one in pair)
    return private, public


def _write_new(path: str, text: str, mode: int) -> None:
    """Write a file that was not there. What could not be written whole is taken away."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)  # which follows no link
    try:
        with open(file, "w", encoding="ascii") as writer:
            writer.write(text + "\n")
    except BaseException:
        os.unlink(path)
        raise
