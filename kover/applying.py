"""`kover apply`, as a library: plan, rebuild, verify, write, report.

    specs + archive -> Plan -> (Keras judges) -> new archive -> ModelDiff -> Report

Keras is imported in a thread as soon as there is a plan, and the new archive is written beside
its target meanwhile; it gets its name only after Keras has accepted it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kover.apply_request import ApplyRequest, ApplyResult, load_request_specs, output_path
from kover.archive.reader import Archive, open_archive
from kover.archive.target import check_target
from kover.archive.writer import Replacement, StagedArchive, stage_archive
from kover.archive_edit import edit_without_keras, group_rates, stored_learning_rate
from kover.diffing.compare import compare_archives
from kover.diffing.report import Applied, Check, Report, Verification
from kover.errors import VerificationError
from kover.foreseeing import refuse_foreseeable
from kover.linting.rules import lint
from kover.linting.switches import wanted
from kover.modelconfig.dangers import danger_warnings
from kover.modelconfig.tree import read_tree
from kover.plan_file import refuse_stale
from kover.planning.introduced import refuse_introduced
from kover.planning.plan import Plan
from kover.planning.planner import ModelFacts, plan_specs
from kover.problems import Problem
from kover.provenance import new_config_text, new_metadata
from kover.source import Source
from kover.spec.document import Spec

if TYPE_CHECKING:
    from kover.engine.judge import Judgement

__all__ = ["ApplyRequest", "ApplyResult", "apply", "plan_model"]

_DIFF_NAMES = {"class": "class_name"}  # what a diff of two files calls what a spec calls so


def apply(request: ApplyRequest) -> ApplyResult:
    """Apply specs to a model.

    Raises:
        AnswerIsNo: the specs are invalid or do not fit the model.
        InputError: the model or a spec cannot be read, or is unsafe.
        UsageError: the request contradicts itself.
        OutputError: the result cannot be written.
        KerasError: Keras refuses the edited model, or it is not what was asked for.
    """
    specs = load_request_specs(request)
    output = output_path(request)
    with open_archive(request.model) as archive:
        if not request.dry_run:
            check_target(output, overwrite=request.force or request.in_place)
        plan = _guarded(plan_model(specs, archive), archive, request)
        if request.planned is not None:
            refuse_stale(request.planned, plan, specs, archive.sha256)
        if request.dry_run or (request.unless_noop and plan.is_noop):
            archive.check()
            if request.dry_run:
                told = refuse_foreseeable(plan, specs, archive, alone=request.verify == "none")
                plan = replace(plan, warnings=(*plan.warnings, *told))
            result = ApplyResult(plan, None, None)
        else:
            run = _Run(request, specs, plan, archive, output)
            result = run.edit_archive_alone() if request.verify == "none" else run.rebuild()
        return replace(result, specs=specs, model_sha256=archive.sha256)


def plan_model(specs: Sequence[Spec], archive: Archive) -> Plan:
    """What `specs` mean for the model in `archive`, with what is worth a second look."""
    tree = read_tree(archive.config, archive.path)
    version = archive.metadata.get("keras_version")
    facts = ModelFacts(
        path=archive.path,
        keras_version=version if isinstance(version, str) else None,
        sha256=lambda: archive.sha256,
        learning_rate=lambda: stored_learning_rate(archive),
        group_rates=lambda: group_rates(archive),
    )
    plan = plan_specs(specs, tree, facts)
    notes = lint(plan, tree, specs, facts.keras_version)
    return replace(plan, warnings=wanted((*plan.warnings, *notes), specs))


def _guarded(plan: Plan, archive: Archive, request: ApplyRequest) -> Plan:
    """The plan, unless it brings in code; where Keras is not asked, with what a load would touch.

    Without `--import` nothing can vouch for a foreign package, so there is no need to wait for
    Keras to refuse it.
    """
    refuse_introduced(plan, archive.path)
    if request.dry_run or request.verify == "none":
        dangers = danger_warnings(archive.config, archive.path)
        return replace(plan, warnings=(*dangers, *plan.warnings))
    if not request.imports:
        from kover.engine.judge import refuse_dangers

        refuse_dangers(plan, archive.path, request.safe_mode)
    return plan


@dataclass(frozen=True)
class _Run:
    """One apply: what was asked for, what was planned, and the open model."""

    request: ApplyRequest
    specs: Sequence[Spec]
    plan: Plan
    archive: Archive
    output: str

    def edit_archive_alone(self) -> ApplyResult:
        """Edit without Keras: config and stored learning rate, nothing else."""
        replacements, warnings = edit_without_keras(self.plan, self.specs, self.archive)
        with self.stage(self.plan, replacements) as staged:
            applied = Applied(
                plan=self.plan,
                sources=_sources(self.plan),
                verification=Verification("none"),
                output=self.output,
                warnings=(*self.archive.warnings, *warnings),
            )
            return self.commit(staged, applied)

    def rebuild(self) -> ApplyResult:
        """Let Keras judge the plan, while the likely output is written already."""
        from kover.engine.judge import judge
        from kover.engine.keras_process import KerasImport, import_custom
        from kover.engine.new_weights import new_weights

        importing = KerasImport().start()
        with ThreadPoolExecutor(1, "write") as pool, contextlib.ExitStack() as cleanup:
            checked = pool.submit(self.archive.check)
            early: Future[StagedArchive] | None = None
            if not _may_change_weights(self.plan):
                early = pool.submit(self.stage, self.plan, {})
                cleanup.callback(_discard, early)
            stored = self.archive.weights()
            importing.wait()
            import_custom(self.request.imports)
            checked.result()
            judgement = judge(self.plan, self.archive, stored, safe_mode=self.request.safe_mode)
            as_planned = judgement.plan.after is self.plan.after
            if early is not None and as_planned and judgement.weights.is_unchanged:
                staged = early.result()
            else:
                staged = self.stage(
                    judgement.plan, new_weights(judgement, self.plan, self.output, cleanup)
                )
                cleanup.callback(staged.discard)
            return self.finish(judgement, staged)

    def stage(self, plan: Plan, replacements: Mapping[str, Replacement]) -> StagedArchive:
        """Write the output of `plan` beside its place."""
        return stage_archive(
            self.archive,
            self.output,
            {
                **new_config_text(plan, self.archive),
                **new_metadata(self.specs, self.archive),
                **replacements,
            },
            overwrite=self.request.force or self.request.in_place,
            in_place=self.request.in_place,
        )

    def finish(self, judgement: Judgement, staged: StagedArchive) -> ApplyResult:
        """Verify what was written; then, and only then, give it its name."""
        from kover.engine.facts import effective, optimizer_state, weights_carried
        from kover.engine.written import check_loaded, check_written

        checks = check_written(judgement, self.archive, staged.archive)
        if self.request.verify in {"load", "train"}:
            checks += check_loaded(
                self.archive.path,
                staged.temporary_path,
                train=self.request.verify == "train",
                safe_mode=self.request.safe_mode,
            )
        if failed := [check for check in checks if not check.ok]:
            raise VerificationError(_failed(check, self.output) for check in failed)
        applied = Applied(
            plan=judgement.plan,
            sources=_sources(self.plan),
            verified={
                (layer, _DIFF_NAMES.get(name, name)): holds
                for (layer, name), holds in judgement.live.verified.items()
            },
            verification=Verification(self.request.verify, tuple(checks)),
            output=self.output,
            weights=weights_carried(judgement, self.plan),
            optimizer_state=optimizer_state(judgement),
            effective=effective(judgement),
            warnings=(*self.archive.warnings, *self._wanted(judgement.warnings)),
        )
        return self.commit(staged, applied)

    def _wanted(self, warnings: Sequence[Problem]) -> list[Problem]:
        """Those that no spec switches off, in their order."""
        kept = set(wanted(warnings, self.specs))
        return [warning for warning in warnings if warning in kept]

    def commit(self, staged: StagedArchive, applied: Applied) -> ApplyResult:
        """Give the output its name, once everything is known that there is to report."""
        diff = compare_archives(
            self.archive,
            staged.archive,
            histograms=self.request.histograms,
            renamed=self.plan.renamed,
        )
        staged.commit()
        return ApplyResult(self.plan, self.output, Report(diff, applied))


def _discard(staged: Future[StagedArchive]) -> None:
    with contextlib.suppress(Exception):
        staged.result().discard()


def _may_change_weights(plan: Plan) -> bool:
    """Whether the weights file will probably differ. A guess: a wrong one costs a copy."""
    moving = {"trainable", "units", "filters", "kernel_size", "use_bias", "dtype"}
    return bool(
        plan.consents
        or plan.rates
        or plan.compile_changes
        or plan.optimizer_state == "reset"
        or any(change.attribute in moving for change in plan.changes)
    )


def _failed(check: Check, output: str) -> Problem:
    help = check.help or "please report this, with the model and the spec if you can"
    return Problem(
        "verification-failed",
        f"{check.name}: {check.detail}",
        Source(output),
        f"nothing was written; {help}",
    )


def _sources(plan: Plan) -> dict[tuple[str | None, str], Source]:
    sources: dict[tuple[str | None, str], Source] = {
        (change.layer, _DIFF_NAMES.get(change.attribute, change.attribute)): change.source
        for change in plan.changes
    }
    sources.update({(None, change.attribute): change.source for change in plan.compile_changes})
    return sources
