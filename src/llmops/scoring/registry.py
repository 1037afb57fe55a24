"""Scorers by name: build one from an assertion, list them all, write their manual pages."""

import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from llmops.domain.node import Node, PlacedMapping
from llmops.domain.suite import Assertion
from llmops.errors import Fault, InvalidInputError, did_you_mean
from llmops.loading.shapes import json_schema, keys_of, read
from llmops.scoring.base import KINDS, ArgumentError, Scorer, ScorerKind

BUILT_IN = (
    "llmops.scoring.text",
    "llmops.scoring.pattern",
    "llmops.scoring.similarity",
    "llmops.scoring.structure",
    "llmops.scoring.markup",
    "llmops.scoring.sql",
    "llmops.scoring.length",
    "llmops.scoring.language",
    "llmops.scoring.budget",
    "llmops.scoring.safety",
    "llmops.scoring.python",
    "llmops.scoring.combine",
)
"""The modules that hold scorers. No folder is scanned."""


def kinds() -> Mapping[str, ScorerKind]:
    """Every scorer by name, sorted; imports the modules that hold them."""
    for module in BUILT_IN:
        importlib.import_module(module)
    return dict(sorted(KINDS.items()))
