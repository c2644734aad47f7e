from django.apps import AppConfig

from studyportal.core.language import learn_names


class ProtocolConfig(AppConfig):
    name = "studyportal.protocol"
    label = "protocol"
    verbose_name = "Protocol"

    def ready(self) -> None:
        """Sites, criteria and endpoints are said by their Chinese names where a reader reads Chinese."""
        learn_names("studyportal.protocol.selectors.bilingual_names")
