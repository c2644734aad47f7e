"""Invitations, access reviews, and the table in which limits are counted for all processes together."""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# As `createcachetable` makes it; here, so that an installation needs no further command.
CACHE = """
CREATE TABLE IF NOT EXISTS portal_cache (
    cache_key varchar(255) NOT NULL PRIMARY KEY, value text NOT NULL, expires timestamp with time zone NOT NULL
);
CREATE INDEX IF NOT EXISTS portal_cache_expires ON portal_cache (expires);
"""
APPEND_ONLY = """
CREATE TRIGGER sites_accessreview_append_only BEFORE UPDATE OR DELETE ON sites_accessreview
    FOR EACH ROW EXECUTE FUNCTION core_refuse_change();
CREATE TRIGGER sites_accessreview_no_truncate BEFORE TRUNCATE ON sites_accessreview
    FOR EACH STATEMENT EXECUTE FUNCTION core_refuse_change();
"""
CHANGEABLE = """
DROP TRIGGER sites_accessreview_append_only ON sites_accessreview;
DROP TRIGGER sites_accessreview_no_truncate ON sites_accessreview;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('sites', '0002_audit_events'),
        ('core', '0002_append_only'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='AccessReview',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, help_text='Unguessable identifier', primary_key=True, serialize=False)),
                ('at', models.DateTimeField(help_text='When the review was kept (UTC)')),
                ('note', models.TextField(help_text='What follows from it, in words')),
                ('content', models.JSONField(help_text='One entry a person: roles, last sign-in, factors, findings')),
                ('sha256', models.CharField(help_text='SHA-256 of the content as canonical JSON', max_length=64)),
                ('by', models.ForeignKey(help_text='Who reviewed', on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ('-at',),
            },
        ),
        migrations.CreateModel(
            name='Invitation',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, help_text='Unguessable identifier', primary_key=True, serialize=False)),
                ('email', models.EmailField(help_text='Where the invitation went', max_length=254)),
                ('role', models.CharField(choices=[('coordinator', 'Coordinator'), ('data_manager', 'Data manager'), ('monitor', 'Monitor'), ('reader', 'Reader'), ('synthesis_operator', 'Synthesis operator'), ('statistician', 'Statistician'), ('site_pi', 'Site PI'), ('study_pi', 'Study PI'), ('administrator', 'Administrator')], help_text='Role', max_length=30)),
                ('token_sha256', models.CharField(help_text='SHA-256 of the token that the mail carries', max_length=64, unique=True)),
                ('invited_at', models.DateTimeField(help_text='When it was made (UTC)')),
                ('expires_at', models.DateTimeField(help_text='Until when it can be accepted (UTC)')),
                ('accepted_at', models.DateTimeField(blank=True, help_text='When it was accepted (UTC)', null=True)),
                ('withdrawn_at', models.DateTimeField(blank=True, help_text='When it was withdrawn (UTC)', null=True)),
                ('accepted_by', models.ForeignKey(blank=True, help_text='The account that was made', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('invited_by', models.ForeignKey(help_text='Who invited', on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('site', models.ForeignKey(blank=True, help_text='Site; empty for the whole study', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='invitations', to='sites.site')),
            ],
            options={
                'ordering': ('-invited_at',),
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('accepted_at', None), ('accepted_by', None)), models.Q(('accepted_at__isnull', False), ('accepted_by__isnull', False)), _connector='OR'), name='invitation_accepted_by_somebody'), models.CheckConstraint(condition=models.Q(('accepted_at', None), ('withdrawn_at', None), _connector='OR'), name='invitation_accepted_or_withdrawn'), models.CheckConstraint(condition=models.Q(('expires_at__gt', models.F('invited_at'))), name='invitation_expires_later')],
            },
        ),
        migrations.RunSQL(CACHE, "DROP TABLE portal_cache;"),
        migrations.RunSQL(APPEND_ONLY, CHANGEABLE),
    ]
