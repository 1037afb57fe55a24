from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

from llmops.domain.node import Text
from llmops.domain.project import Project
from llmops.domain.suite import Case
from llmops.errors import InvalidInputError
from llmops.loading.functions import FunctionLoader
from llmops.loading.project import load_project
from llmops.loading.tree import WorkTree
from llmops.rendering.canonical import content_hash
from llmops.rendering.prompt import PromptRenderer
from llmops.rendering.templates import Templates
from llmops.running.planning.arms import ArmOptions, SuiteArm, arms_of
from llmops.running.planning.cases import CaseReader
from llmops.running.planning.plan import Plan, PlanOptions, make_plan
from llmops.scoring.registry import ScorerResources
from llmops.versions.version import PromptVersion

CONFIG = """\
models:
  fast: {model: openai/fast, parameters: {temperature: 0.5, seed: 1}}
  slow: {model: openai/slow}
"""
SAY = """\
version: 1.2.0
model: fast
parameters: {temperature: 0.1, max_tokens: 9}
inputs: {word: {type: string}, tone: {default: calm}}
user: 'Say {{ word }}{{ tone }}'
"""


class Opened:
    """A project on disk, read, with what a plan is made with."""

    def __init__(self, root: Path, files: Mapping[str, str]) -> None:
        whole = {"llmops.yaml": CONFIG, "prompts/say.yaml": SAY, **files}
        for name, text in whole.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text), encoding="utf-8", newline="")
        self.project: Project = load_project(WorkTree(root))
        self.renderer = PromptRenderer(self.project.tree, "prompts")
        self.functions = FunctionLoader(root=root)

    def find(self, text: Text) -> PromptVersion:
        prompt = self.project.prompts.get(text.text)
        if prompt is None:
            raise InvalidInputError(f"no prompt is called '{text}'", at=text.at)
        digest = content_hash(prompt, self.project.tree)
        return PromptVersion(
            name=text.text,
            prompt=prompt,
            renderer=self.renderer,
            content_hash=digest,
            tree=self.project.tree,
        )

    def cases(self, suite: str = "s", **overrides: object) -> list[Case]:
        templates = Templates(self.project.tree, "prompts")
        reader = CaseReader(project=self.project, templates=templates, overrides=overrides)
        return list(reader.cases(self.project.suites[suite]))

    def arms(self, suite: str = "s", options: ArmOptions | None = None) -> list[SuiteArm]:
        chosen = options or ArmOptions()
        return arms_of(self.project.suites[suite], self.project.config, self.find, chosen)

    def plan(self, options: PlanOptions | None = None) -> Plan:
        resources = ScorerResources(
            read_file=lambda path, _at: self.project.tree.read(path),
            load_function=self.functions.load,
        )
        return make_plan(self.project, self.find, resources, options or PlanOptions())


def suite(cases: str, head: str = "prompt: say\n") -> dict[str, str]:
    """The file of a suite `s` with these entries, each of which asserts something."""
    return {"suites/s.yaml": f"{head}assert: [{{contains: a}}]\ncases:\n{dedent(cases)}"}
