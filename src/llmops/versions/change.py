"""Two versions of a prompt in, what changed between them out, part by part."""

from llmops.domain.change import Change
from llmops.rendering.canonical import canonical_form
from llmops.versions.interface import choice_change, input_changes, output_change, tool_changes
from llmops.versions.parts import (
    example_changes,
    message_changes,
    model_change,
    parameter_changes,
    partial_changes,
)
from llmops.versions.version import PromptVersion

_PARTS = (
    message_changes,
    partial_changes,
    example_changes,
    input_changes,
    output_change,
    model_change,
    parameter_changes,
    tool_changes,
    choice_change,
)


def change_between(before: PromptVersion, after: PromptVersion) -> Change:
    """Find every part that differs, with the step that each asks for.

    What is outside of the content hash counts for nothing: description, changelog, version,
    metadata, and the words that explain an input.

    Returns:
        A change whose step is `none` exactly when the content hashes are equal.
    """
    if before.content_hash == after.content_hash:
        return Change(parts=())
    old, new = (canonical_form(one.prompt, one.tree) for one in (before, after))
    return Change(parts=tuple(change for part in _PARTS for change in part(old, new)))
