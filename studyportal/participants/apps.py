from django.apps import AppConfig


class ParticipantsConfig(AppConfig):
    name = "studyportal.participants"
    label = "participants"
    verbose_name = "Participants"
