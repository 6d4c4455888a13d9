"""Attempts opened in the database, and the orders to send what each of them is to send."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from . import app_engine
from .headers import without
from .http_target import overridden
from .messages import TaskMessage, credentials, queue_extras
from .models import Attempt, Queue, Task
from .sender import as_text, recorded_headers
from .task_rules import WITH_BODY, method_name
from .work import Order


def order_for(queue: Queue, task: Task, now: datetime, forced: bool = False) -> Order:
    """Open one attempt of one task and return its order; the caller leases the task."""
    attempt = Attempt(
        task=task,
        number=task.dispatch_count + 1,
        forced=forced,
        schedule_time=task.schedule_time,
        dispatch_time=now,
    )
    return _recorded(attempt, _order(queue, attempt))


def duplicate_for(queue: Queue, task: Task, now: datetime) -> Order:
    """Open an extra attempt that repeats the last one's request, and return its order."""
    attempt = Attempt(
        task=task,
        number=max(1, task.dispatch_count),
        extra=True,
        schedule_time=task.last_schedule_time or task.schedule_time,
        dispatch_time=now,
    )
    earlier = task.attempts.filter(number__lt=attempt.number, extra=False)
    last = earlier.order_by("number").last()
    plain = _order(queue, attempt)
    order = replace(
        plain,
        retry_count=attempt.number - 1,
        execution_count=_answered(earlier, plain).count(),
        previous_response=last.status if last else None,
    )
    return _recorded(attempt, order)


def _answered(attempts: QuerySet[Attempt], order: Order) -> QuerySet[Attempt]:
    most = 599 if order.app_engine else 499  # there the 5xx count (recorded)
    return attempts.filter(status__lte=most)


def _recorded(attempt: Attempt, order: Order) -> Order:
    """Store the attempt with the request that it is about to make."""
    attempt.method, attempt.url = order.method, as_text(order.url)
    attempt.request_headers = recorded_headers(order)
    attempt.store()
    return replace(order, attempt=attempt.pk)


def _order(queue: Queue, attempt: Attempt) -> Order:
    task = attempt.task
    spec = TaskMessage.FromString(bytes(task.spec))
    fit = _app_engine if spec.HasField("app_engine_http_request") else _http
    return Order(
        attempt=attempt.pk,
        task=task.pk,
        queue_id=queue.id_in_location,
        task_id=task.short_name,
        deadline=task.dispatch_deadline,
        schedule_time=attempt.schedule_time,
        dispatch_time=attempt.dispatch_time,
        retry_count=task.dispatch_count,
        previous_response=task.previous_response,
        forced=attempt.forced,
        queue_name=queue.name,
        extra=attempt.extra,
        **fit(queue, task, spec),
    )


def _http(queue: Queue, task: Task, spec: Any) -> dict[str, Any]:
    request, method, body = spec.http_request, task.method, bytes(task.body)
    if queue.rest:
        target = queue_extras(queue).http_target
        request = overridden(request, target)
        if target.http_method:
            method = method_name(request)
            body = body if method in WITH_BODY else b""
    return {
        "method": method,
        "url": request.url,
        "headers": dict(request.headers),
        "body": body,
        "credentials": credentials(request),
        "execution_count": task.execution_count,
    }


def _app_engine(queue: Queue, task: Task, spec: Any) -> dict[str, Any]:
    request = spec.app_engine_http_request
    return {
        "method": task.method,
        "url": request.relative_uri,
        "headers": without(request.headers, "content-length"),  # it is computed
        "body": bytes(task.body),
        "credentials": None,
        "execution_count": task.response_count,  # with the 5xx (recorded)
        "app_engine": app_engine.service_of(request, queue_extras(queue)),
    }
