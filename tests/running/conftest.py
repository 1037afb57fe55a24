import pytest
from hand_made_time import Time


@pytest.fixture
def time() -> Time:
    """A clock that moves only when everybody sleeps."""
    return Time()
