import sys
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.errors import CannotScoreError
from llmops.scoring import presidio
from llmops.scoring.identifiers import KINDS, find_all


def found(text: str, *kinds) -> list[str]:
    return [finding.text for finding in find_all(text, kinds or KINDS)]


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("email", "Write to jo.doe+x@mail.example.org.", ["jo.doe+x@mail.example.org"]),
        ("email", "**jo@example.org**, <a@b.co> (c@d.de)", ["jo@example.org", "a@b.co", "c@d.de"]),
        ("email", "...jo@example.org", ["jo@example.org"]),
        ("email", "müller@straße.example", ["müller@straße.example"]),
        ("email", "@handle and a@localhost and a@b", []),
        ("phone", "Call +49 30 901820 now", ["+49 30 901820"]),
        ("phone", "+1 (212) 555-0100", ["+1 (212) 555-0100"]),
        ("phone", "0049-30-901820", ["0049-30-901820"]),
        ("phone", "(212) 555-0100 or 212.555.0100", ["(212) 555-0100", "212.555.0100"]),
        ("phone", "100 200 3000, 2025-01-02, 4711, +5 points", []),
        ("phone", "+4930901820123456789012", []),
        ("iban", "DE89 3704 0044 0532 0130 00", ["DE89 3704 0044 0532 0130 00"]),
        ("iban", "IBAN:GB82WEST12345698765432.", ["GB82WEST12345698765432"]),
        ("iban", "NO93 8601 1117 947 ABCD", ["NO93 8601 1117 947"]),
        ("iban", "NO12 DE89-3704-0044-0532-0130-00", ["DE89-3704-0044-0532-0130-00"]),
        ("iban", "DE89 3704 0044 0532 0130 01", []),
        ("iban", "DE89 37.04 0044 0532 0130 00", []),
        ("iban", "DE89  3704 0044 0532 0130 00", []),
        ("iban", "DE89 3704 0044 0532 0130 00X", []),
        ("iban", "AB12 3456 7890 and DE89 3704", []),
        ("credit_card", "4111 1111 1111 1111 12/27", ["4111 1111 1111 1111"]),
        ("credit_card", "5500-0000-0000-0004", ["5500-0000-0000-0004"]),
        ("credit_card", "378282246310005", ["378282246310005"]),
        ("credit_card", "3782 822463 10005", ["3782 822463 10005"]),
        ("credit_card", "1234 4111 1111 1111 1111", ["4111 1111 1111 1111"]),
        ("credit_card", "4111 1111 1111 1112", []),
        ("credit_card", "0000 0000 0000 0000", []),
        ("credit_card", "order 41111111111111111111111", []),
        ("ssn", "078-05-1120", ["078-05-1120"]),
        ("ssn", "000-12-3456 666-12-3456 900-12-3456 123-00-4567 123-45-0000", []),
        ("ssn", "1078-05-11200", []),
        ("ip", "8.8.8.8 and 2001:4860:4860::8888.", ["8.8.8.8", "2001:4860:4860::8888"]),
        ("ip", "10.0.0.1 127.0.0.1 192.168.1.1 ::1 fe80::1", []),
        ("ip", "999.1.1.1 1.2.3 1.2.3.4.5 at 12:30:45", []),
    ],
)
def test_each_kind_is_found_by_its_form_and_its_checksum(kind, text: str, expected) -> None:
    assert found(text, kind) == expected


@given(st.text(alphabet="0123456789 +-.()@:abcdefDE", max_size=80))
def test_whatever_is_found_stands_in_the_text(text: str) -> None:
    assert all(one in text for one in found(text))


@pytest.mark.parametrize(
    "hostile", ["a", "1", " ", "+", ":", "@", "a@", "1-", "DE89 ", "4111 ", "("]
)
def test_hostile_text_is_searched_in_linear_time(hostile: str) -> None:
    assert isinstance(found(hostile * (400_000 // len(hostile))), list)


def test_finds_are_shown_masked(judge) -> None:
    score = judge("no_pii", "jo.doe@example.org, 078-05-1120, a@b.co").score

    assert score.reason == "in the output: email 'j…rg', email '…', ssn '0…20'"


def test_many_finds_are_counted(judge) -> None:
    output = " ".join(f"person{index}@example.org" for index in range(8))

    assert judge("no_pii", output).score.reason.endswith(" and 3 more")


@pytest.mark.parametrize(
    ("written", "output", "expected"),
    [
        ("{kinds: [phone]}", "jo@example.org", "passed"),
        ("[phone, email]", "jo@example.org", "failed"),
        ("{allow: [JO@example.org]}", "jo@EXAMPLE.org", "passed"),
        ("{allow: ['@example.org']}", "jo@example.org and a@b.co", "failed"),
        ("{allow: ['@example.org']}", "jo@example.org.evil.example", "failed"),
        ("{allow: ['+49 30 901820']}", "+4930-901820", "passed"),
        ("true", "", "passed"),
    ],
)
def test_kinds_are_chosen_and_exceptions_made(status, written, output, expected) -> None:
    assert status(f"no_pii: {written}", output) == expected


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("[]", "an empty list of kinds looks for nothing"),
        ("[emial]", "'emial' is no kind of personal data"),
        ('{allow: [""]}', "an empty text allows nothing in particular"),
        ('{allow: ["@"]}', "an empty text allows nothing in particular"),
        ("{engine: spacy}", "expected one of patterns, presidio"),
    ],
)
def test_what_would_look_for_nothing_is_refused(refusals, written: str, message: str) -> None:
    assert message in refusals(f"no_pii: {written}")[0].message


PRESIDIO = {
    "presidio_analyzer/__init__.py": """
        from types import SimpleNamespace as Result

        class AnalyzerEngine:
            def __init__(self, nlp_engine, supported_languages):
                assert supported_languages == ["en"]
                self.model = nlp_engine.models[0]["model_name"]

            def get_supported_entities(self, language):
                return ["PERSON", "EMAIL_ADDRESS", "LOCATION"]

            def analyze(self, text, language, entities, score_threshold):
                start = text.find("Barbara Keller")
                if start < 0 or "PERSON" not in entities:
                    return []
                return [Result(entity_type="PERSON", start=start, end=start + 14)]
    """,
    "presidio_analyzer/nlp_engine.py": """
        class SpacyNlpEngine:
            def __init__(self, models):
                self.models = models
    """,
    "spacy/__init__.py": "",
    "spacy/util.py": "installed = {'en_core_web_sm'}\nis_package = installed.__contains__\n",
    "tldextract/__init__.py": """
        from tldextract import tldextract

        def TLDExtract(suffix_list_urls):
            return suffix_list_urls
    """,
    "tldextract/tldextract.py": "TLD_EXTRACTOR = None\n",
}
"""What llmops uses of Presidio and spaCy, for machines where they are not installed."""


@pytest.fixture
def stand_ins(write, monkeypatch):
    folder = write({name: dedent(text) for name, text in PRESIDIO.items()})
    monkeypatch.syspath_prepend(str(folder))
    for name in ("presidio_analyzer", "spacy", "tldextract"):
        for loaded in [one for one in sys.modules if one.split(".")[0] == name]:
            monkeypatch.delitem(sys.modules, loaded)
    presidio._engine.cache_clear()
    yield
    presidio._engine.cache_clear()
    for loaded in [one for one in sys.modules if one.split(".")[0] in {"spacy", "tldextract"}]:
        del sys.modules[loaded]
    for loaded in [one for one in sys.modules if one.split(".")[0] == "presidio_analyzer"]:
        del sys.modules[loaded]


@pytest.mark.usefixtures("stand_ins")
def test_presidio_finds_names(judge, ready) -> None:
    score = judge("no_pii: {engine: presidio}", "Dear Barbara Keller,").score

    assert (score.status, score.reason) == ("failed", "in the output: PERSON 'B…er'")
    assert judge("no_pii: {engine: presidio}", "Dear customer,").score.status == "passed"
    assert ready("no_pii: {engine: presidio}").slow is True
    allowing = "no_pii: {engine: presidio, allow: [Barbara Keller], kinds: [PERSON]}"
    assert judge(allowing, "Dear Barbara Keller,").score.status == "passed"


@pytest.mark.usefixtures("stand_ins")
def test_presidio_never_fetches_the_list_of_domains(ready) -> None:
    ready("no_pii: {engine: presidio}")

    assert sys.modules["tldextract"].tldextract.TLD_EXTRACTOR == ()


@pytest.mark.usefixtures("stand_ins")
def test_an_entity_that_presidio_does_not_know_is_refused(refusals) -> None:
    fault = refusals("no_pii: {engine: presidio, kinds: [PERSN]}")[0]

    assert fault.message == "Presidio knows no entity 'PERSN'"
    assert fault.hint == "did you mean 'PERSON'?"


@pytest.mark.usefixtures("stand_ins")
def test_a_missing_model_is_told_and_not_downloaded(refusals) -> None:
    import spacy.util

    spacy.util.installed.clear()

    fault = refusals("no_pii: {engine: presidio}")[0]

    assert fault.message == "Presidio needs an English model of spaCy, and none is installed"
    assert fault.hint == "python -m spacy download en_core_web_sm"


@pytest.mark.usefixtures("stand_ins")
def test_a_text_too_long_for_presidio_is_unscored() -> None:
    engine = presidio.Presidio.of(None)

    assert engine.entities == ("PERSON", "EMAIL_ADDRESS")
    with pytest.raises(CannotScoreError, match="too many to look through with Presidio"):
        list(engine.find_all("x" * 100_001))
