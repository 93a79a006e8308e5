"""The rules for codes by mail, run for this provider."""

from identra.testing import MailConformance


class EmailConformance(MailConformance):
    """There is nothing to answer: the core mails."""

    name = "email"
    plugin = "identra_email"
