"""What the tests of the client share."""

import ssl

import pytest
import trustme


@pytest.fixture(scope="module")
def tls():
    """A server's context and a client's that trusts it."""
    authority = trustme.CA()
    server_side, client_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(server_side)
    authority.configure_trust(client_side)
    return server_side, client_side
