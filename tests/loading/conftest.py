from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from reading import refused, shown

from llmops.domain.project import Project
from llmops.loading.project import load_project
from llmops.loading.tree import WorkTree

WriteFiles = Callable[[Mapping[str, str]], Path]
LoadFiles = Callable[[Mapping[str, str]], Project]
FaultsIn = Callable[[Mapping[str, str]], list[str]]


@pytest.fixture
def load(write: WriteFiles) -> LoadFiles:
    """Write files and load the project they make."""
    return lambda files: load_project(WorkTree(write(files)))


@pytest.fixture
def faults_in(write: WriteFiles) -> FaultsIn:
    """Write files and return the complaints about the project they make."""
    return lambda files: shown(refused(lambda: load_project(WorkTree(write(files)))))
