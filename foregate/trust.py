"""The file of certificate authorities that `https` backends are verified with."""

import ssl
from pathlib import Path

_USUAL = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
)
"""Debian and Ubuntu, Fedora and Red Hat, Alpine and macOS."""


def trust_store() -> str:
    """`SSL_CERT_FILE` where it is set, else the system's file, else nothing."""
    found = ssl.get_default_verify_paths().cafile
    if found:
        return found
    return next((path for path in _USUAL if Path(path).is_file()), "")
