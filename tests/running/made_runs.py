from llmops.domain.completion import Completion
from llmops.domain.run import Arm, Exchange, RunHeader, Status, TrialResult
from llmops.domain.suite import Case, CaseEntry, Suite
from llmops.location import Location

AT = Location("suites/say.yaml", 3, 5)
HEADER = RunHeader(id="20261121-034512-7c1e", started="2026-11-21T03:45:12+00:00", planned=3)


def trial(name: str = "red", status: Status = "passed", text: str = "yes") -> TrialResult:
    return TrialResult(
        id=f"id of {name}",
        suite="say",
        suite_path="suites/say.yaml",
        case=name,
        case_hash="0123456789ab",
        arm=Arm(prompt="say", model="fast"),
        sample=0,
        status=status,
        at=AT,
        exchanges=(Exchange(completion=Completion(text=text), origin="cached"),),
    )


def case_of(suite: str, name: str, *tags: str) -> Case:
    return Case(suite=suite, id=name, inputs={}, assertions=(), at=AT, tags=tags)


def suite_of(name: str, **settings) -> Suite:
    entries = (CaseEntry(at=AT),)
    return Suite(name=name, path=f"suites/{name}.yaml", at=AT, entries=entries, **settings)
