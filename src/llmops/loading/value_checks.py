"""Checks of single values: paths inside the project, hosts, and keys that are no secrets."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from llmops.domain.gate import FINDINGS, RULES
from llmops.domain.node import Node, Text
from llmops.errors import Fault, InvalidInputError, did_you_mean
from llmops.loading.paths import clean_path
from llmops.loading.readers import MISSING, Faults, expected, refuse
from llmops.location import Location

ENVIRONMENT_NAME = r"^[A-Za-z_][A-Za-z0-9_]*$"
_LABEL = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,63}")
_LIKE_A_COMMIT = re.compile(r"[0-9a-fA-F]{7,64}")
_MODULE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
_SECRET = re.compile(
    r"(sk|pk|rk|gsk|hf|ghp|gho|ghs|xai|pplx|r8|fw|tgp)[-_][\w-]{12,}|github_pat_\w{12,}"
    r"|AIza[\w-]{20,}|AKIA[0-9A-Z]{12,}|Bearer\s+\S{12,}|eyJ[\w-]{10,}\.[\w-]+\.[\w-]*"
)
_KEEP_OUT = "keep it in an environment variable, and name the variable with 'key:'"


def folder(path: str, node: Node, faults: Faults) -> object:
    """Check a folder's path."""
    return project_file(path.rstrip("/"), node, faults)


def project_file(path: str, node: Node, faults: Faults) -> object:
    """Check a path inside the project."""
    try:
        return clean_path(path)
    except InvalidInputError as error:
        fault = error.faults[0]
        return refuse(node, fault.code, fault.message, faults, fault.hint)


def not_empty(value: object, node: Node, faults: Faults) -> object:
    """Check a text that must say something."""
    if node.typed.strip():
        return value
    return refuse(
        node, "empty", "nothing is written here", faults, "write something, or leave it out"
    )


def file_inside(path: Text, node: Node, faults: Faults) -> object:
    """Check the path of a file that is read later; one with a template in it is left alone."""
    if "{{" in path.text or project_file(path.text, node, faults) is not MISSING:
        return path
    return MISSING


def above_zero(value: float, node: Node, faults: Faults) -> object:
    """Check a duration that must not be nothing."""
    if value > 0:
        return value
    return expected(node, "a duration above 0", faults, "write one such as 60s")


def between_zero_and_one(value: float, node: Node, faults: Faults) -> object:
    """Check a share that is neither nothing nor all."""
    if 0 < value < 1:
        return value
    return expected(node, "a number above 0 and below 1", faults, "write one such as 0.95")


def host(url: str, node: Node, faults: Faults) -> object:
    """Check an address that requests are sent to. One with a password is not shown."""
    try:
        parts = urlsplit(url)
        named, secret = parts.hostname and parts.port != 0, parts.username or parts.password
    except ValueError:
        named, secret, parts = None, None, urlsplit("")
    if secret or "@" in url:
        return refuse(node, "secret-in-file", "the address holds a password", faults, _KEEP_OUT)
    if parts.scheme not in {"http", "https"} or not named or re.search(r"\s", url):
        hint = "write one such as http://127.0.0.1:8000/v1"
        return refuse(node, "unknown-host", f"'{url}' is no http address", faults, hint)
    return url


def environment_name(name: str, node: Node, faults: Faults) -> object:
    """Check the name of an environment variable. What is none may be a secret: it is not shown."""
    if looks_secret(name):
        message = "'key' holds what looks like a key itself"
        return refuse(node, "secret-in-file", message, faults, _KEEP_OUT)
    if not re.match(ENVIRONMENT_NAME, name):
        hint = "write a name such as OPENAI_API_KEY"
        message = "'key' must be the name of an environment variable"
        return refuse(node, "environment-name", message, faults, hint)
    return name


def module_names(names: tuple[str, ...], node: Node, faults: Faults) -> object:
    """Check the names of Python modules."""
    for child in node.elements():
        if not _MODULE.fullmatch(child.typed):
            hint = "write a dotted name such as our_scorers.tone"
            refuse(child, "module-name", f"'{child.typed}' is no Python module", faults, hint)
    return names


def gate_levels(levels: Mapping[str, object], node: Node, faults: Faults) -> object:
    """Check that levels are set for rules and findings that there are."""
    known = (*RULES, *FINDINGS)
    for name, at, _child in node.entries():
        if name not in known:
            message = f"'{name}' is no rule of the gate"
            hint = did_you_mean(name, known) or f"the rules are {', '.join(RULES)}"
            faults.append(Fault(code="unknown-rule", message=message, at=at, hint=hint))
    return levels


def label_names(names: tuple[str, ...], node: Node, faults: Faults) -> object:
    """Check that words can be labels."""
    faults += [
        fault
        for child in node.elements()
        if (fault := label_fault(child.typed, child.at)) is not None
    ]
    return names


def label_fault(label: str, at: Location | None = None) -> Fault | None:
    """Why a word cannot be a label; None when it can."""
    if _LABEL.fullmatch(label) and not _LIKE_A_COMMIT.fullmatch(label):
        return None
    return Fault(
        code="label-name",
        message=f"'{label[:80]}' cannot be a label",
        at=at,
        hint="write a word that begins with a letter and is no commit's id, such as 'production'",
    )


def without_secrets(value: Mapping[str, object], node: Node, faults: Faults) -> object:
    """Check that a free mapping holds no key. What looks like one is not shown."""
    for key, child in node.items():
        if child.kind == "text" and looks_secret(child.value):
            message = f"'{key}' holds what looks like a key"
            refuse(child, "secret-in-file", message, faults, _KEEP_OUT)
        elif child.kind == "mapping":
            without_secrets(value, child, faults)
    return value


def looks_secret(text: str) -> bool:
    """Whether a text has the form of a provider's key."""
    return _SECRET.match(text.strip()) is not None
