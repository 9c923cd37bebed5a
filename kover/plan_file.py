"""Plan files: what a dry run found, kept so that exactly this is carried out later, or nothing.

`kover apply --dry-run --format json` prints the plan with a key `request`: the model and the specs
with their hashes, parameters and settings. `kover apply --plan` reads it, plans anew, and refuses
when model, specs or the outcome are not the same any more.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kover.errors import AnswerIsNo, InputError
from kover.planning.plan import Plan
from kover.problems import Problem
from kover.source import Source
from kover.spec.document import Rate, Spec
from kover.values import JSON, as_mapping

_MOST_BYTES = 64 << 20
_HELP = "plan again: `kover apply MODEL SPEC... --dry-run --format json`"


@dataclass(frozen=True)
class PlanFile:
    """What a plan was made of.

    Attributes:
        path: the plan file.
        model: the archive.
        model_sha256: of the archive.
        specs: paths of the specs.
        spec_sha256: of the specs, and of the settings after them.
        parameters: values that were given.
        settings: as given with `--set`.
        plan_sha256: of the outcome.
    """

    path: str
    model: str
    model_sha256: str
    specs: tuple[str, ...]
    spec_sha256: tuple[str, ...]
    parameters: Mapping[str, JSON]
    settings: tuple[str, ...]
    plan_sha256: str


def plan_request(
    plan: Plan,
    specs: Sequence[Spec],
    model: tuple[str, str],
    parameters: Mapping[str, JSON],
    settings: Sequence[str],
) -> dict[str, JSON]:
    """The key `request` of a plan file.

    Args:
        plan: the outcome.
        specs: files first, then one for each setting.
        model: its path and its hash.
        parameters: values that were given.
        settings: as given with `--set`.
    """
    files = specs[: len(specs) - len(settings)]
    return {
        "model": {"path": model[0], "sha256": model[1]},
        "specs": [{"path": spec.path, "sha256": spec.sha256} for spec in files],
        "parameters": dict(parameters),
        "set": list(settings),
        "plan_sha256": _digest(plan),
    }


def read_plan_file(path: str) -> PlanFile:
    """The plan file at `path`.

    Raises:
        InputError: `unreadable-plan` when it cannot be read, or is none.
    """
    request = as_mapping(_loaded(path).get("request"))
    model, specs = as_mapping(request.get("model")), request.get("specs")
    settings, parameters = request.get("set"), request.get("parameters")
    if not isinstance(specs, list) or not isinstance(settings, list):
        raise _unreadable(path, "it is not the JSON of a dry run")
    parts = [as_mapping(spec) for spec in specs]
    texts = [
        model.get("path"),
        model.get("sha256"),
        request.get("plan_sha256"),
        *(part.get(key) for part in parts for key in ("path", "sha256")),
        *settings,
    ]
    if not all(isinstance(text, str) for text in texts):
        raise _unreadable(path, "it is not the JSON of a dry run")
    return PlanFile(
        path,
        str(model["path"]),
        str(model["sha256"]),
        tuple(str(part["path"]) for part in parts),
        tuple(str(part["sha256"]) for part in parts),
        as_mapping(parameters),
        tuple(map(str, settings)),
        str(request["plan_sha256"]),
    )


def refuse_stale(planned: PlanFile, plan: Plan, specs: Sequence[Spec], model_sha256: str) -> None:
    """Refuse a plan that is not what would be done now.

    Raises:
        AnswerIsNo: `stale-plan`, for the model and for each spec that changed.
    """
    changed = [] if model_sha256 == planned.model_sha256 else [planned.model]
    pairs = zip(specs, planned.spec_sha256, strict=False)
    changed += [spec.path for spec, sha256 in pairs if spec.sha256 != sha256]
    problems = [
        _stale(planned, f"'{path}' has changed since the plan was made") for path in changed
    ]
    if not problems and _digest(plan) != planned.plan_sha256:
        problems = [_stale(planned, "this kover plans something else than what was planned")]
    if problems:
        raise AnswerIsNo(problems)


def _stale(planned: PlanFile, message: str) -> Problem:
    return Problem("stale-plan", message, Source(planned.path), _HELP)


def _loaded(path: str) -> Mapping[str, JSON]:
    try:
        with open(path, "rb") as file:  # noqa: PTH123 (pathlib reads without a bound)
            return as_mapping(json.loads(file.read(_MOST_BYTES)))
    except OSError as error:
        raise _unreadable(path, (error.strerror or "it cannot be read").lower()) from error
    except (ValueError, RecursionError) as error:
        raise _unreadable(path, "it is no JSON") from error


def _unreadable(path: str, why: str) -> InputError:
    return InputError(
        Problem("unreadable-plan", f"this is no plan that can be read: {why}", Source(path), _HELP)
    )


def _digest(plan: Plan) -> str:
    """What the plan asks for, as a hash; where it was asked for does not matter."""
    content = {
        "after": plan.after,
        "consents": [[each.layer, each.seed, each.variables] for each in plan.consents],
        "rates": [
            [each.layer, each.variables, _rate(each.learning_rate), _rate(each.weight_decay)]
            for each in plan.rates
        ],
        "optimizer_state": plan.optimizer_state,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _rate(rate: Rate | None) -> list[float | None] | None:
    return None if rate is None else [rate.absolute, rate.multiply]
