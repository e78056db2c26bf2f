"""Mail: how it is handed over to the installation's mail server (`SMTP_URL`), and what it says.

Sources: RFC 5322 (messages), RFC 2369 and RFC 8058 (unsubscribing with one click), RFC 3834 (Auto-Submitted).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import Any
from urllib.parse import unquote, urlsplit

import aiosmtplib

from activities.webhook_target import Answer
from contracts.webhooks import mail_link
from settings import Settings

SECONDS = 20.0
"""Longest that a mail server may take for each of its answers until it is given a letter."""
TAKEN_WITHIN = 60.0
"""And for each from then on: it may look at the letter before it says that it has it (RFC 5321, 4.5.3.2.6), and whoever
does not wait sends it again."""
NEVER_DELIVERED = (501, 550, 551, 553, 556)
"""Answers to an address that takes nothing the next time either (RFC 5321, 4.2.3; RFC 7504)."""
_DEFAULT_PORT = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
_UNFOLDED = SMTP.clone(max_line_length=998)
"""A link that is folded is written as an encoded word, in which no reader of mail looks for one."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


@dataclass(frozen=True, slots=True)
class Letter:
    """What a mail says. `message_id`: the same at each attempt, so that a reader shows it once."""

    message_id: str
    subject: str
    text: str


class Mailer:
    """Hands letters over, each on a connection of its own: they are few."""

    def __init__(self, settings: Settings) -> None:
        self._url = settings.smtp_url.get_secret_value()
        self._site_url = settings.site_url
        self._host = urlsplit(settings.site_url).hostname or "localhost"
        self._from = settings.smtp_from or f"killreport@{self._host}"

    async def send(self, address: str, letter: Letter, token: str) -> Answer:
        """Whatever goes wrong out there is an answer, too.

        Args:
            token: of the link that unsubscribes this recipient.
        """
        if not self._url:
            return Answer(None, "this installation sends no mail")
        parts = urlsplit(self._url)
        try:
            async with aiosmtplib.SMTP(
                hostname=parts.hostname,
                port=parts.port or _DEFAULT_PORT[parts.scheme],
                username=unquote(parts.username) if parts.username else None,
                password=unquote(parts.password) if parts.password else None,
                use_tls=parts.scheme == "smtps",
                start_tls=parts.scheme == "smtp+starttls",
                timeout=SECONDS,
            ) as server:
                body = self._message(address, letter, token).as_bytes()
                await server.sendmail(parseaddr(self._from)[1], [address], body, timeout=TAKEN_WITHIN)
        except aiosmtplib.SMTPRecipientsRefused as refused:
            code = refused.recipients[0].code
            return Answer(code, f"SMTP {code}", is_gone=code in NEVER_DELIVERED)
        except aiosmtplib.SMTPResponseException as error:  # its words may hold the address
            # Of the sender, the password or the letter: the address may be a good one.
            return Answer(error.code, f"SMTP {error.code}")
        except (aiosmtplib.SMTPException, OSError):
            return Answer(None, "the mail server could not be spoken to")
        return Answer(250)

    def _message(self, address: str, letter: Letter, token: str) -> EmailMessage:
        link = mail_link(self._site_url, token)
        message = EmailMessage(_UNFOLDED)
        message["From"] = self._from
        message["To"] = address
        message["Subject"] = _CONTROL.sub(" ", letter.subject)
        message["Date"] = format_datetime(datetime.now(UTC))
        message["Message-ID"] = f"<{letter.message_id}@{self._host}>"
        message["Auto-Submitted"] = "auto-generated"
        message["List-Unsubscribe"] = f"<{link}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        message.set_content(f"{letter.text}\n\n-- \nTo unsubscribe: {link}\n")
        return message


def confirmation(message_id: str, board: str, link: str) -> Letter:
    """What is sent before anything else is."""
    return Letter(
        message_id,
        "Do you want these digests of killmails?",
        f"Somebody asked for a digest of the killmails of {board} to be sent to this address.\n\n"
        f"If you want it, confirm it here:\n{link}\n\nIf not, do nothing: nothing else will be sent to you.",
    )


def test_letter(message_id: str, name: str) -> Letter:
    """What the test button sends."""
    return Letter(message_id, "KillReport: it works", f"This is a test of the digest {name}.")


def digest_letter(message_id: str, told: dict[str, Any], title: str, lines: list[str]) -> Letter:
    """A digest; `lines` as Discord is told, without its markup."""
    return Letter(message_id, title, "\n".join([title, "", *lines, "", told["url"]]))
