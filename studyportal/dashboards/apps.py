from django.apps import AppConfig


class DashboardsConfig(AppConfig):
    name = "studyportal.dashboards"
    label = "dashboards"
