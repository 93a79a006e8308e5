"""For plugin authors: subclass one class, give canned answers, and every rule is run offline.

Nothing here is imported by the service. pytest finds the rules as tests by itself and is not
needed: `identra plugins check` runs the same ones.
"""

from identra.testing.case import Broken, Conformance, Result, Rule
from identra.testing.clock import FrozenClock
from identra.testing.code import CodeConformance
from identra.testing.hooks import HooksConformance
from identra.testing.house import House, open_house
from identra.testing.keys import private_key
from identra.testing.mailed import MailConformance
from identra.testing.oauth2 import OAuth2Conformance
from identra.testing.oidc import OIDCConformance
from identra.testing.place import Fault, Person, Place
from identra.testing.secret import SecretConformance

__all__ = [
    "Broken",
    "CodeConformance",
    "Conformance",
    "Fault",
    "FrozenClock",
    "HooksConformance",
    "House",
    "MailConformance",
    "OAuth2Conformance",
    "OIDCConformance",
    "Person",
    "Place",
    "Result",
    "Rule",
    "SecretConformance",
    "open_house",
    "private_key",
]
