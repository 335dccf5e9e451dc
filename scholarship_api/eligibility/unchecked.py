"""The criteria that an operator does not match on, for reasons of law or policy."""

from collections.abc import Sequence

from scholarship_api.catalogue.read_model.criteria import CRITERIA, fields_of
from scholarship_api.settings.errors import SettingError, SettingsError


def unchecked_fields(names: Sequence[str]) -> frozenset[str]:
    """The fields of awards that ELIGIBILITY_UNCHECKED_CRITERIA names.

    Raises SettingsError for a name that is no criterion: with a misspelt one, a criterion would be
    matched on that must not be.
    """
    known = fields_of(CRITERIA).keys()
    unknown = sorted(set(names) - known)
    if unknown:
        reason = f"an entry is not a criterion; allowed: {', '.join(sorted(known))}"
        raise SettingsError([SettingError("ELIGIBILITY_UNCHECKED_CRITERIA", reason)])
    return frozenset(names)
