"""A suite at the base and now in; what its cases run on no longer, out."""

from collections.abc import Iterator, Sequence

from llmops.domain.suite import Suite

Change = tuple[str, str]
"""A kind of finding, and what was done."""


def arm_changes(before: Suite, after: Suite) -> Iterator[Change]:
    """Find the prompts and models that are gone, pinned or others.

    A prompt without `@REF` follows the work tree. In its place a version of it is a prompt that no
    edit reaches any more, and that passes whatever is edited. One in place of another is what the
    comparison is about, and named only where others stay, beside which it may weigh up their loss.
    """
    prompts, models = (_prompts(before), _prompts(after)), (_models(before), _models(after))
    for then, now in (prompts, models):
        gone = [name for name in then if name not in now]
        new = [name for name in now if name not in then]
        pinned = [(old, name) for old in gone for name in new if name.startswith(f"{old}@")]
        for old, name in pinned:
            yield "arm_removed", f"the cases run on {name}, which no edit of {old} reaches"
        if gone and len(now) < len(then):
            yield "arm_removed", f"the cases run no longer on {', '.join(gone)}"
        elif gone and not pinned and len(gone) < len(then):
            words = f"the cases run on {', '.join(new)} in place of {', '.join(gone)}"
            yield "arm_changed", words


def _prompts(suite: Suite) -> Sequence[str]:
    return [text.text for text in suite.prompts] or [step.prompt.text for step in suite.steps]


def _models(suite: Suite) -> Sequence[str]:
    return [text.text for text in suite.models]
