"""Students with an account and students of a platform."""

from tests.subjects.students import *  # noqa: F403
