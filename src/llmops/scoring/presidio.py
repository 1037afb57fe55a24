"""Personal data found by Presidio (extra `pii`), in English, without the network."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from msgspec import Struct

from llmops.errors import did_you_mean
from llmops.scoring.base import ArgumentError
from llmops.scoring.extras import need_extra
from llmops.scoring.identifiers import Finding
from llmops.scoring.limits import check_length

MAX_CHARACTERS = 100_000
"""The longest text that is looked through."""

MODELS = ("en_core_web_lg", "en_core_web_md", "en_core_web_sm", "en_core_web_trf")
"""The spaCy models that will do, the first that is installed is taken."""

_DEFAULT_WORDS = """
PERSON EMAIL_ADDRESS PHONE_NUMBER CREDIT_CARD IBAN_CODE IP_ADDRESS US_SSN US_PASSPORT US_ITIN
US_BANK_NUMBER US_DRIVER_LICENSE CRYPTO MEDICAL_LICENSE
"""
DEFAULT = tuple(_DEFAULT_WORDS.split())
"""What is looked for when the suite does not say. Places, dates and URLs are not, by default."""

_SURE = 0.4


class Presidio(Struct, frozen=True, kw_only=True):
    """Presidio's analyzer, and the entities it looks for."""

    engine: Any
    entities: tuple[str, ...]

    @classmethod
    def of(cls, entities: tuple[str, ...] | None) -> "Presidio":
        """Load the analyzer.

        Args:
            entities: Presidio's names of what to look for; None for `DEFAULT`.

        Raises:
            ArgumentError: Presidio or a spaCy model is not installed, or an entity is unknown.
        """
        need_extra("presidio_analyzer", "pii")
        engine = _engine(_model())
        known = set(engine.get_supported_entities(language="en"))
        for entity in entities or ():
            if entity not in known:
                hint = did_you_mean(entity, known) or f"known are {', '.join(sorted(known))}"
                message = f"Presidio knows no entity '{entity}'"
                raise ArgumentError(message, key="kinds", hint=hint)
        chosen = entities or tuple(entity for entity in DEFAULT if entity in known)
        return cls(engine=engine, entities=chosen)

    def find_all(self, text: str) -> Iterator[Finding]:
        """Find personal data of which Presidio is at least 40 % sure.

        Raises:
            CannotScoreError: The text is longer than 100,000 characters.
        """
        check_length(len(text), "look through with Presidio", MAX_CHARACTERS)
        found = self.engine.analyze(
            text=text, language="en", entities=list(self.entities), score_threshold=_SURE
        )
        for one in sorted(found, key=lambda result: (result.start, result.entity_type)):
            yield Finding(kind=one.entity_type, text=text[one.start : one.end])


def _model() -> str:
    """The spaCy model to take; Presidio itself would download one that is missing."""
    from spacy.util import is_package

    for name in MODELS:
        if is_package(name):
            return name
    message = "Presidio needs an English model of spaCy, and none is installed"
    raise ArgumentError(message, hint="python -m spacy download en_core_web_sm")


@cache
def _engine(model: str) -> Any:  # noqa: ANN401 - a presidio_analyzer.AnalyzerEngine
    import tldextract
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import SpacyNlpEngine

    tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=())
    nlp = SpacyNlpEngine(models=[{"lang_code": "en", "model_name": model}])
    return AnalyzerEngine(nlp_engine=nlp, supported_languages=["en"])
