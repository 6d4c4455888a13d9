"""The dashboard's pages but the first, which config.urls shares with the receiver."""

from django.urls import path

from .views import enqueue, enqueue_parts, event, events, log_in_again, queues, tasks, templates

# `_new` can be no queue's name: ids have no underscore.
urlpatterns = [
    path("events/", events.events, name="events"),
    path("events/rows/", events.event_rows, name="event-rows"),
    path("events/<int:pk>/", event.event, name="event"),
    path("events/<int:pk>/body/", event.event_body, name="event-body"),
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
]
