"""The fixtures of `students`, for the tests of subjects as a whole."""

from tests.subjects.students import *  # noqa: F403
