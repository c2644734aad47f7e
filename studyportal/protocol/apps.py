from django.apps import AppConfig


class ProtocolConfig(AppConfig):
    name = "studyportal.protocol"
    label = "protocol"
    verbose_name = "Protocol"
