"""What prompts a project holds."""

from msgspec import Struct
from msgspec.structs import asdict

from llmops.rendering.canonical import content_hash
from llmops.workflows.opening.project import OpenProject


class PromptListing(Struct, frozen=True, kw_only=True):
    """A prompt as it stands in the work tree.

    Attributes:
        version: What its author claims.
        content_hash: 12 hex digits of what it is.
    """

    name: str
    version: str | None
    content_hash: str
    model: str | None
    inputs: tuple[str, ...]
    path: str
    description: str | None

    def as_json(self) -> dict[str, object]:
        """The listing as plain JSON values."""
        return asdict(self)


def list_prompts(opened: OpenProject) -> list[PromptListing]:
    """List the prompts, sorted by name.

    Raises:
        TemplateError: A prompt's partials cannot be read.
    """
    return [
        PromptListing(
            name=name,
            version=str(prompt.version) if prompt.version else None,
            content_hash=content_hash(prompt, opened.project.tree),
            model=str(prompt.model) if prompt.model else None,
            inputs=tuple(prompt.inputs),
            path=prompt.path,
            description=prompt.description,
        )
        for name, prompt in opened.project.prompts.items()
    ]
