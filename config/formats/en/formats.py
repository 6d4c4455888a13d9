"""How the admin writes instants: sortable, and to the second, since tasks are that quick."""

DATETIME_FORMAT = "Y-m-d H:i:s"
DATE_FORMAT = "Y-m-d"
TIME_FORMAT = "H:i:s"
