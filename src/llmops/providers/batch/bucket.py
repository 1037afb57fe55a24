"""A bucket in which batches lie: a file of requests in, a file of answers out."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Any
from urllib.parse import quote

from llmops.domain.config import BatchStore
from llmops.errors import ProviderError
from llmops.providers.batch.base import Tag
from llmops.providers.batch.desk import Desk
from llmops.providers.direct.certainty import Call

Login = Callable[[Call], Awaitable[Call]]
"""Puts into a call what logs in."""


class Bucket:
    """The project's bucket at a host that knows buckets by `/BUCKET/KEY`, as S3 and Google do."""

    def __init__(self, desk: Desk, store: BatchStore, host: str, login: Login) -> None:
        """Bind a bucket and who may read it."""
        scheme, _, place = store.bucket.partition("://")
        name, _, folder = place.partition("/")
        self._desk = desk
        self._login = login
        self._base = f"{(store.storage or host).rstrip('/')}/{name}"
        self._root = f"{scheme}://{name}/"
        self._folder = f"{folder}/" if folder else ""

    def place_of(self, tag: Tag) -> str:
        """The address of a batch's own folder in the bucket, with a `/` at its end."""
        return f"{self._root}{self._folder}llmops/{tag.run}/{tag.name}/"

    async def put(self, address: str, content: bytes) -> None:
        """Keep a file.

        Raises:
            ProviderError: It was refused.
        """
        headers = {"content-type": "application/jsonl"}
        call = Call(url=self._url(address), headers=headers, body=content, method="PUT")
        await self._desk.tell(await self._login(call))

    async def lines(self, address: str) -> AsyncGenerator[Mapping[str, Any]]:
        """The JSON objects of a file, one a line; none when there is no such file.

        Raises:
            ProviderError: It was refused, broke off, or lies elsewhere than in this bucket.
        """
        call = await self._login(Call(url=self._url(address), headers={}, method="GET"))
        try:
            async with aclosing(self._desk.lines(call)) as lines:
                async for line in lines:
                    yield line
        except ProviderError as error:
            if error.kind != "not_found":
                raise

    def _url(self, address: str) -> str:
        if not address.startswith(self._root):
            raise ProviderError(
                f"the batch lies elsewhere than in {self._root}"[:300], kind="bad_response"
            )
        return f"{self._base}/{quote(address.removeprefix(self._root))}"
