"""Integrated Gradients of 256 ECGs with 50 steps, against Captum record by record."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmarks.harness.cohort import LENGTH
from benchmarks.harness.row import Comparison, Outcome, Row
from components.core.attribution.fast.integrate import fast_attributions, integrated_gradients
from components.core.attribution.target import Target, of_tensors, record_numbers
from components.core.config.heads import BinaryHead
from components.core.data.batches import Batch
from components.core.device import native_bf16, resolve
from components.core.heads.registry import View
from components.core.models.registry import build_model
from components.core.models.spec import DataSpec
from components.core.signals.leads import LEADS8

STEPS = 50
HALF = LENGTH // 2  # 10 s at 250 Hz
HEAD = "ctrcd"
_PEER_RECORDS = 16  # that the peer is timed on; the whole is extrapolated from them
_CHECKED = 2  # records whose attributions, summed per lead, both sides report
_WARM = 8  # training steps without an optimiser, for running means that are not 0
_BATCH = 16


def target_of(length: int, device: str) -> Target:
    """Return the CTRCD network on ECGs alone, its normalisations having seen something."""
    torch.manual_seed(0)
    spec = DataSpec(leads=len(LEADS8), length=length, heads={HEAD: 2})
    model = build_model({"name": "ecg"}, spec)
    for number in range(_WARM):
        model.train()(ecgs(_BATCH, length, seed=number + 1))
    return Target([model.to(device).eval()], View(name=HEAD, head=BinaryHead()))


def ecgs(records: int, length: int, *, seed: int = 0) -> Batch:
    """Return finished noise: what the values are does not change what they cost."""
    draw = torch.Generator().manual_seed(seed)
    ecg = torch.randn(records, len(LEADS8), length, generator=draw)
    return {"ecg": ecg, "ecg_lead_mask": torch.ones(records, len(LEADS8))}


def _one_by_one(target: Target, batch: Batch) -> Tensor:
    from captum.attr import IntegratedGradients

    parts: list[Tensor] = []
    for row in range(len(batch["ecg"])):
        own = {key: value[row : row + 1] for key, value in batch.items()}
        method = IntegratedGradients(of_tensors(target, own, ["ecg"]))
        found, _ = method.attribute(
            own["ecg"],
            torch.zeros_like(own["ecg"]),
            additional_forward_args=(record_numbers(own),),
            n_steps=STEPS,
            return_convergence_delta=True,
        )
        parts.append(found)
    return torch.cat(parts)


def _fast(target: Target, batch: Batch) -> Tensor:
    return fast_attributions(target, batch, {"ecg": torch.zeros_like(batch["ecg"])}, STEPS)[0][
        "ecg"
    ]


def _timed(size: int, length: int, method: Callable[[Target, Batch], Tensor]) -> Outcome:
    device = resolve("auto", "auto").device
    target = target_of(length, device)
    batch = {key: value.to(device) for key, value in ecgs(size, length).items()}
    first = {key: value[:_CHECKED] for key, value in batch.items()}
    method(target, first)  # kernels are chosen and memory is claimed
    start = time.perf_counter()
    found = method(target, batch).sum(2).cpu()  # copied: everything on the device is done
    seconds = time.perf_counter() - start
    return Outcome(seconds=seconds, units=size, result=found[:_CHECKED].double().numpy())


def _agreement(size: int, length: int) -> Outcome:
    """Compare both in a process of its own, so that neither's peak memory holds the other's."""
    device = resolve("auto", "auto").device
    target, records = target_of(length, device), min(size, _PEER_RECORDS)
    some = {key: value.to(device) for key, value in ecgs(records, length).items()}
    start = time.perf_counter()
    facts = _facts(target, some)
    return Outcome(seconds=time.perf_counter() - start, units=records, facts=facts)


def _facts(target: Target, some: Batch) -> dict[str, str]:
    """Return in words how far the fast attributions are from the library's in fp32."""
    zero = {"ecg": torch.zeros_like(some["ecg"])}
    found, error = fast_attributions(target, some, zero, STEPS)
    _, exact = integrated_gradients(target, some, zero, steps=STEPS, internal_batch=STEPS)
    expected = _one_by_one(target, some)
    together = np.corrcoef(found["ecg"].flatten().cpu(), expected.flatten().cpu())[0, 1]
    with torch.no_grad():
        spread = float((target(some) - target({**some, **zero})).abs().mean())
    device = some["ecg"].device.type
    return {
        "computes": f"in {'bf16' if native_bf16(device) else 'fp32'}; its attributions correlate "
        f"with Captum's in fp32 by {together:.4f}",
        "completeness": f"is missed by {float(error.abs().mean()) / spread:.2%} of the log-odds' "
        f"mean gain over the baseline, in fp32 by {float(exact.abs().mean()) / spread:.2%}",
    }


def _prepare(folder: Path, size: int) -> None:
    """Nothing lies on disk."""
    del folder, size


def _ours(length: int) -> Callable[[Path, int], Outcome]:
    return lambda _, size: _timed(size, length, _fast)


def _peer(length: int) -> Callable[[Path, int], Outcome]:
    return lambda _, size: _timed(min(size, _PEER_RECORDS), length, _one_by_one)


_PEER = "`captum.attr.IntegratedGradients(n_steps=50, return_convergence_delta=True)`, fp32, ECG \
by ECG"
ROW = Row(
    name="integrated_gradients",
    unit="ECGs",
    sizes=(16, 64, 256),
    quick=(2, 4, 8),
    prepare=_prepare,
    work=lambda size: size,
    sides={
        "ours": _ours(HALF),
        "captum": _peer(HALF),
        "ours, 500 Hz": _ours(LENGTH),
        "captum, 500 Hz": _peer(LENGTH),
        "agreement": lambda _, size: _agreement(size, HALF),
        "agreement, 500 Hz": lambda _, size: _agreement(size, LENGTH),
    },
    comparisons=(
        Comparison(
            work=f"Integrated Gradients of {{size}} ECGs, {STEPS} steps, 8×{HALF}",
            ours="ours", other="captum", peer=_PEER, ratio=4, tolerance=2e-2,
        ),
        Comparison(
            work=f"the same, 8×{LENGTH}",
            ours="ours, 500 Hz", other="captum, 500 Hz", peer=_PEER, ratio=3, tolerance=2e-2,
        ),
    ),
    notes=(
        f"The peer is timed on {_PEER_RECORDS} ECGs and extrapolated. Ours is timed with the "
        "folding of its copy of the network and with the completeness error.",
    ),
)  # fmt: skip
