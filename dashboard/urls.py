"""The dashboard's pages but the first, which config.urls shares with the receiver."""

from django.urls import path

from .views import (
    enqueue,
    enqueue_parts,
    events,
    log_in_again,
    queues,
    replies,
    reply_try,
    status,
    tasks,
    templates,
)

# `_new` can be no queue's name: ids have no underscore.
urlpatterns = [
    path("events/", events.events, name="events"),
    path("events/rows/", events.event_rows, name="event-rows"),
    path("events/<int:pk>/", events.event, name="event"),
    path("events/<int:pk>/body/", events.event_body, name="event-body"),
    path("enqueue/", enqueue.enqueue, name="enqueue"),
    path("enqueue/log-in/", log_in_again.log_in_again, name="log-in-again"),
    path("enqueue/paste/", enqueue.paste, name="enqueue-paste"),
    path("enqueue/templates/", templates.templates, name="templates"),
    path("enqueue/templates/save/", templates.save, name="template-save"),
    path("enqueue/templates/<int:pk>/rename/", templates.rename, name="template-rename"),
    path("enqueue/templates/<int:pk>/delete/", templates.delete, name="template-delete"),
    path("enqueue/code/", enqueue_parts.code, name="enqueue-code"),
    path("tasks/", tasks.tasks, name="tasks"),
    path("tasks/by-name/", tasks.task_by_name, name="task-by-name"),
    path("tasks/<int:pk>/", tasks.task, name="task"),
    path("tasks/<int:pk>/again/", tasks.task_again, name="task-again"),
    path("queues/", queues.queues, name="queues"),
    path("queues/_new/", queues.create, name="queue-create"),
    path("queues/<str:name>/", queues.queue, name="queue"),
    path("queues/<str:name>/edit/", queues.edit, name="queue-edit"),
    path("queues/<str:name>/pause/", queues.pause, name="queue-pause"),
    path("queues/<str:name>/resume/", queues.resume, name="queue-resume"),
    path("queues/<str:name>/purge/", queues.purge, name="queue-purge"),
    path("replies/", replies.replies, name="replies"),
    path("replies/new/", replies.new, name="reply-new"),
    path("replies/<int:pk>/", replies.edit, name="reply"),
    path("replies/<int:pk>/switch/", replies.switch, name="reply-switch"),
    path("replies/<int:pk>/recount/", replies.recount, name="reply-recount"),
    path("replies/<int:pk>/delete/", replies.delete, name="reply-delete"),
    path("replies/<int:pk>/try/", reply_try.try_it, name="reply-try"),
    path("status/", status.status, name="status"),
    path("status/test/", status.start_test, name="self-test-start"),
    path("status/test/<int:pk>/", status.test, name="self-test"),
]
