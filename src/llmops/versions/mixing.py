"""Two versions of a prompt in, every mixture of them out: the second one less some of its edits."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from llmops.domain.explanation import Edit, Hunk
from llmops.rendering.canonical import canonical_form, content_hash
from llmops.rendering.prompt import PromptRenderer
from llmops.versions.edits import Gatherer, Pick, Reverted
from llmops.versions.mixed_tree import MixedTree
from llmops.versions.version import PromptVersion

_ALONE: Final = 12
"""So many edits are hunks of their own; of more, those that stand next to each other are one."""


class Mixer(Struct, frozen=True, kw_only=True):
    """Makes mixtures of two versions.

    Attributes:
        before: The first version.
        after: The second version.
        edits: All that differs, in the order of the prompt.
        fields: How to choose the parts of the prompt, by attribute.
        partials: How to choose the texts of partials, by name.
    """

    before: PromptVersion
    after: PromptVersion
    edits: tuple[Edit, ...]
    fields: Mapping[str, Pick[Any]]
    partials: Mapping[str, Pick[str]]

    @property
    def whole(self) -> Reverted:
        """All edits, without which the second version is the first one."""
        return frozenset(range(len(self.edits)))

    def without(self, reverted: Reverted) -> PromptVersion:
        """The second version less some of its edits; whether it loads and renders is not asked."""
        folder = self.after.prompt.tree_path
        texts = {f"{folder}/{name}": pick(reverted) for name, pick in self.partials.items()}
        tree = MixedTree(
            tree=self.after.tree,
            texts={path: text.encode() for path, text in texts.items()},
            lender=self.before.tree,
        )
        fields: dict[str, Any] = {name: pick(reverted) for name, pick in self.fields.items()}
        prompt = replace(self.after.prompt, **fields)
        numbers = " ".join(str(number + 1) for number in sorted(reverted))
        return PromptVersion(
            name=f"{self.after.name} without {numbers}",
            prompt=prompt,
            renderer=PromptRenderer(tree, folder),
            content_hash=content_hash(prompt, tree),
            tree=tree,
        )


def mix(before: PromptVersion, after: PromptVersion) -> Mixer:
    """Find what differs between two versions, and how to take each of it back.

    What is outside of the content hash is as the second version has it.
    """
    forms = [canonical_form(one.prompt, one.tree) for one in (before, after)]
    gatherer = Gatherer(before=(before.prompt, forms[0]), after=(after.prompt, forms[1]))
    fields: dict[str, Pick[Any]] = {"messages": gatherer.messages()}
    partials = gatherer.partials()
    fields["examples"] = gatherer.listed("examples")
    fields["inputs"] = gatherer.mapping("inputs")
    fields["output"] = gatherer.value("output")
    fields["model"] = gatherer.value("model")
    fields["parameters"] = gatherer.mapping("parameters")
    fields["tools"] = gatherer.listed("tools")
    fields["tool_choice"] = gatherer.value("tool_choice")
    edits = tuple(gatherer.edits)
    return Mixer(before=before, after=after, edits=edits, fields=fields, partials=partials)


def hunks_of(edits: Sequence[Edit]) -> tuple[Hunk, ...]:
    """Edits as they are tried: each by itself where they are few, else by stretches of a text."""
    groups: list[list[int]] = []
    for number, edit in enumerate(edits):
        if edit.follows and len(edits) > _ALONE:
            groups[-1].append(number)
        else:
            groups.append([number])
    return tuple(Hunk(number=n, edits=tuple(group)) for n, group in enumerate(groups, 1))


def mixture_fault(version: PromptVersion) -> str | None:
    """Why a mixture cannot be sent, whatever its inputs are; None when it can."""
    if not version.prompt.messages:
        return "no message is left"
    found = version.renderer.check(version.prompt)
    wrong = [fault.message for fault in found if fault.severity == "error"]
    if not wrong and not _has_chosen(version):
        return "the choice of tools names none that is there"
    return wrong[0] if wrong else None


def _has_chosen(version: PromptVersion) -> bool:
    choice, tools = version.prompt.tool_choice, version.prompt.tools
    if isinstance(choice, Mapping):
        return any(tool.get("function", {}) and _name(tool) == _name(choice) for tool in tools)
    return choice != "required" or bool(tools)


def _name(tool: Mapping[str, Any]) -> object:
    return tool.get("function", {}).get("name")
