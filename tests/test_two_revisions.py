"""During a deploy two revisions are live on one database: the old one goes on, on the new tables.

Each earlier state of the models stands for the code of its time: it writes, reads, changes and
deletes a row of every table, as that code would.
"""

import re

import pytest
from django.db import DatabaseError, connection, models
from django.db.migrations.loader import MigrationLoader
from django.utils import timezone

from config.prepare import let_it_take_its_time
from tests.manual import text_of

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(
        connection.vendor != "postgresql", reason="SQLite's file belongs to one revision"
    ),
]
FILL = {models.CharField: "x", models.TextField: "x", models.DateTimeField: timezone.now()}
NUMBER = 1


def earlier() -> list[tuple[str, str]]:
    """Return the name of each migration of ours that another one follows."""
    graph = MigrationLoader(None).graph
    ours = [node for node in graph.nodes if node[0] in ("receiver", "dashboard")]
    leaves = set(graph.leaf_nodes())
    return sorted(node for node in ours if node not in leaves)


def tables(node: tuple[str, str]) -> list[type[models.Model]]:
    """Return the models of the app that have a table, as they were after this migration."""
    state = MigrationLoader(connection).project_state(node)
    found = state.apps.get_app_config(node[0]).get_models()
    # The text of a search is filled in behind its event, of which it is a part.
    return [one for one in found if one._meta.managed and one._meta.model_name != "searchtext"]


def values(model: type[models.Model]) -> dict[str, object]:
    """Return a value for each column that has to be given one."""
    needed = [
        field
        for field in model._meta.concrete_fields
        if not (field.primary_key and not field.is_relation) and not field.null
    ]
    return {
        field.attname: FILL.get(type(field), NUMBER) for field in needed if not field.has_default()
    }


def use(model: type[models.Model]) -> None:
    """Do with one row what code does with a table."""
    rows = model._default_manager
    row = rows.create(**values(model))
    assert rows.get(pk=row.pk).pk == row.pk
    row.save()
    assert rows.filter(pk=row.pk).count() == 1
    assert row.delete()[0] == 1


def test_the_earlier_revisions_are_known():
    assert ("receiver", "0001_initial") in earlier()
    assert ("receiver", "0002_search") in earlier()


@pytest.mark.parametrize("node", earlier(), ids="-".join)
def test_an_earlier_revision_goes_on_in_the_tables_of_this_one(node):
    found = tables(node)
    assert len(found) >= 3
    for model in found:
        use(model)


def test_a_column_that_the_old_revision_needs_would_be_missed():
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE receiver_event DROP COLUMN search_text")
    [event] = [
        model for model in tables(("receiver", "0001_initial")) if model._meta.model_name == "event"
    ]
    with pytest.raises(DatabaseError, match="search_text"):
        use(event)


def test_a_migration_may_take_its_time_but_holds_nobody_up():
    let_it_take_its_time("default")  # undone with the transaction of the test
    with connection.cursor() as cursor:
        limits = [
            cursor.execute(f"SHOW {name}").fetchone()[0]
            for name in ("statement_timeout", "lock_timeout")
        ]
    assert limits == ["0", "3s"]


def test_the_manual_names_migrations_that_exist():
    rows = re.findall(r"^\| `(\w+)\.(\w+)` \| .{8}", text_of("docs/upgrades.md"), re.MULTILINE)
    assert len(rows) >= 7
    assert set(rows) <= set(MigrationLoader(None).graph.nodes)
