"""Makes the receiver answer one task by a recipe: a Reply for its name alone, before it is sent."""

from datetime import datetime, timedelta

from django.utils import timezone

from receiver.models import RECIPES, Reply

from . import gateway
from .drafts import Draft
from .errors import GatewayError
from .models import SentTask
from .retry_plan import RETENTION, RetryConfig, plan

FIRST = 0  # asked before any rule for many tasks
SLACK = timedelta(hours=1)  # attempts take their time, and Cloud Tasks may wait longer


def ends_at(draft: Draft) -> datetime:
    """Return until when this task can be tried: a rule that lives on would cost each delivery."""
    now = timezone.now()
    ahead = max(timedelta(0), (draft.schedule_time or now) - now)
    try:
        queue = gateway.get_queue(draft.queue)
    except GatewayError:
        return now + timedelta(seconds=RETENTION)
    lasts = timedelta(seconds=plan(RetryConfig.of(queue), ahead.total_seconds()).lasts)
    return now + min(ahead + 2 * lasts + SLACK, timedelta(seconds=RETENTION))


def follow(sent: SentTask, until: datetime) -> Reply:
    """Save the rule that makes the receiver answer this task by its recipe."""
    match = {"queue": sent.queue_id, "task": sent.task_id}
    reply = Reply.objects.from_recipe(sent.recipe, order=FIRST, until=until, **match)
    reply.save()
    return reply


def switch_off_earlier(sent: SentTask, reply: Reply | None) -> None:
    """Switch off what was meant for an earlier task of the same name, which has ended."""
    names = [recipe.name for recipe in RECIPES.values()]
    match = {"queue": sent.queue_id, "task": sent.task_id, "order": FIRST, "name__in": names}
    Reply.objects.filter(**match).exclude(pk=reply.pk if reply else 0).update(enabled=False)
