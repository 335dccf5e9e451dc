"""Settings loaded from variables, and the errors that they are refused with."""

import traceback
from collections.abc import Mapping

import pytest

from scholarship_api.settings.settings import Settings, SettingsError, load_settings

PLANTED = "Pl4nted-Value"
STRONG_KEY = "9f2c4e8a1b7d3f6055aa0e9c8d7b6a5f4e3d2c1b0a99887766f5e4d3c2b1a0f9"
PRODUCTION = {
    "ENVIRONMENT": "production",
    "JWT_SECRET_KEY": STRONG_KEY,
    "DATABASE_URL": f"postgresql://api:{PLANTED}@db.internal/scholarships",
    "RATE_LIMIT_BACKEND_URL": f"rediss://:{PLANTED}@cache.internal/0",
    "CORS_ALLOWED_ORIGINS": "https://app.example.org, https://admin.example.org",
    "ALLOWED_HOSTS": "api.example.org,*.internal.example.org",
    "TRUSTED_PROXY_IPS": "10.0.0.0/8, 192.168.1.7, fd00::/8",
}


def load(monkeypatch: pytest.MonkeyPatch, variables: Mapping[str, str]) -> Settings:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return load_settings()


def refused(monkeypatch: pytest.MonkeyPatch, variables: Mapping[str, str]) -> SettingsError:
    """The error, which holds no value."""
    with pytest.raises(SettingsError) as caught:
        load(monkeypatch, variables)
    error = caught.value
    said = "".join(traceback.format_exception(error)) + repr(error)
    assert error.__context__ is None, "the validation error holds the values"
    for value in variables.values():
        assert len(value) < 16 or value not in said
    assert PLANTED not in said
    return error


def reasons(monkeypatch: pytest.MonkeyPatch, variables: Mapping[str, str]) -> dict[str, str]:
    """By variable, what is wrong with them."""
    return dict(refused(monkeypatch, variables).errors)
