from django.apps import AppConfig

from studyportal.core.language import learn_names


class ClinicalConfig(AppConfig):
    name = "studyportal.clinical"
    label = "clinical"
    verbose_name = "Clinical facts"

    def ready(self) -> None:
        """Sentences that name a form or a row of it say it in Chinese where a reader reads Chinese."""
        learn_names("studyportal.clinical.rules.bilingual_forms")
