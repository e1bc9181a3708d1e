"""From a recording's files to a model's answer: one by one as they come, and a batch of many."""

from __future__ import annotations

import base64
import io
import json
import time
import zipfile
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from safetensors.torch import save_file

from benchmarks.harness.cohort import FS, GAIN, LENGTH, counts
from benchmarks.harness.row import Comparison, Outcome, Row
from components.core import out_of_distribution as ood
from components.core.bundle_files import BundleFacts, MemberFiles, write_bundle
from components.core.data import foldstats
from components.core.data.tabular import fit_tabular
from components.core.models.registry import build_model
from components.core.models.spec import DataSpec
from components.core.pool import map_chunks
from components.core.signals.leads import LEADS8
from components.core.signals.normalise import NormStats
from components.core.signals.prepare_config import PrepareConfig

# As the main task trains them.
NETWORKS = 3
MODEL = {"name": "ecg+tabular", "width": 32, "depth": 4}
# Differing recordings; more rows repeat them under other names.
DRAWN = 64
WARM = 8
SIZES = (64, 256, 1024)
_MEMBERS = tuple(f"member{n}" for n in range(NETWORKS))
_FIELDS = {"age": "numeric", "sex": "categorical"}
_ROW = {"age": 61.0, "sex": "F"}


def _prepare(folder: Path, size: int) -> None:
    for number in range(size):
        _write_record(folder / "ecg", number)
    frame = pd.DataFrame([_ROW | {"ecg_path": f"r{n}.hea"} for n in range(size)])
    frame.to_csv(folder / "table.csv", index=False)
    _write_bundle(folder)
    _save_pyfunc(folder)


def _write_record(folder: Path, number: int) -> None:
    """Write a WFDB record of 10 s."""
    folder.mkdir(exist_ok=True)
    data = counts(number % DRAWN).astype("<i2").T
    name = f"r{number}"
    lines = [f"{name} {len(LEADS8)} {FS} {LENGTH}"]
    for place, lead in enumerate(LEADS8):
        total = int(data[:, place].astype(np.int64).sum()) & 0xFFFF
        signed = total - 0x10000 if total > 0x7FFF else total
        lines.append(f"{name}.dat 16 {GAIN}(0)/mV 16 0 {data[0, place]} {signed} 0 {lead}")
    (folder / f"{name}.hea").write_text("\n".join(lines) + "\n")
    (folder / f"{name}.dat").write_bytes(data.tobytes())


def _write_bundle(folder: Path) -> None:
    encoder = fit_tabular(pd.DataFrame({
        "age": [50.0, 60.0, 70.0, np.nan] * 5,
        "sex": pd.Series(["F", "M"] * 10, dtype="string"),
    }))  # fmt: skip
    norm = NormStats(leads=LEADS8, mean=(0.0,) * 8, sd=(0.3,) * 8, count=(999,) * 8)
    stats = foldstats.FoldStats(fold="f0", records=20, ids_sha256="0" * 64,
                                ecg=json.loads(norm.to_json()), tabular=encoder)  # fmt: skip
    spec = DataSpec(leads=8, length=LENGTH, tabular=len(encoder.features), heads={"ctrcd": 2})
    facts = BundleFacts(
        task="ctrcd", label="drawn", head="ctrcd", model=MODEL, features=_FIELDS,
        ecg=PrepareConfig(fs=FS, length=LENGTH), ood_threshold=1e9, members=_MEMBERS,
        calibration={"kind": "platt", "slope": 1.0, "intercept": 0.0}, threshold=0.0,
        version="0" * 32, cohort={"records": 20.0},
    )  # fmt: skip
    files = [_member(folder, seed, spec, stats) for seed in range(NETWORKS)]
    write_bundle(folder / "bundle", facts, files, _distribution())


def _member(folder: Path, seed: int, spec: DataSpec, stats: foldstats.FoldStats) -> MemberFiles:
    torch.manual_seed(seed)
    state = build_model(MODEL, spec).state_dict()
    weights, file = folder / f"{seed}.safetensors", folder / f"{seed}.json"
    save_file({key: value.contiguous() for key, value in state.items()}, str(weights))
    foldstats.save(stats, file)
    return MemberFiles(weights=weights, stats=file, spec=spec)


def _distribution() -> ood.EcgDistribution:
    """Return where drawn recordings lie; looked at as a real one, though nothing is beyond it."""
    ecg = np.stack([counts(n) for n in range(16)]) / np.float32(GAIN)
    found = ood.summaries(ecg, FS, LEADS8, lead_mask=np.ones((16, 8), np.bool_),
                          start=np.zeros(16, int), stop=np.full(16, LENGTH))  # fmt: skip
    return ood.EcgDistribution(
        mean=found.mean(0), sd=found.std(0) + 1e-3, covariance=np.eye(found.shape[1])
    )


def _save_pyfunc(folder: Path) -> None:
    import mlflow

    from components.core import serving_model
    from components.core.bundle import Predictor
    from components.core.registry import input_example, signature_of

    facts = Predictor(folder / "bundle").facts
    example = input_example(facts)
    mlflow.pyfunc.save_model(
        str(folder / "pyfunc"), python_model=str(serving_model.__file__),
        artifacts={"bundle": str(folder / "bundle")}, pip_requirements=["mlflow"],
        model_config={"text_encoder": ""}, signature=signature_of(facts, example),
        input_example=example,
    )  # fmt: skip


@lru_cache(maxsize=DRAWN)
def _zipped(folder: Path, number: int) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for ending in ("hea", "dat"):
            archive.write(folder / "ecg" / f"r{number}.{ending}", f"r{number}.{ending}")
    return packed.getvalue()


def _singles(size: int) -> range:
    return range(min(size, 512))


def _one_by_one(folder: Path, size: int) -> Outcome:
    from components.serve.answering import answer
    from components.serve.order import Bundle, Order, Upload

    bundle = Bundle(folder=str(folder / "bundle"))

    def ask(number: int) -> float:
        upload = Upload(ending=".zip", content=_zipped(folder, number % DRAWN))
        found: Any = answer(Order(bundle=bundle, fields=_ROW, files={"ecg": [upload]}))
        return float(found["probability"])

    return _asked(ask, size)


def _asked(ask: Any, size: int) -> Outcome:  # noqa: ANN401 - a function of a number
    torch.set_num_threads(1)
    for number in range(min(DRAWN, size)):  # packs the files, loads the model
        ask(number)
    seconds: list[float] = []
    said: list[float] = []
    for number in _singles(size):
        start = time.perf_counter()
        said.append(ask(number))
        seconds.append(time.perf_counter() - start)
    p50, p99 = 1000 * np.percentile(seconds, [50, 99])
    facts = {"answers one file in": f"p50 {p50:.1f} ms, p99 {p99:.1f} ms, on one thread"}
    return Outcome(seconds=sum(seconds), units=len(seconds), result=np.array(said), facts=facts)


def _pyfunc_one_by_one(folder: Path, size: int) -> Outcome:
    import mlflow

    model = mlflow.pyfunc.load_model(str(folder / "pyfunc"))

    def ask(number: int) -> float:
        text = base64.b64encode(_zipped(folder, number % DRAWN)).decode()
        frame = pd.DataFrame([_ROW | {"ecg_base64": text}])
        return float(model.predict(frame)["probability"].iloc[0])

    return _asked(ask, size)


def _chunk(folder: Path, first: int, count: int) -> tuple[int, str]:
    from components.serve.batch_rows import answered
    from components.serve.order import Bundle, Chunk

    rows: list[dict[str, str | None]] = [
        {"age": "61", "sex": "F", "ecg_path": f"r{number}.hea"}
        for number in range(first, first + count)
    ]
    chunk = Chunk(bundle=Bundle(folder=str(folder / "bundle")), first=first + 1,
                  lines=range(first + 2, first + count + 2), rows=rows, width=3,
                  folder=str(folder / "ecg"), column="ecg_path")  # fmt: skip
    done = answered(chunk)
    return first, done.header + done.lines


def _batch(folder: Path, size: int) -> Outcome:
    from components.core.pool import worker_count
    from components.serve.batch_table import CHUNK

    workers = worker_count(0)
    first = [(folder, 0, 1)] * workers
    list(map_chunks(_chunk, first, workers=workers))  # imports, and the forked server's pages
    tasks = [(folder, at, min(CHUNK, size - at)) for at in range(0, size, CHUNK)]
    start = time.perf_counter()
    parts = dict(map_chunks(_chunk, tasks, workers=workers))
    seconds = time.perf_counter() - start
    found = pd.concat([pd.read_csv(io.StringIO(parts[at])) for at in sorted(parts)])
    rate = f"{size / seconds:.0f} ECGs a second in {workers} processes of one thread"
    return Outcome(seconds=seconds, units=size, result=_values(found), facts={"answers": rate})


def _pyfunc_batch(folder: Path, size: int) -> Outcome:
    import mlflow

    model = mlflow.pyfunc.load_model(str(folder / "pyfunc"))
    frame = pd.DataFrame(
        [_ROW | {"ecg_path": str(folder / "ecg" / f"r{n}.hea")} for n in range(size)]
    )
    model.predict(frame[:WARM])
    start = time.perf_counter()
    found = model.predict(frame)
    seconds = time.perf_counter() - start
    rate = f"{size / seconds:.0f} ECGs a second, torch with its own threads"
    return Outcome(seconds=seconds, units=size, result=_values(found), facts={"answers": rate})


def _values(found: pd.DataFrame) -> npt.NDArray[np.float64]:
    return found["probability"].to_numpy(np.float64)


ROW = Row(
    name="serve_answers",
    unit="ECGs",
    sizes=SIZES,
    quick=(4, 8, 16),
    prepare=_prepare,
    work=lambda size: size,
    sides={
        "one": _one_by_one,
        "pyfunc": _pyfunc_one_by_one,
        "batch": _batch,
        "pyfunc batch": _pyfunc_batch,
    },
    comparisons=(
        Comparison(
            work="{size} zipped WFDB records, one request each",
            ours="one",
            other="pyfunc",
            peer="the same bundle behind MLflow's pyfunc, as its stock server calls it",
            limit_s=SIZES[-1] * 0.020,
            tolerance=1e-6,
        ),
        Comparison(
            work="a batch of {size} WFDB records",
            ours="batch",
            other="pyfunc batch",
            peer="the same bundle behind MLflow's pyfunc, one call",
            limit_s=SIZES[-1] / 1000,
            tolerance=1e-6,
        ),
    ),
    notes=(
        f"{NETWORKS} networks of the main task's size, drawn weights, 8 leads of 10 s at 500 Hz; "
        "reading, quality, distance from training, networks and calibration included.",
    ),
)
