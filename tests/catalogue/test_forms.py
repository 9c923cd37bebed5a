"""Objects as a config or a spec may write them."""

from __future__ import annotations

import pytest

from kover.catalogue.forms import read_object
from kover.values import JSON


@pytest.mark.parametrize("odd", [{}, [], 3, True])
def test_a_registered_name_that_is_no_text_makes_an_unknown_object(odd: JSON) -> None:
    record: dict[str, JSON] = {"class_name": "Zeros", "config": {}, "registered_name": None}
    assert read_object("initializer", record).entry is not None
    assert read_object("initializer", {**record, "registered_name": odd}).entry is None
