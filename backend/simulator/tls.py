"""試験のためのTLS: 自分で署名した証明書と、Chromiumに信じさせるための公開鍵の要約(LINE.md 3.3の2)。"""

import base64
import hashlib
import ipaddress
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LINE_HOSTS = ("*.line.me", "*.line-scdn.net", "*.line-apps.com", "localhost")
VALID = timedelta(days=365)


@dataclass(frozen=True)
class Certificate:
    """`spki` は公開鍵のSHA-256をBase64にしたもの(`--ignore-certificate-errors-spki-list`)。"""

    certificate: Path
    key: Path
    spki: str


def prepare(folder: Path, host: str) -> Certificate:
    """`host`(製品のホスト名)とLINEのホスト名の証明書。前に作ったものがあれば使う。`spki.txt` にも要約を書く。"""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    files = Certificate(folder / f"{host}.crt", folder / f"{host}.key", "")
    if not (files.certificate.exists() and files.key.exists()):
        _make(files, host)
    certificate = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    public = certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    spki = base64.b64encode(hashlib.sha256(public).digest()).decode()
    (folder / "spki.txt").write_text(spki, encoding="ascii")
    return Certificate(files.certificate, files.key, spki)


def _make(files: Certificate, host: str) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "LINE模擬環境")])
    names: list[x509.GeneralName] = [x509.DNSName(each) for each in (*LINE_HOSTS, host)]
    names.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + VALID)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    with os.fdopen(os.open(files.key, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(pem)
    files.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
