from collections.abc import Callable

import pytest

from llmops.domain.node import Node
from llmops.errors import Fault, InvalidInputError
from llmops.loading.nodes import parse_yaml


def node(text: str) -> Node:
    """What a YAML text says."""
    return parse_yaml(text.encode(), "f.yaml")


def shown(faults: list[Fault] | tuple[Fault, ...]) -> list[str]:
    """Faults as place, code and words."""
    return [f"{fault.at}: {fault.message} [{fault.code}]" for fault in faults]


def refused(call: Callable[[], object]) -> tuple[Fault, ...]:
    """The faults of a call that must be refused."""
    with pytest.raises(InvalidInputError) as caught:
        call()
    return caught.value.faults
