"""Gives the column that 0002 took back to PostgreSQL, empty: the revision before still writes it.

During a deploy both revisions are live on one database. The column goes with the release after.
"""

from django.db import migrations

ADD = "ALTER TABLE receiver_event ADD COLUMN search_text text NOT NULL DEFAULT ''"
DROP = "ALTER TABLE receiver_event DROP COLUMN search_text"


def on_postgresql(sql):
    """Return what runs a statement there alone: SQLite's file belongs to one revision."""

    def run(apps, schema_editor):
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(sql)

    return run


class Migration(migrations.Migration):

    dependencies = [
        ('receiver', '0002_search'),
    ]

    operations = [
        migrations.RunPython(on_postgresql(ADD), on_postgresql(DROP)),
    ]
