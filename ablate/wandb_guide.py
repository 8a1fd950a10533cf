"""The guide in W&B: one run of job type `guide` with the tables, and artifacts of study file, guide and checkpoints."""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

from ablate import workflow
from ablate.tracking import settings
from ablate.wandb_identity import guide_identity
from ablate.wandb_remote import Remote, speaking
from ablate.workflow import Prepared
from reports import guide
from reports.effects import effects
from reports.results import StudyResults
from reports.schema import RUN_IDENTITY, WANDB_RUN

STUDY_FILE = "study.json"
"""The run's file with what the runs alone do not tell: what `ablate report --source wandb:` needs besides them."""


def log(prepared: Prepared, remote: Remote) -> bool:
    """Log the guide of the ledger as it stands; False if the server has exactly this one.

    Raises:
        StudyError: if the server does not take it.
    """
    results, written = workflow.report(prepared)
    checkpoints = best_checkpoints(prepared, results)
    digest = _digest([*written, *checkpoints])
    directory = prepared.directory
    with speaking(directory.path):
        present = remote.guide()
        if present is not None and present.summary.get("digest") == digest:
            return False
        with tempfile.TemporaryDirectory(prefix="ablate-") as folder:
            _log(prepared, remote, results, written, checkpoints, digest, Path(folder))
    return True


def best_checkpoints(prepared: Prepared, results: StudyResults) -> list[Path]:
    """The chosen epoch of every cell's best run on validation."""
    objective = results.study["objective"]
    runs = results.runs[results.runs["status"] == "complete"]
    metric, highest = objective["metric"], objective["direction"] == "maximize"
    if metric not in runs:
        return []
    best = runs.sort_values([metric, "run_id"], ascending=not highest).drop_duplicates("cell_id")
    files = [prepared.directory.run(run_id) / "checkpoints" / "best.ckpt" for run_id in best["run_id"]]
    return sorted(file for file in files if file.is_file())


def description(results: StudyResults) -> dict[str, Any]:
    """Study, exclusions, provenance and every planned run, in plain data."""

    def planned(rows: pd.DataFrame) -> list[dict[str, Any]]:
        known = [name for name in (*RUN_IDENTITY, *results.axes, WANDB_RUN) if name in rows]
        found: list[dict[str, Any]] = json.loads(rows[known].to_json(orient="records"))
        return found

    return {
        "study": dict(results.study),
        "exclusions": list(results.exclusions),
        "provenance": dict(results.provenance),
        "planned": planned(results.runs),
        "confirmation": planned(results.confirmation),
    }


def _log(
    prepared: Prepared,
    remote: Remote,
    results: StudyResults,
    written: list[Path],
    checkpoints: list[Path],
    digest: str,
    folder: Path,
) -> None:
    import wandb

    directory = prepared.directory
    run = wandb.init(
        mode="online",
        dir=str(folder),
        project=remote.project,
        entity=remote.entity,
        id=guide_identity(directory.uid, directory.branch),
        name=f"guide of {directory.study.name}",
        group=directory.study.name,
        job_type="guide",
        config={"study": directory.study.name, "uid": directory.uid, "branch": directory.branch},
        reinit="create_new",
        settings=settings(wandb),
    )
    try:
        run.log({name: wandb.Table(**_table(frame)) for name, frame in _tables(results).items()})
        (folder / STUDY_FILE).write_text(json.dumps(description(results), ensure_ascii=False))
        run.save(str(folder / STUDY_FILE), base_path=str(folder), policy="now")
        for artifact in _artifacts(prepared, written, checkpoints):
            run.log_artifact(artifact)
        run.summary.update({"digest": digest, "status": "complete"})
    finally:
        run.finish()


def _tables(results: StudyResults) -> dict[str, pd.DataFrame]:
    """The runs, the effects, and the table of every card of the guide that has one."""
    tables = {"runs": results.runs, "effects": effects(results)}
    return tables | {card.key: card.frame for card in guide.cards(results) if len(card.frame)}


def _table(frame: pd.DataFrame) -> dict[str, Any]:
    plain = json.loads(frame.to_json(orient="split", double_precision=15, default_handler=str))
    return {"columns": [str(name) for name in frame.columns], "data": plain["data"], "allow_mixed_types": True}


def _artifacts(prepared: Prepared, written: list[Path], checkpoints: list[Path]) -> list[Any]:
    import wandb

    directory = prepared.directory
    name = re.sub(r"[^\w.-]", "-", f"{directory.study.name}-{directory.branch}")
    study, guide_, best = (wandb.Artifact(f"{name}-{kind}", kind) for kind in ("study", "guide", "checkpoints"))
    with study.new_file("study.yaml", encoding="utf-8") as file:
        file.write(directory.study_text())
    for path in written:
        guide_.add_file(str(path), name=path.relative_to(directory.report).as_posix())
    for path in checkpoints:
        best.add_file(str(path), name=f"{path.parent.parent.name}.ckpt")
    return [study, guide_, *([best] if checkpoints else [])]


def _digest(files: list[Path]) -> str:
    """What changes whenever a file does."""
    whole = hashlib.sha256()
    for path in sorted(files):
        whole.update(f"{path.name}\n".encode() + hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()
