"""Mail: the letters, and the ways by which they leave."""

from identra.mail.absent import NoMailer
from identra.mail.errands import Errands
from identra.mail.letters import Facts, Letters, open_letters
from identra.mail.outbox import Outbox
from identra.mail.smtp import SmtpMailer

__all__ = ["Errands", "Facts", "Letters", "NoMailer", "Outbox", "SmtpMailer", "open_letters"]
