"""The providers and targets of one event loop: each is opened when it is first needed."""

import asyncio
from collections.abc import Mapping

from llmops.domain.config import Model
from llmops.domain.suite import Suite
from llmops.providers.base import Provider, TargetProvider
from llmops.running.runner import Carriers


class Opened:
    """What carries requests, from when it is first asked for until `close`."""

    def __init__(self, carriers: Carriers) -> None:
        """Remember who opens them."""
        self._carriers = carriers
        self._providers: dict[str, Provider] = {}
        self._targets: dict[str, TargetProvider] = {}
        self._opening: dict[str, asyncio.Future[None]] = {}

    async def provider(self, model: Model) -> Provider:
        """The provider of a model, ready to be asked."""
        name = model.label if model.via == "scripted" else model.via
        provider = self._providers.get(name)
        if provider is None:
            provider = self._providers[name] = self._carriers.provider(model)
            self._opening[name] = asyncio.ensure_future(provider.open())
        await asyncio.shield(self._opening[name])
        return provider

    def target(self, suite: Suite) -> TargetProvider:
        """The target of a suite that has no model.

        Raises:
            ValueError: It has no target either.
        """
        target = self._targets.get(suite.name)
        if target is None:
            if suite.target is None:
                msg = "a trial without a model needs a target"
                raise ValueError(msg)
            target = self._targets[suite.name] = self._carriers.target(suite.target)
        return target

    async def close(self) -> None:
        """Let go of them all."""
        opened: Mapping[str, Provider | TargetProvider] = {**self._providers, **self._targets}
        for carrier in opened.values():
            await carrier.close()
