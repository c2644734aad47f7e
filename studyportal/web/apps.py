from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "studyportal.web"
    label = "web"
