from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0004_audit_chain'),
    ]

    operations = [
        migrations.AddField(
            model_name='user',
            name='language',
            field=models.CharField(blank=True, choices=[('en', 'English'), ('zh-hans', '简体中文')], help_text='Language of pages, messages and e-mails; empty for that of the browser', max_length=12),
        ),
    ]
