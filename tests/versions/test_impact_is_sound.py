from collections.abc import Callable, Mapping
from pathlib import Path

from test_impact import FILES

from llmops.errors import LlmopsError
from llmops.running.planning.plan import PlanOptions, make_plan
from llmops.running.planning.selection import Selection
from llmops.versions.impact import impact
from llmops.workflows.opening.project import OpenProject, Surroundings, open_project

EDITS: dict[str, Callable[[str], str | None]] = {
    "gone": lambda _text: None,
    "longer": lambda text: f"{text}again\n",
    "a comment": lambda text: f"{text}# again\n",
    "other words": lambda text: text.replace("red", "green").replace("e.", "a.").replace("1", "2"),
    "empty": lambda _text: "",
}
ASKED = {
    "suites/tell.yaml": (
        "prompt: reply\nmodels: [echo, other]\nparameters: {temperature: 1}\n"
        "assert: [{contains: red}]\ncases: [{inputs: {word: red}}]\n"
    ),
    "suites/pinned.yaml": (
        "prompt: see@HEAD\nassert: [{contains: red}]\ncases: [{id: a}, {id: b}]\n"
    ),
}


def what_is_asked(opened: OpenProject, suite: str) -> object:
    """Everything that a suite sends and asserts, or why it cannot."""
    options = PlanOptions(selection=Selection(selectors=(f"suites/{suite}.yaml",)))
    try:
        plan = make_plan(opened.project, opened.find_prompt, opened.resources, options)
    except LlmopsError as error:
        return [fault.message for fault in error.faults]
    return [
        (trial.case.id, stage.whole.digest(0), [one.label for one in stage.ready])
        for trial in plan.trials()
        for stage in trial.stages
    ]


def test_whatever_changes_a_request_reaches_its_suite(
    write: Callable[[Mapping[str, str]], Path], git: Callable[..., str]
) -> None:
    folder = write({**FILES, **ASKED, ".gitignore": "/home\n"})
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=First")
    commit = git(folder, "rev-parse", "HEAD").strip()
    world = Surroundings(folder=folder, environment={})
    before = {
        name: what_is_asked(open_project(world), name)
        for name in open_project(world).project.suites
    }
    missed, reached, differing = [], 0, 0

    for path, text in {**FILES, **ASKED}.items():
        for name, edit in EDITS.items():
            edited = edit(text)
            (folder / path).unlink()
            if edited is not None:
                (folder / path).write_text(edited, encoding="utf-8")
            try:
                opened = open_project(world)
            except LlmopsError:
                opened = None
            suites = opened.project.suites.values() if opened else ()
            for one in impact(opened.project, opened.versions, commit, suites) if opened else ():
                differs = what_is_asked(opened, one.suite) != before[one.suite]
                differing += differs
                reached += one.included
                missed += [(path, name, one.suite)] if differs and not one.included else []
            (folder / path).write_text(text, encoding="utf-8")

    assert missed == []
    assert 40 < differing < reached < 150
