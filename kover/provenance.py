"""The two small members of an edited archive: `config.json`, and `metadata.json`.

The latter gets a record of where the model comes from.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from kover import __version__
from kover.archive.reader import CONFIG, METADATA, Archive
from kover.planning.plan import Plan
from kover.spec.document import Spec
from kover.values import JSON, same


def new_config_text(plan: Plan, archive: Archive) -> dict[str, bytes]:
    """`config.json` as Keras would write it; nothing where it does not change."""
    if plan.after == archive.config and same(dict(plan.after), archive.config):
        return {}
    return {CONFIG: json.dumps(plan.after).encode()}


def new_metadata(specs: Sequence[Spec], archive: Archive) -> dict[str, bytes]:
    """`metadata.json` with a `kover` key: input, specs and parameters.

    No paths and no dates: the same model and specs give the same bytes wherever they are.
    """
    parameters: dict[str, JSON] = {}
    for spec in specs:
        parameters.update(spec.parameters)
    record: Mapping[str, JSON] = {
        "version": __version__,
        "input_sha256": archive.sha256,
        "spec_sha256": [spec.sha256 for spec in specs],
        "parameters": parameters,
    }
    return {METADATA: json.dumps({**archive.metadata, "kover": record}).encode()}
