"""The portal's Celery application as the fault tests run it: everything often, and in small batches."""

from celery.signals import beat_init, worker_init

from portal.celery import app

EVERY_SECOND = {
    "drain-outbox": {"task": "portal.notifications.tasks.drain_outbox", "schedule": 1.0, "options": {"expires": 5}},
    "send-reminders": {"task": "applications.tasks.send_reminders", "schedule": 1.0, "options": {"expires": 5}},
}


@worker_init.connect
def small_batches(**kwargs):
    from applications.reminders import claiming

    claiming.DRAFTS = 7  # a kill finds the planner between two of them


@beat_init.connect
def often(sender, **kwargs):
    sender.app.conf.beat_schedule = EVERY_SECOND


app.conf.beat_schedule = EVERY_SECOND
app.conf.broker_transport_options = {**app.conf.broker_transport_options, "visibility_timeout": 5}
