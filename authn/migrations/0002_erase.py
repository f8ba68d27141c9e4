from django.db import migrations

# The API role may not write accounts; this much it may, and to the account of its scope only.
ERASE = """
CREATE FUNCTION authn_erase() RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    UPDATE authn_account SET status = 'erased', email = NULL, name = NULL
        WHERE id = current_setting('app.user_id', true);
END $$;

DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION authn_erase() SET search_path = %I, pg_temp', current_schema());
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("authn", "0001_initial")]

    operations = [migrations.RunSQL(ERASE, "DROP FUNCTION authn_erase();")]
