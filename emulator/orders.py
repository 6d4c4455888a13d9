"""Attempts opened in the database, and the orders to send what each of them is to send."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from . import app_engine
from .headers import request_headers, without
from .http_target import overridden
from .messages import TaskMessage, credentials, queue_extras
from .models import Attempt, DueTask, NewAttempt, Queue, Task
from .sender import recorded_headers
from .task_rules import WITH_BODY, method_name
from .text import as_text
from .work import Order

AnyTask = Task | DueTask


def orders_for(
    leased: Sequence[tuple[Queue, AnyTask]], now: datetime, forced: bool = False
) -> list[Order]:
    """Open the attempts for which tasks have just been leased, and return their orders."""
    attempts = [
        NewAttempt(
            task_id=task.pk,
            number=task.dispatch_count,
            forced=forced,
            schedule_time=task.schedule_time,
            dispatch_time=now,
        )
        for _, task in leased
    ]
    orders = [_order(*each, attempt) for each, attempt in zip(leased, attempts, strict=True)]
    _record(attempts, orders)
    return orders


def duplicate_for(queue: Queue, task: Task, now: datetime) -> Order:
    """Open an extra attempt that repeats the last one's request, and return its order."""
    attempt = NewAttempt(
        task_id=task.pk,
        number=max(1, task.dispatch_count),
        extra=True,
        schedule_time=task.last_schedule_time or task.schedule_time,
        dispatch_time=now,
    )
    earlier = task.attempts.filter(number__lt=attempt.number, extra=False)
    last = earlier.order_by("number").last()
    order = _order(queue, task, attempt)
    order.execution_count = _answered(earlier, order).count()
    order.previous_response = last.status if last else None
    _record([attempt], [order])
    return order


def _answered(attempts: QuerySet[Attempt], order: Order) -> QuerySet[Attempt]:
    most = 599 if order.app_engine else 499  # there the 5xx count (recorded)
    return attempts.filter(status__lte=most)


def _record(attempts: list[NewAttempt], orders: list[Order]) -> None:
    """Store attempts with the requests that they are about to make."""
    for attempt, order in zip(attempts, orders, strict=True):
        order.headers = request_headers(order)
        attempt.method, attempt.url = order.method, as_text(order.url)
        attempt.request_headers = recorded_headers(order)
    Attempt.store_all(attempts)
    for attempt, order in zip(attempts, orders, strict=True):
        order.attempt = attempt.pk


def _order(queue: Queue, task: AnyTask, attempt: NewAttempt) -> Order:
    spec = TaskMessage.FromString(bytes(task.spec))
    fit = _app_engine if spec.HasField("app_engine_http_request") else _http
    return Order(
        task=task.pk,
        queue_id=queue.id_in_location,
        task_id=task.short_name,
        deadline=task.dispatch_deadline,
        schedule_time=attempt.schedule_time,
        dispatch_time=attempt.dispatch_time,
        retry_count=attempt.number - 1,
        previous_response=task.previous_response,
        forced=attempt.forced,
        queue_name=queue.name,
        extra=attempt.extra,
        **fit(queue, task, spec),
    )


def _http(queue: Queue, task: AnyTask, spec: Any) -> dict[str, Any]:
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


def _app_engine(queue: Queue, task: AnyTask, spec: Any) -> dict[str, Any]:
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
