"""Secrets that a password may be, for Identra's rules to be run."""

from identra.testing import SecretConformance


class PasswordConformance(SecretConformance):
    """What is too short, too long or known to everybody, the core itself refuses."""

    name = "password"
    plugin = "identra_password"
    refused = ("short", "password123", "p" * 129)
