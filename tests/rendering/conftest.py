from collections.abc import Callable
from pathlib import Path

import pytest
from prompt_making import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.fixture
def render(project: Project) -> Callable[..., str]:
    return project.render
