"""Run every check on a prepared cohort. Plain functions: no MLflow, no command line."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from components.audit.finding import Audited, Finding, all_checks
from components.audit.report.page import render_page
from components.core.config.sections import AuditConfig, LabelConfig
from components.core.data.patient_set import read_patient_set
from components.core.errors import ConfigError, nearest
from components.core.progress import say
from components.core.schemas import MANIFEST
from components.core.store import Stage, Workspace

REPORT = "audit.json"
TABLE = "audit.parquet"
PAGE = "audit.html"


def audit(
    work: Workspace,
    stage: Stage,
    *,
    label: LabelConfig,
    config: AuditConfig,
    test_looks: int,
    encoder: str = "",
) -> None:
    """Fill the workspace with the report; a finding that blocks sets the fact `refused`.

    Args:
        work: receives `audit.json`, `audit.parquet`, `audit.html`, counts and facts.
        stage: the prepared cohort.
        label: what is predicted.
        config: bounds and waivers.
        test_looks: how often the test split has been opened so far.
        encoder: folder of the model that training starts from; empty for none.

    Raises:
        ConfigError: a waiver names no check, or one that never blocks.
        InputError: the cohort breaks its contract, or the encoder's patients cannot be read.
    """
    checks = all_checks()
    blocking = [name for name, check in checks.items() if check.SEVERITY == "block"]
    for name in config.waive:
        if name not in blocking:
            raise ConfigError(f"audit.waive names '{name}'; {nearest(name, blocking)}")
    audited = Audited(
        stage=stage,
        manifest=pd.read_parquet(stage.folder / MANIFEST),
        label=label,
        config=config,
        test_looks=test_looks,
        encoder=encoder,
        encoder_patients=read_patient_set(Path(encoder)) if encoder else None,
    )
    rows: list[dict[str, Any]] = []
    for name, check in sorted(checks.items()):
        finding = check.check(audited)
        rows.append(_row(name, check.SEVERITY, finding, config.waive.get(name)))
        say(f"audit: {rows[-1]['status']:<7} {name}: {finding.sentence}")
    failed = [row for row in rows if row["status"] == "refused"]
    work.path(REPORT).write_text(json.dumps(rows, indent=1), encoding="utf-8")
    table(rows).to_parquet(work.path(TABLE), index=False)
    page = render_page(rows, label=label, cohort=stage.fingerprint, counts=stage.counts)
    work.path(PAGE).write_text(page, encoding="utf-8")
    work.counts |= {"checks": len(rows), "refused": len(failed)}
    work.facts |= {
        "findings": [{k: v for k, v in row.items() if k != "evidence"} for row in rows],
        "waivers": {n: r for n, r in config.waive.items() if _status(rows, n) == "waived"},
        "refused": _refusal(failed),
        "unpaired": config.unpaired,
    }


def _row(name: str, severity: str, finding: Finding, waiver: str | None) -> dict[str, Any]:
    status = "ok"
    if severity == "info":
        status = "info"
    elif not finding.passed:
        status = "waived" if waiver else "refused"
    return {"check": name, "severity": severity, "status": status, "waiver": waiver or "",
            **asdict(finding)}  # fmt: skip


def _status(rows: list[dict[str, Any]], name: str) -> str:
    return next(row["status"] for row in rows if row["check"] == name)


def _refusal(failed: list[dict[str, Any]]) -> str:
    if not failed:
        return ""
    what = "; ".join(f"{row['check']}: {row['sentence']}" for row in failed)
    return f"the audit refuses this cohort ({what}); mend the data, or waive the check by name"


def table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return one row per check; the evidence's counts as JSON text, without lists of rows."""
    return pd.DataFrame(
        {
            "check": [row["check"] for row in rows],
            "severity": [row["severity"] for row in rows],
            "status": [row["status"] for row in rows],
            "sentence": [row["sentence"] for row in rows],
            "evidence": [json.dumps(_without_lists(row["evidence"])) for row in rows],
            "waived": [row["status"] == "waived" for row in rows],
            "reason": [row["waiver"] for row in rows],
        }
    )


def _without_lists(evidence: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in evidence.items() if not isinstance(value, list)}


def summary(stage: Stage) -> str:
    """Return the findings as CSV text, without evidence."""
    return str(pd.DataFrame(stage.facts["findings"]).to_csv(index=False))
