"""`NAME@REF` in, the version that a bundle holds of it out."""

import re
from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct

from llmops.domain.bundle import Bundle, BundledPrompt, BundledVersion
from llmops.domain.config import Config
from llmops.domain.node import Text
from llmops.errors import Fault, InvalidInputError, did_you_mean
from llmops.loading.bundle_tree import BundleTree
from llmops.loading.project import load_config, load_prompt
from llmops.location import Location
from llmops.rendering.prompt import PromptRenderer
from llmops.versions.version import PromptVersion

_COMMIT = re.compile(r"[0-9a-f]{4,64}")
_SHORT = 12
_SHOWN = 80
_LISTED = 12


class Found(Struct, frozen=True, kw_only=True):
    """A version, with the configuration that goes with it."""

    version: PromptVersion
    config: Config


def find_bundled(bundle: Bundle, text: Text) -> Found:
    """The version that a name means, with or without `@REF`.

    Raises:
        InvalidInputError: The bundle does not hold it, or the ref could be two things.
    """
    name, at_sign, ref = text.text.partition("@")
    prompt = bundle.prompts.get(name)
    if prompt is None:
        raise _no_prompt(bundle, name)
    id_ = _meant(prompt, name, ref, bundle) if at_sign else prompt.current
    if id_ is None:
        raise _not_held(bundle, text.text, prompt, name)
    bundled = prompt.versions[id_]
    tree = BundleTree(bundle, bundled)
    config = load_config(tree)
    return Found(
        version=PromptVersion(
            name=text.text,
            prompt=load_prompt(tree, config, bundled.name),
            renderer=PromptRenderer(tree, config.prompts),
            content_hash=bundled.content_hash,
            tree=tree,
            commit=bundled.commit,
        ),
        config=config,
    )


def _meant(prompt: BundledPrompt, name: str, ref: str, bundle: Bundle) -> str | None:
    forms: Mapping[str, Callable[[BundledPrompt, str], list[str]]] = {
        "version": _claiming,
        "label": lambda held, label: [held.labels[label]] if label in held.labels else [],
        "git": _at_revision,
    }
    form, colon, forced = ref.partition(":")
    if colon and form in forms:
        meanings = {form: forms[form](prompt, forced)}
        ref = forced
    else:
        meanings = {form: find(prompt, ref) for form, find in forms.items()}
    found = {form: ids for form, ids in meanings.items() if ids}
    contents = {_identity(prompt.versions[id_]) for ids in found.values() for id_ in ids}
    if len(contents) > 1:
        raise _ambiguous(bundle, name, ref, found, prompt)
    return next((ids[0] for ids in found.values()), None)


def _claiming(prompt: BundledPrompt, claimed: str) -> list[str]:
    return [id_ for id_, version in prompt.versions.items() if version.version == claimed]


def _at_revision(prompt: BundledPrompt, ref: str) -> list[str]:
    if ref in prompt.refs:
        return [prompt.refs[ref]]
    if not _COMMIT.fullmatch(ref):
        return []
    return [id_ for id_, one in prompt.versions.items() if (one.commit or "").startswith(ref)]


def _identity(version: BundledVersion) -> tuple[str, str | None]:
    return (version.content_hash, version.version)


def _no_prompt(bundle: Bundle, name: str) -> InvalidInputError:
    names = sorted(bundle.prompts)
    return InvalidInputError(
        f"the bundle holds no prompt '{name[:_SHOWN]}'",
        at=Location(bundle.path),
        code="unknown-prompt",
        hint=did_you_mean(name, names) or f"it holds {_listing(names)}",
    )


def _not_held(bundle: Bundle, asked: str, prompt: BundledPrompt, name: str) -> InvalidInputError:
    held = [f"@{one.version}" for one in prompt.versions.values() if one.version is not None]
    held += [f"@{word}" for word in (*prompt.labels, *prompt.refs)]
    held += [f"@{one.commit[:_SHORT]}" for one in prompt.versions.values() if one.commit]
    names = [*([name] if prompt.current else []), *(f"{name}{ref}" for ref in dict.fromkeys(held))]
    return InvalidInputError(
        f"the bundle does not hold '{asked[:_SHOWN]}'",
        at=Location(bundle.path),
        code="not-in-bundle",
        hint=f"it holds {_listing(names)}",
    )


def _ambiguous(
    bundle: Bundle,
    name: str,
    ref: str,
    found: Mapping[str, Iterable[str]],
    prompt: BundledPrompt,
) -> InvalidInputError:
    if len(found) == 1:
        versions = [prompt.versions[id_] for ids in found.values() for id_ in ids]
        words = [f"{one.content_hash} ({(one.commit or 'no commit')[:_SHORT]})" for one in versions]
        fault = Fault(
            code="version-reused" if "version" in found else "ambiguous-ref",
            message=f"'{name}' has more than one content called {ref[:_SHOWN]}: {_listing(words)}",
            at=Location(bundle.path),
            hint="name one by its commit or by a label",
        )
        return InvalidInputError.of([fault])
    ways = " or ".join(f"'{name}@{form}:{ref}'" for form in found)
    return InvalidInputError(
        f"'{ref[:_SHOWN]}' could be more than one thing: {', '.join(found)}",
        at=Location(bundle.path),
        code="ambiguous-ref",
        hint=f"write {ways}",
    )


def _listing(words: Iterable[str]) -> str:
    known = list(words)
    more = f" and {len(known) - _LISTED} more" if len(known) > _LISTED else ""
    return ", ".join(known[:_LISTED]) + more
