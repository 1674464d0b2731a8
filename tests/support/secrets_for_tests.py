"""Certificates and tokens that tests make for themselves."""

import hashlib
import secrets
import subprocess


def make_certificate(certificate, key, name="localhost"):
    """One that vouches for itself, for `name` and 127.0.0.1, valid for a day; paths of PEM files. Wants openssl."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-days", "1", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name},IP:127.0.0.1",
                    "-keyout", key, "-out", certificate], check=True, capture_output=True)


def make_token(name, roles):
    """A token, and its line of a token file."""
    token = secrets.token_hex(32)
    return token, f"{name} {roles} {hashlib.sha256(token.encode()).hexdigest()}\n"
