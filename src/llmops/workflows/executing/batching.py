"""A run in batches: refused where no model takes them, its asker, and what it left behind."""

from collections.abc import Callable, Mapping

from llmops.domain.config import Model
from llmops.errors import Fault, InvalidInputError
from llmops.location import Location
from llmops.providers.batch.carried import has_batches, needs_store
from llmops.providers.keys import provider_of
from llmops.running.keeping.batch_log import open_log
from llmops.running.keeping.ledger import Ledger
from llmops.running.past.resume import Before
from llmops.running.planning.plan import Plan
from llmops.running.runner import Asker
from llmops.running.sources import Sources
from llmops.workflows.executing.asking import Asking

_AS_OPENAI = "it speaks OpenAI's format: name it openai/… with 'api_base', or leave out --batch"
_NOT_CARRIED: Mapping[str, str] = {
    "gemini": "litellm has batches of Vertex AI only: name it vertex_ai/…, or leave out --batch",
    "vertex_ai": "of Vertex AI, litellm reads results of gemini models only; leave out --batch",
    "azure_ai": "litellm has batches of azure/… deployments only; leave out --batch",
    "hosted_vllm": _AS_OPENAI,
    "litellm_proxy": _AS_OPENAI,
}
"""Why models of a provider are not asked in batches, and what to do."""


def check_batches(plan: Plan) -> None:
    """Refuse a run of which nothing can be asked in a batch, or of which one has no place.

    Raises:
        InvalidInputError: No model has batches; every place where one is named (`no-batch`). Or
            the batches of a model lie in a bucket and it names none (`no-bucket`).
    """
    arms = [arm.planned for suite in plan.suites for arm in suite.arms]
    homeless = {
        arm.model.label: _homeless(arm.model, arm.at)
        for arm in arms
        if arm.model is not None and needs_store(arm.model) and arm.model.batch is None
    }
    if homeless:
        raise InvalidInputError.of(list(homeless.values()))
    if any(has_batches(arm.model) for arm in arms):
        return
    places = {(arm.model.label if arm.model else "", arm.at): arm for arm in arms}
    raise InvalidInputError.of([_without(arm.model, arm.at) for arm in places.values()])


def batched_asker(
    asking: Asking,
    sources: Sources,
    ledger: Ledger,
    in_flight: Callable[[int], None],
    before: Before | None,
) -> Asker:
    """What asks providers in batches, and live what no batch can carry.

    Args:
        asking: What asks live.
        sources: Where answers are kept.
        ledger: Takes each finished trial; its writer keeps what happens to batches.
        in_flight: Told how many requests are under way.
        before: The run that is gone on with, whose batches may still be out.
    """
    from llmops.running.batch.asker import BatchedAsker

    events = before.run.batches if before is not None else ()

    return BatchedAsker(
        sources=sources,
        sink=ledger.take,
        stop=asking.stop,
        purse=asking.purse,
        environment=asking.opened.environment,
        live=lambda: asking.asker(sources, ledger.take, in_flight),
        log=open_log(ledger.writer.path.stem, events, ledger.writer.batch),
        note=asking.note,
        monotonic=asking.clock.monotonic,
        clean=asking.clean(),
        in_flight=in_flight,
    )


def _homeless(model: Model, at: Location) -> Fault:
    provider = provider_of(model.name)
    wanted = "bucket: gs://NAME"
    if provider == "bedrock":
        wanted = "bucket: s3://NAME, role: 'arn:aws:iam::…'"
    alias = "the model" if model.at is not None else "an alias of the model"
    return Fault(
        code="no-bucket",
        message=f"batches of '{model.label}' lie in a bucket, and none is named",
        at=model.at or at,
        hint=f"add 'batch: {{{wanted}}}' to {alias} in llmops.yaml, or leave out --batch",
    )


def _without(model: Model | None, at: Location) -> Fault:
    if model is None:
        message, hint = "a target cannot be called in a batch", "leave out --batch"
    else:
        provider = provider_of(model.name)
        message = f"the model '{model.label}' cannot be asked in batches"
        usual = "docs/batch.md lists the providers whose batches are spoken; leave out --batch"
        hint = _NOT_CARRIED.get(provider, usual)
    return Fault(code="no-batch", message=message, at=at, hint=hint)
