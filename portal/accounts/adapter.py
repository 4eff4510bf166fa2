"""allauth's mails leave through the outbox, like every other mail."""

from allauth.account.adapter import DefaultAccountAdapter

from portal.notifications import outbox


class AccountAdapter(DefaultAccountAdapter):
    def send_mail(self, template_prefix: str, email: str, context: dict) -> None:
        message = self.render_mail(template_prefix, email, context)
        outbox.enqueue_rendered(
            kind=template_prefix.rsplit("/", 1)[-1],
            recipient=email,
            subject=message.subject,
            text=message.body,
        )
