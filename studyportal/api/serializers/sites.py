"""Sites and signing in."""

from rest_framework import serializers

from studyportal.api.serializers.base import Body, Rows, choice
from studyportal.sites.states import SiteStatus


class SiteRow(Rows):
    id = serializers.UUIDField()
    code = serializers.CharField()
    name = serializers.CharField()
    name_zh = serializers.CharField()
    city = serializers.CharField()
    province = serializers.CharField()
    target = serializers.IntegerField()
    status = choice(SiteStatus)


class SignInBody(Body):
    username = serializers.CharField(max_length=150)
    password = serializers.CharField(max_length=4096, trim_whitespace=False)
    code = serializers.CharField(
        max_length=12,
        required=False,
        default="",
        help_text="Code of the authenticator app, or a recovery code, of whoever has a second factor",
    )


class TokenRow(Rows):
    token = serializers.CharField()
