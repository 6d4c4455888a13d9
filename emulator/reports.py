"""The end of attempts in the database: what came back, and what becomes of their tasks."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Self

from .messages import task_rules
from .models import Attempt, Task
from .models.attempt import End
from .models.task import RETENTION, Success
from .prepared import NUMBER, Bind, Select
from .sender import Answer
from .work import Group, Order, Work

_live_task = Select(
    lambda: Task.objects.live().filter(pk=Bind("task", NUMBER)).defer("body").order_by()
)
ENDED = "dropped: the task had ended"


class Report(Group):
    """Records what an attempt brought and moves its task on; brings in words what became of it."""

    def __init__(self, order: Order, answer: Answer) -> None:
        self.order = order
        self.answer = answer

    @classmethod
    def together(cls, runs: Sequence[tuple[Work, Self]]) -> list[str]:
        """End the attempts; successes end their tasks at once, a failure is looked at by itself."""
        Attempt.end_all([report._end() for _, report in runs])
        succeeded = [report for _, report in runs if report._succeeds]
        done = Task.succeed_all(report._success() for report in succeeded)
        return [report._verdict(work, done) for work, report in runs]

    @property
    def _succeeds(self) -> bool:
        return self.answer.succeeded and not self.order.extra

    def _end(self) -> End:
        answer = self.answer
        return End(
            self.order.attempt,
            answer.ended_at,
            answer.status,
            answer.error,
            answer.headers,
            answer.body,
        )

    def _success(self) -> Success:
        ended_at, status = self.answer.ended_at, self.answer.status or 200
        return Success(self.order.task, status, ended_at, ended_at)

    def _verdict(self, work: Work, done: set[int]) -> str:
        if self.order.extra:
            return "an extra delivery, which changes nothing"
        if not self.answer.succeeded:
            return _failed(work, self.order, self.answer)
        if self.order.task not in done:
            return ENDED
        done.remove(self.order.task)  # a second one that came at the same time finds it ended
        return "done"


def _failed(work: Work, order: Order, answer: Answer) -> str:
    task = _live_task.first(task=order.task)
    if task is None:
        return ENDED
    if order.retry_count + 1 < task.dispatch_count:
        task.count_answer(answer.status)
        return "counted: a later attempt decides"
    task.note_answer(answer.status, answer.ended_at)
    return _retried(work, order, task, answer)


def _retried(work: Work, order: Order, task: Task, answer: Answer) -> str:
    rules, failed_at = task_rules(task, task.queue), answer.ended_at
    first = task.first_dispatch_time or failed_at
    if rules.exhausted(task.dispatch_count, failed_at - first):
        task.give_up(failed_at)
        return "gave up"
    # Reckoned from the failure; after RunTask from the call, as the v2 proto documents.
    base = order.dispatch_time if order.forced else failed_at
    delay = max(rules.delay(task.dispatch_count), answer.retry_after)
    task.retry_at(base + min(delay, RETENTION))
    work.expect(task.queue_id, task.due_at)
    return f"again in {_seconds(max(task.due_at - work.now, timedelta(0)))} s"


def _seconds(span: timedelta) -> str:
    return f"{span.total_seconds():.3f}".rstrip("0").rstrip(".")
