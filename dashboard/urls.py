"""The dashboard's pages but the first, which config.urls shares with the receiver."""

from django.urls import path

from .views import (
    enqueue,
    enqueue_parts,
    events,
    log_in_again,
    queues,
    task,
    task_acts,
    task_diff,
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
    path("tasks/by-name/", task.task_by_name, name="task-by-name"),
    path("tasks/by-name/report/", task.task_by_name_report, name="task-by-name-report"),
    path("tasks/diff/", task_diff.task_diff, name="task-diff"),
    path("tasks/run/", task_acts.run, name="task-run"),
    path("tasks/cancel/", task_acts.cancel, name="task-cancel"),
    path("tasks/local/forward/", task_acts.forward, name="task-forward"),
    path("tasks/local/twice/", task_acts.twice, name="task-twice"),
    path("tasks/<int:pk>/", task.task, name="task"),
    path("tasks/<int:pk>/report/", task.task_report, name="task-report"),
    path("tasks/<int:pk>/again/", task_acts.again, name="task-again"),
    path("tasks/<int:pk>/resend/", task_acts.resend, name="task-resend"),
    path("queues/", queues.queues, name="queues"),
    path("queues/_new/", queues.create, name="queue-create"),
    path("queues/<str:name>/", queues.queue, name="queue"),
    path("queues/<str:name>/edit/", queues.edit, name="queue-edit"),
    path("queues/<str:name>/pause/", queues.pause, name="queue-pause"),
    path("queues/<str:name>/resume/", queues.resume, name="queue-resume"),
    path("queues/<str:name>/purge/", queues.purge, name="queue-purge"),
]
