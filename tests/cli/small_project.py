from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

CONFIG = "models:\n  echo: {model: scripted/echo, script: echo.yaml}\n"
SCRIPT = "rules: [{echo: true}]\n"
PROMPT = (
    "version: 1.0.0\nmodel: echo\ninputs: {word: {type: string}}\n"
    'messages: [{role: user, content: "Say {{ word }}."}]\n'
)
SUITE = "prompt: say\ncases:\n  - id: one\n    inputs: {word: red}\n    assert: [{contains: red}]\n"
UNCOUNTED = CONFIG.replace("yaml}", "yaml, price: {input: 1, output: 1}}")
"""A script without tokens has no cost by this price, so that nobody knows what an answer costs."""
CAPPED = SUITE.replace("{contains: red}", "{max_cost: 1}")
GOOD = {
    "llmops.yaml": CONFIG,
    "echo.yaml": SCRIPT,
    "prompts/say.yaml": PROMPT,
    "suites/say.yaml": SUITE,
}


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


Run = Callable[..., Done]
Project = Callable[..., Path]
Commit = Callable[..., str]
