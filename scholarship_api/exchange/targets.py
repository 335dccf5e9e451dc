"""The names that a column of a table may be mapped to."""

from typing import Final

from scholarship_api.catalogue.bulk.formats import CSV_COLUMNS
from scholarship_api.catalogue.columns import READ_ONLY_FIELDS
from scholarship_api.catalogue.criteria_set import EligibilityCriteria

IGNORE: Final = "ignore"
"""The target of a column that is passed over on purpose."""

OPENS_AT: Final = "opens_at"
ROUND: Final = "round"
CONTACT: Final = "contact"
APPLY: Final = "how_to_apply"
_EXTRA_TARGETS: Final = (OPENS_AT, ROUND, CONTACT, APPLY, "amount", IGNORE)

TARGETS: Final = frozenset(
    {*CSV_COLUMNS, *_EXTRA_TARGETS, *EligibilityCriteria.model_fields, *READ_ONLY_FIELDS}
)
"""Names that a column may be mapped to."""
