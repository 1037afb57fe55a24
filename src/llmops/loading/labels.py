"""`labels.yaml` in the folder of prompts in; which version each label means out."""

from collections.abc import Mapping

from llmops.domain.config import Config
from llmops.domain.node import Node, Text
from llmops.domain.tree import Tree
from llmops.errors import Fault, InvalidInputError, did_you_mean
from llmops.loading.complaints import all_of
from llmops.loading.files import read_yaml
from llmops.loading.readers import Faults, expected
from llmops.loading.value_checks import label_fault
from llmops.location import Location

LABELS_FILE = "labels.yaml"
Labels = Mapping[str, Mapping[str, Text]]
"""By prompt and label: a claimed version, or a commit's id."""


def labels_path(config: Config) -> str:
    """Where a project keeps its labels, from its root."""
    return f"{config.prompts}/{LABELS_FILE}"


def load_labels(tree: Tree, config: Config) -> Labels:
    """Read the labels of a project; none when there is no such file.

    Raises:
        InvalidInputError: All that is wrong with the file.
    """
    path = labels_path(config)
    try:
        node = read_yaml(tree, path, Location(path), config.limits)
    except InvalidInputError as error:
        if error.faults[0].code == "missing-file":
            return {}
        raise
    return read_labels(node)


def read_labels(node: Node) -> Labels:
    """Read the labels that a file states.

    Raises:
        InvalidInputError: All that is wrong with it.
    """
    if node.kind == "nothing":
        return {}
    faults: Faults = []
    labels = _read(node, faults)
    if faults:
        raise all_of(faults)
    return labels


def unknown_label(label: str, prompt: str, labels: Labels, at: Location | None) -> Fault:
    """The complaint about a label that a prompt does not have."""
    known = labels.get(prompt, {})
    listing = f"its labels are {', '.join(known)}" if known else "it has none"
    return Fault(
        code="unknown-label",
        message=f"'{prompt}' has no label '{label[:80]}'",
        at=at,
        hint=did_you_mean(label, known) or f"{listing}; 'llmops label {prompt} LABEL' sets one",
    )


def _read(node: Node, faults: Faults) -> dict[str, dict[str, Text]]:
    hint = "write a prompt's name, and below it labels such as 'production: 1.2.0'"
    if node.kind != "mapping":
        expected(node, "prompts with their labels", faults, hint)
        return {}
    found: dict[str, dict[str, Text]] = {}
    for name, _, child in node.entries():
        if child.kind == "nothing":
            continue
        if child.kind != "mapping":
            expected(child, f"labels of '{name}'", faults, hint)
            continue
        found[name] = _read_labels(child, faults)
    return found


def _read_labels(node: Node, faults: Faults) -> dict[str, Text]:
    found = {}
    for label, at, child in node.entries():
        fault = label_fault(label, at)
        if fault is not None:
            faults.append(fault)
        elif child.kind not in {"text", "number"} or not child.typed:
            expected(child, "a version", faults, "write a version such as 1.2.0, or a commit's id")
        else:
            found[label] = child.text
    return found
