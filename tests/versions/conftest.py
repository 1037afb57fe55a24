import pytest


@pytest.fixture(autouse=True)
def always_nobody(nobody: None) -> None:
    """Git here knows nobody's configuration."""
