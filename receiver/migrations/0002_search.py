"""What a search looks at leaves the events' rows for an index of its own."""

import django.db.models.deletion
from django.db import DatabaseError, migrations, models, transaction

FTS5 = """CREATE VIRTUAL TABLE receiver_searchtext
          USING fts5(text, tokenize = 'trigram case_sensitive 1', detail = none,
                   columnsize = 0)"""
PLAIN = "CREATE TABLE receiver_searchtext (rowid INTEGER PRIMARY KEY, text TEXT NOT NULL)"
TRIGGER = """CREATE TRIGGER receiver_searchtext_gone AFTER DELETE ON receiver_event
             BEGIN DELETE FROM receiver_searchtext WHERE rowid = old.id; END"""
POSTGRESQL = """CREATE TABLE receiver_searchtext (
    rowid bigint PRIMARY KEY REFERENCES receiver_event ON DELETE CASCADE, text text NOT NULL)"""
TRIGRAMS = """CREATE INDEX receiver_searchtext_trigrams
              ON receiver_searchtext USING gin (text gin_trgm_ops)"""


def make(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        try:
            schema_editor.execute(FTS5)
        except DatabaseError:  # this SQLite has no FTS5, or none that knows three-letter pieces
            schema_editor.execute(PLAIN)
        schema_editor.execute(TRIGGER)
        return
    schema_editor.execute(POSTGRESQL)
    try:
        with transaction.atomic(schema_editor.connection.alias):
            schema_editor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
            schema_editor.execute(TRIGRAMS)
    except DatabaseError:  # not allowed here: `index_events` makes the index once it is
        pass


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute("DROP TRIGGER receiver_searchtext_gone")
    schema_editor.execute("DROP TABLE receiver_searchtext")


class Migration(migrations.Migration):

    dependencies = [
        ('receiver', '0001_initial'),
    ]

    operations = [
        migrations.RemoveField(
            model_name='event',
            name='search_text',
        ),
        migrations.CreateModel(
            name='SearchMark',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('settled', models.BigIntegerField(default=0)),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(make, drop)],
            state_operations=[
                migrations.CreateModel(
                    name='SearchText',
                    fields=[
                        ('event', models.OneToOneField(db_column='rowid', on_delete=django.db.models.deletion.DO_NOTHING, primary_key=True, related_name='+', serialize=False, to='receiver.event')),
                        ('text', models.TextField()),
                    ],
                    options={
                        'default_permissions': (),
                    },
                ),
            ],
        ),
    ]
