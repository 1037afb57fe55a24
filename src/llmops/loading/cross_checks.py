"""What no file can know of itself: that a suite's prompts and models exist, and that it asserts."""

from collections.abc import Iterator, Mapping, Sequence

from llmops.domain.config import Config
from llmops.domain.node import Text
from llmops.domain.prompt import Prompt
from llmops.domain.suite import Suite
from llmops.errors import Fault
from llmops.loading.config import unknown_model
from llmops.loading.prompts import unknown_prompt
from llmops.loading.suites import unasserted

Known = Mapping[str, Prompt | None]
"""Every prompt of the tree by name; None for one that is wrong."""


def prompt_faults(prompt: Prompt, config: Config) -> list[Fault]:
    """Check the model that a prompt names."""
    fault = unknown_model(config, prompt.model) if prompt.model is not None else None
    return [fault] if fault is not None else []


def suite_faults(suite: Suite, prompts: Known, config: Config) -> list[Fault]:
    """Check a suite against the prompts and models of its project."""
    named = named_prompts(suite)
    faults = [*_prompt_name_faults(named, prompts), *_model_faults(suite, named, prompts, config)]
    if not _prompts_assert(suite, named, prompts):
        faults += unasserted(suite)
    return faults


def named_prompts(suite: Suite) -> tuple[Text, ...]:
    """The prompts that a suite names, in its steps too."""
    return suite.prompts + tuple(step.prompt for step in suite.steps)


def base_name(named: Text) -> str:
    """A prompt's name without `@REF`."""
    return named.text.partition("@")[0]


def _prompt_name_faults(named: Sequence[Text], prompts: Known) -> Iterator[Fault]:
    for text in named:
        name, at_sign, ref = text.text.partition("@")
        if name in prompts or (name and at_sign and ref):
            continue
        yield unknown_prompt(name, prompts, text.at)


def _model_faults(
    suite: Suite, named: Sequence[Text], prompts: Known, config: Config
) -> Iterator[Fault]:
    for model in suite.models:
        fault = unknown_model(config, model)
        if fault is not None:
            yield fault
    if suite.models or suite.target is not None:
        return
    lacking = [text for text in named if _lacks_model(text, prompts)]
    if suite.steps:
        lacking = lacking[:1] if len(lacking) == len(named) else []
    for text in lacking:
        yield Fault(
            code="no-model",
            message=f"neither the prompt '{text}' nor the suite names a model",
            at=text.at,
            hint="add 'models: […]' to the suite, or 'model:' to the prompt",
        )


def _lacks_model(named: Text, prompts: Known) -> bool:
    prompt = prompts.get(base_name(named))
    return prompt is not None and prompt.model is None


def _prompts_assert(suite: Suite, named: Sequence[Text], prompts: Known) -> bool:
    """Whether each trial asserts its output's form; a prompt that is wrong has its own fault."""
    found = [prompts[name] for name in map(base_name, named) if name in prompts]
    asserting = [prompt is None or _asserts(prompt) for prompt in found]
    if suite.steps:
        return any(asserting)
    return bool(named) and all(asserting) and len(found) == len(named)


def _asserts(prompt: Prompt) -> bool:
    return prompt.output is not None and prompt.output.format == "json"
