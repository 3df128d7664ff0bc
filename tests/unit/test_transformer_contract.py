"""The contract of the Transformer's jobs, as JSON Schema, is what its code accepts and what it writes."""

import importlib.util
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from tests.unit.test_transformer_days import DATA, MENDED, written
from tests.unit.test_transformer_job import as_athena_answers

from transformer.job import days
from transformer.job.order import UNITS, Order
from transformer.job.report import report
from transformer.job.search import MAPPING
from transformer.versions import HERE, source_for

ODD: st.SearchStrategy[object] = st.sampled_from([999, 10_000, "humidity", "2014", "", None, True, 2014.5, [], {}])
YEARS = st.one_of(st.integers(1000, 9999), ODD)
METRICS = st.one_of(st.sampled_from(sorted(UNITS)), ODD)
KEYS = {"year": YEARS, "metric": METRICS, "measure": METRICS, "unit": ODD}
DOCUMENTS: st.SearchStrategy[object] = st.one_of(
    st.fixed_dictionaries({}, optional=KEYS),
    st.fixed_dictionaries({"year": YEARS, "measure": METRICS}),
    st.sampled_from([None, [], "wind", 2014]),
)
CONTRACTS = ("v1.0.0", "v1.4.0", "v2.0.0")


def schema(folder: Path, name: str) -> Draft202012Validator:
    document = json.loads((folder / f"{name}.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(document)
    return Draft202012Validator(document)


def parser(folder: Path) -> tuple[Callable[[object], Any], type[ValueError]]:
    """A version's own reader of orders, beside those of other versions."""
    spec = importlib.util.spec_from_file_location(
        f"contract_{folder.parts[-3].replace('.', '_')}", folder / "contract.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.read_order, module.InvalidInput


@pytest.mark.parametrize("tag", CONTRACTS)
def test_a_version_accepts_what_its_schema_allows_and_nothing_else(tag: str, tmp_path: Path) -> None:
    folder = source_for(tag, tmp_path / tag)
    allowed = schema(folder, "input")
    parse, refused = parser(folder)
    seen = set()

    @given(DOCUMENTS)
    @example({"year": 2014.0, "metric": "wind"})
    @example({"year": 2014.0, "measure": "wind"})
    @example({"year": 2014.5, "measure": "wind"})
    def hold(document: object) -> None:
        try:
            parse(document)
            accepted = True
        except refused:
            accepted = False
        assert accepted == allowed.is_valid(document), document
        seen.add(accepted)

    hold()
    assert seen == {True, False}


@pytest.mark.parametrize(
    ("document", "accepting"),
    [
        ({"year": 2014, "metric": "wind"}, {"v1.0.0", "v1.4.0"}),
        ({}, {"v1.0.0", "v1.4.0"}),
        ({"year": 2014, "measure": "wind"}, {"v1.4.0", "v2.0.0"}),
        ({"measure": "wind"}, {"v1.4.0"}),
        ({"year": 2014, "metric": "wind", "measure": "wind"}, set()),
    ],
)
def test_between_two_contracts_there_is_a_version_that_takes_both(
    document: object, accepting: set[str], tmp_path: Path
) -> None:
    folders = {tag: source_for(tag, tmp_path / tag) for tag in CONTRACTS}
    assert {tag for tag, folder in folders.items() if schema(folder, "input").is_valid(document)} == accepting


def test_an_order_of_either_contract_asks_for_the_same_job(tmp_path: Path) -> None:
    old, _ = parser(source_for("v1.0.0", tmp_path / "v1"))
    both, _ = parser(source_for("v1.4.0", tmp_path / "both"))
    new, _ = parser(source_for("v2.0.0", tmp_path / "v2"))
    asked = asdict(old({"year": 2012, "metric": "wind"}))
    assert asdict(both({"year": 2012, "metric": "wind"})) == asked
    assert asdict(both({"year": 2012, "measure": "wind"})) == asked
    assert asdict(new({"year": 2012, "measure": "wind"})) == asked


def test_a_result_is_what_the_schema_says(tmp_path: Path) -> None:
    allowed = schema(HERE / "job", "output")
    result = report(Order(2014, "wind"), *as_athena_answers(2014, "wind"))
    document = {"transform_id": "t-1", "version": "v1.0.0", **result}
    allowed.validate(document)
    assert not allowed.is_valid({**document, "months": []})
    for key in document:
        assert not allowed.is_valid({name: value for name, value in document.items() if name != key}), key


@pytest.mark.parametrize("script", [days, MENDED])
def test_a_document_is_what_the_schema_and_the_mapping_of_the_index_say(script: ModuleType) -> None:
    allowed = schema(HERE / "job", "day")
    rows = [row for row in DATA if row["date"] != "2013/07/04"]
    documents = list(written(script, 2013, rows=rows))
    for document in documents:
        allowed.validate(document)
        assert document.keys() == MAPPING["mappings"]["properties"].keys()
        for key in document:
            assert not allowed.is_valid({name: value for name, value in document.items() if name != key}), key
    assert len(documents) == (364 if script is days else 365)
