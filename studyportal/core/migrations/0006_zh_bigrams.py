from django.db import migrations

# Pairs of neighbouring characters: Chinese has no spaces between words, and PostgreSQL's own text search
# splits at them. pg_trgm is not part of every PostgreSQL (not of the embedded one); this needs nothing.
FUNCTION = """
CREATE FUNCTION core_bigrams(words text) RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT coalesce(array_agg(DISTINCT substr(lower(words), place, 2)), ARRAY[]::text[])
    FROM generate_series(1, greatest(length(words) - 1, 0)) AS place
$$
"""


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0005_zh_language'),
    ]

    operations = [
        migrations.RunSQL(FUNCTION, "DROP FUNCTION core_bigrams(text)"),
    ]
