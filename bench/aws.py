"""Runs the stub as a process of its own, and points a process's AWS clients at it."""

import datetime as dt
import ipaddress
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

ROOT = Path(__file__).parents[1]
TOKEN = "IQoJb3JpZ2luX2VjE" * 50
"""About as long as the session token of a Lambda function."""


def environment(url: str, ca_bundle: Path | None = None) -> dict[str, str]:
    """Environment variables of a process that uses the stub as AWS."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return {
        **kept,
        "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}",
        "AWS_ENDPOINT_URL": url,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "ASIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_SESSION_TOKEN": TOKEN,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "CANARY_ROUTER_ENVIRONMENT": "bench",
        **({"AWS_CA_BUNDLE": str(ca_bundle)} if ca_bundle else {}),
    }


@contextmanager
def stub(*options: str) -> Iterator[str]:
    """Runs the stub; the URL that it answers at."""
    command: Sequence[str] = [sys.executable, str(ROOT / "bench" / "stub.py"), *options]
    env = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        port = int(process.stdout.readline())
        yield f"{'https' if '--tls' in options else 'http'}://127.0.0.1:{port}"
        process.stdin.close()


def certificates(folder: Path) -> tuple[Path, Path, Path]:
    """Makes a certificate of this machine: its file, its key's, and a bundle of it and the system's authorities.

    The bundle is as long as a real one, since reading it is a part of every cold start.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "stub")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.IPv4Address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = (folder / "certificate.pem", folder / "key.pem", folder / "bundle.pem")
    text = certificate.public_bytes(serialization.Encoding.PEM)
    files[0].write_bytes(text)
    files[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    system = ssl.get_default_verify_paths().cafile
    files[2].write_bytes(text + (Path(system).read_bytes() if system else b""))
    return files
