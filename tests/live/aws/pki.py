"""Certificates for the Kubernetes stand-in, made anew for each run, so that no key is ever committed."""

import base64
import datetime
import ipaddress
import pathlib

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

OUTSIDE_NAME = "live.eks.test"
"""A name of the API server that no resolver knows: only a proxy or a configured endpoint leads there."""

LIFETIME = datetime.timedelta(days=1)


class Authority:
    """A certificate authority such as EKS makes for each cluster."""

    def __init__(self, name):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        usage = x509.KeyUsage(
            digital_signature=True,
            key_cert_sign=True,
            crl_sign=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        builder = self._builder(self.name, self.key.public_key())
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        builder = builder.add_extension(usage, critical=True)
        # Two authorities of one cluster have the same name: clients tell them apart by these identifiers.
        self.identifier = x509.SubjectKeyIdentifier.from_public_key(self.key.public_key())
        builder = builder.add_extension(self.identifier, critical=False)
        self.certificate = builder.sign(self.key, hashes.SHA256())

    def _builder(self, subject, public_key):
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = x509.CertificateBuilder(subject_name=subject, issuer_name=self.name, public_key=public_key)
        builder = builder.serial_number(x509.random_serial_number())
        return builder.not_valid_before(now - LIFETIME).not_valid_after(now + LIFETIME)

    def pem(self):
        """The authority's own certificate."""
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    def issue_server(self, directory):
        """Writes a certificate and key for this machine and the outside name; returns the path of the file that holds both."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "kube-apiserver")])
        builder = self._builder(subject, key.public_key())
        names = [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")]
        names.append(x509.DNSName(OUTSIDE_NAME))
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(self.identifier)
        builder = builder.add_extension(issuer, critical=False)
        server_auth = x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.SERVER_AUTH])
        builder = builder.add_extension(server_auth, critical=False)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        certificate = builder.sign(self.key, hashes.SHA256())
        form = serialization.PrivateFormat.PKCS8
        secret = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
        path = pathlib.Path(directory) / "server.pem"
        path.write_bytes(secret + certificate.public_bytes(serialization.Encoding.PEM))
        return path


def bundle(*authorities):
    """Certificates as `certificateAuthority.data` holds them: PEM, one after the other, base64."""
    return base64.b64encode("".join(each.pem() for each in authorities).encode()).decode()
