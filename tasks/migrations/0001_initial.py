import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.manager
from django.db import migrations, models

import tasks.models
from authn.rls import IsolateByOwner

# Unicode case mapping needs a collation that knows it; which one exists depends on the server.
FOLD = """
DO $$
DECLARE
    candidate text;
    folds boolean;
BEGIN
    FOREACH candidate IN ARRAY ARRAY['pg_c_utf8', 'und-x-icu', 'C.utf8', 'C.UTF-8', 'en_US.utf8', 'default'] LOOP
        BEGIN
            EXECUTE format('SELECT lower(upper(''äσς'' COLLATE %I)) = ''äσσ''', candidate) INTO folds;
        EXCEPTION WHEN undefined_object OR feature_not_supported OR collation_mismatch THEN
            folds := false;
        END;
        EXIT WHEN folds;
    END LOOP;
    -- Upper case first, so that letters with two lower-case forms become one; ß has its capitals as SS.
    -- Plain ASCII needs none of that.
    EXECUTE format('CREATE FUNCTION tasks_fold(value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS '
        '$f$ SELECT CASE WHEN octet_length(value) = length(value) THEN lower(value COLLATE "C") '
        'ELSE replace(lower(upper(value COLLATE %I)), ''ß'', ''ss'') COLLATE "C" END $f$', candidate);
END $$;
"""

SEPARATORS = (
    r"\u0001-\u002F\u003A-\u0040\u005B-\u0060\u007B-\u00A9\u00AB-\u00B1\u00B4\u00B6-\u00B8\u00BB\u00BF\u00D7\u00F7"
    r"\u1680\u2000-\u206F\u2E00-\u2E7F\u3000-\u3004\u3008-\u3020\u3030\uFE30-\uFE4F"
    r"\uFF01-\uFF0F\uFF1A-\uFF20\uFF3B-\uFF40\uFF5B-\uFF65"
)

# Words behind a digest of their owner: the entries of one owner lie together in the index.
# A lexeme has at most 2,046 bytes.
SEARCH = f"""
CREATE FUNCTION tasks_words(owner text, value text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(array_agg(left(md5(owner), 10) || left(word, 500)), '{{}}')
    FROM regexp_split_to_table(tasks_fold(value), '[{SEPARATORS}]+') word WHERE word <> ''
$$;

-- Runs as the owner of the tables, because row-level security keeps text search from using an index. It finds ids of
-- the scope's owner only, and what it finds passes the policy all the same.
CREATE FUNCTION tasks_search(value text) RETURNS SETOF uuid LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 20 AS $$
DECLARE
    owner text := current_setting('app.user_id', true);
BEGIN
    RETURN QUERY SELECT id FROM tasks_task WHERE user_id = owner AND search @@ (
        SELECT string_agg('''' || word || ''':*', ' & ')::tsquery FROM unnest(tasks_words(owner, value)) word
    );
END $$;
"""

STAMP = """
CREATE FUNCTION tasks_task_stamp() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        UPDATE authn_account SET revision = revision + 1, purged_revision = greatest(purged_revision, OLD.revision)
            WHERE id = OLD.user_id;
        RETURN OLD;
    END IF;
    IF TG_OP = 'INSERT' THEN
        NEW.updated_at := NEW.created_at;
        NEW.completed_at := CASE WHEN NEW.completed THEN coalesce(NEW.completed_at, NEW.created_at) END;
    ELSE
        NEW.user_id := OLD.user_id;
        IF NEW.title = OLD.title AND NEW.description IS NOT DISTINCT FROM OLD.description
                AND NEW.completed = OLD.completed AND (NEW.deleted_at IS NULL) = (OLD.deleted_at IS NULL) THEN
            RETURN OLD;
        END IF;
        NEW.created_at := OLD.created_at;
        NEW.updated_at := clock_timestamp();
        NEW.completed_at := CASE WHEN NOT NEW.completed THEN NULL
            WHEN OLD.completed THEN OLD.completed_at ELSE NEW.updated_at END;
    END IF;
    IF TG_OP = 'INSERT' OR NEW.title <> OLD.title OR NEW.description IS DISTINCT FROM OLD.description THEN
        NEW.title_key := tasks_fold(NEW.title);
        NEW.search := array_to_tsvector(tasks_words(NEW.user_id, concat_ws(' ', NEW.title, NEW.description)));
    END IF;
    NEW.revision := authn_next_revision(NEW.user_id);
    RETURN NEW;
END $$;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['tasks_search(text)', 'tasks_task_stamp()'] LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', name, current_schema());
    END LOOP;
END $$;

CREATE TRIGGER tasks_task_stamp BEFORE INSERT OR UPDATE OR DELETE ON tasks_task
    FOR EACH ROW EXECUTE FUNCTION tasks_task_stamp();
"""

DROP_STAMP = "DROP TRIGGER tasks_task_stamp ON tasks_task; DROP FUNCTION tasks_task_stamp();"
DROP_SEARCH = "DROP FUNCTION tasks_search(text); DROP FUNCTION tasks_words(text, text);"


class Migration(migrations.Migration):
    initial = True

    dependencies = [("authn", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="Task",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tasks.models.new_id, editable=False, primary_key=True, serialize=False),
                ),
                ("title", models.CharField(max_length=200)),
                ("description", models.TextField(blank=True, null=True)),
                ("completed", models.BooleanField(default=False)),
                ("completed_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("deleted_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("revision", models.BigIntegerField(default=0, editable=False)),
                ("title_key", models.TextField(db_collation="C", default="", editable=False)),
                ("search", django.contrib.postgres.search.SearchVectorField(editable=False, null=True)),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="authn.account",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("title__length__gte", 1)), name="tasks_task_title_not_empty"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("description__length__lte", 10000)), name="tasks_task_description_length"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("completed", models.Q(("completed_at__isnull", False)))),
                        name="tasks_task_completed_at_follows_completed",
                    ),
                    models.UniqueConstraint(fields=("user", "revision"), name="tasks_task_user_revision"),
                ],
                "indexes": [
                    models.Index(
                        condition=models.Q(("deleted_at", None)),
                        fields=["user", "created_at", "id"],
                        name="tasks_live_created",
                    ),
                    models.Index(
                        condition=models.Q(("deleted_at", None)),
                        fields=["user", "updated_at", "id"],
                        name="tasks_live_updated",
                    ),
                    models.Index(
                        condition=models.Q(("deleted_at", None)),
                        fields=["user", "title_key", "id"],
                        name="tasks_live_title",
                    ),
                    models.Index(
                        condition=models.Q(("deleted_at__isnull", False)),
                        fields=["user", "deleted_at"],
                        name="tasks_trash",
                    ),
                    django.contrib.postgres.indexes.GinIndex(fastupdate=False, fields=["search"], name="tasks_search"),
                ],
            },
            managers=[("unscoped", django.db.models.manager.Manager())],
        ),
        migrations.RunSQL(FOLD, "DROP FUNCTION tasks_fold(text)"),
        migrations.RunSQL(SEARCH, DROP_SEARCH),
        migrations.RunSQL(STAMP, DROP_STAMP),
        IsolateByOwner("Task"),
    ]
