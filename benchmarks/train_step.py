"""One training step of the CTRCD network, against the same layers in plain PyTorch."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.harness.cohort import LENGTH, open_rows, write_cohort
from benchmarks.harness.row import Comparison, Outcome, Row
from components.core.config.fit import FitConfig
from components.core.data.batches import Batch, Normaliser, loader
from components.core.device import Place, resolve
from components.core.models.blocks.resnet1d import STEM_STRIDE
from components.core.models.registry import build_model, model_config
from components.core.models.spec import DataSpec
from components.core.signals.leads import LEADS8

BATCH = 32
HEAD = "ctrcd"
MODEL = {"name": "ecg"}
SHARDS = "shards"
_WARM = 5  # steps before the clock: kernels are chosen and memory is claimed
_MATRIX = {"cpu": 1536, "cuda": 8192}  # side of the square product that gives the matmul rate


class PeerBlock(nn.Module):
    """Two `Conv1d` and a shortcut: `[B, C_in, T]` → `[B, C_out, T / 2]`."""

    def __init__(self, c_in: int, c_out: int, *, kernel: int, dropout: float) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(c_in, c_out, kernel, 2, kernel // 2, bias=False)
        self.norm1 = nn.BatchNorm1d(c_out)
        self.conv2 = nn.Conv1d(c_out, c_out, kernel, 1, kernel // 2, bias=False)
        self.norm2 = nn.BatchNorm1d(c_out)
        self.pool = nn.AvgPool1d(2, ceil_mode=True)
        self.match = nn.Conv1d(c_in, c_out, 1, bias=False) if c_in != c_out else nn.Identity()
        self.drop = nn.Dropout(dropout)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output."""
        y = self.drop(self.relu(self.norm1(self.conv1(x))))
        return self.relu(self.norm2(self.conv2(y)) + self.match(self.pool(x)))


class Peer(nn.Module):
    """The layers of the model `ecg` in `Conv1d`, with parameters in the same order."""

    def __init__(self, *, width: int, depth: int, kernel: int, dropout: float, hidden: int) -> None:
        super().__init__()
        self.stem = nn.Conv1d(len(LEADS8), width, 5 * STEM_STRIDE, STEM_STRIDE, 8, bias=False)
        self.norm = nn.BatchNorm1d(width)
        channels = [width * (i + 1) for i in range(depth)]
        sizes = zip([width, *channels[:-1]], channels, strict=True)
        self.blocks = nn.Sequential(
            *(PeerBlock(a, b, kernel=kernel, dropout=dropout) for a, b in sizes)
        )
        self.lead_bias = nn.Linear(len(LEADS8), channels[-1])
        self.head = nn.Sequential(
            nn.Linear(2 * channels[-1], hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, 2),
        )
        self.relu = nn.ReLU(inplace=True)

    def forward(self, ecg: Tensor, lead_mask: Tensor) -> Tensor:
        """Return logits `[B, 2]` of `ecg` `[B, K, L]`."""
        x = self.blocks(self.relu(self.norm(self.stem(ecg))))
        return self.head(torch.cat([x.mean(2) + self.lead_bias(lead_mask), x.amax(2)], dim=1))


def our_model() -> nn.Module:
    """Return the model as a task builds it."""
    torch.manual_seed(0)
    return build_model(MODEL, DataSpec(leads=len(LEADS8), length=LENGTH, heads={HEAD: 2}))


def peer_model(ours: nn.Module) -> Peer:
    """Return the peer with the weights of `ours`.

    Raises:
        ValueError: the two do not have the same number of parameters.
    """
    config: Any = model_config(MODEL)
    peer = Peer(
        width=config.width, depth=config.depth, kernel=config.kernel, dropout=config.dropout,
        hidden=config.head_hidden,
    )  # fmt: skip
    state = ours.state_dict()
    if parameters(ours) != parameters(peer) or len(state) != len(peer.state_dict()):
        raise ValueError(f"ours has {parameters(ours)} parameters, the peer {parameters(peer)}")
    pairs = zip(peer.state_dict(), state.values(), strict=True)
    peer.load_state_dict({name: _as_conv1d(name, values) for name, values in pairs})
    return peer


def parameters(model: nn.Module) -> int:
    """Return the number of trained parameters."""
    return sum(p.numel() for p in model.parameters())


def _as_conv1d(name: str, values: Tensor) -> Tensor:
    if name == "stem.weight":  # channel k·s + i is lead k at sample i of a step of s samples
        out, _, _, steps = values.shape
        folded = values.reshape(out, len(LEADS8), STEM_STRIDE, steps)
        return folded.transpose(2, 3).reshape(out, len(LEADS8), steps * STEM_STRIDE)
    return values.squeeze(2) if values.ndim == 4 else values


@dataclass
class Clock:
    """Time in steps and in making their batches ready; the first steps do not count."""

    place: Place
    steps: float = 0.0
    loading: float = 0.0

    def now(self) -> float:
        """Return the time after everything on the device is done."""
        if self.place.device == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter()


def _run(folder: Path, size: int, place: Place, step: Callable[[Batch], None]) -> Clock:
    """Take the steps of one epoch, and some before it."""
    rows = open_rows(folder / SHARDS, size)
    norm = rows.stats.norm()
    if norm is None:
        raise ValueError("the cohort has ECGs, so there must be statistics")
    normalise, clock = Normaliser(norm), Clock(place)
    batches = loader(rows, batch=BATCH, seed=0, shuffle=True)
    for _ in range(_WARM):
        step(normalise(_on(place, next(iter(batches)))))
    start = clock.now()
    for batch in batches:
        ready = normalise(_on(place, batch))
        loaded = clock.now()
        step(ready)
        end = clock.now()
        clock.loading, clock.steps = clock.loading + loaded - start, clock.steps + end - loaded
        start = end
    return clock


def _on(place: Place, batch: Batch) -> Batch:
    return {key: value.to(place.device, non_blocking=True) for key, value in batch.items()}


def _ours(folder: Path, size: int) -> Outcome:
    """Step as components/train does: its precision, memory format, optimiser and clipping."""
    from components.core.config.heads import BinaryHead
    from components.train.losses import JointLoss

    config, place = FitConfig(), resolve("auto", "auto")
    torch.use_deterministic_algorithms(mode=True, warn_only=place.device == "cuda")
    model = our_model()
    result = _logits(lambda batch: model(batch)[HEAD], model)
    model = model.to(place.device, memory_format=torch.channels_last).train()  # pyright: ignore[reportCallIssue]
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=config.lr, weight_decay=config.weight_decay, fused=True
    )
    lossy = JointLoss({HEAD: BinaryHead()}, open_rows(folder / SHARDS, size), config)

    def step(batch: Batch) -> None:
        optimiser.zero_grad()
        with torch.autocast(place.device, torch.bfloat16, enabled=place.precision == "bf16"):
            loss = lossy(model(batch), batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), config.grad_clip)
        optimiser.step()

    clock = _run(folder, size, place, step)
    facts = _facts(model, place, clock, size // BATCH)
    return Outcome(seconds=clock.steps, units=size // BATCH, result=result, facts=facts)


def _peer(folder: Path, size: int) -> Outcome:
    """Step as torch_ecg's trainer does: fp32, AdamW with amsgrad, cross-entropy."""
    place = Place(resolve("auto", "auto").device, "fp32", "")
    model = peer_model(our_model())
    result = _logits(lambda batch: model(batch["ecg"], batch["ecg_lead_mask"]), model)
    model = model.to(place.device).train()
    criterion = nn.CrossEntropyLoss()
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1e-4, amsgrad=True)

    def step(batch: Batch) -> None:
        loss = criterion(model(batch["ecg"], batch["ecg_lead_mask"]), batch["label"])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    clock = _run(folder, size, place, step)
    facts = {"trains": f"{size / clock.steps:,.0f} ECG/s"}
    return Outcome(seconds=clock.steps, units=size // BATCH, result=result, facts=facts)


def _logits(forward: Callable[[Batch], Tensor], model: nn.Module) -> Any:  # noqa: ANN401 - an array
    """Return the untrained model's logits of fixed input in fp32."""
    ecg = torch.randn(4, len(LEADS8), LENGTH, generator=torch.Generator().manual_seed(0))
    model.eval()
    with torch.no_grad():
        return forward({"ecg": ecg, "ecg_lead_mask": torch.ones(4, len(LEADS8))}).double().numpy()


def _facts(model: nn.Module, place: Place, clock: Clock, steps: int) -> dict[str, str]:
    seconds = clock.steps / steps
    half = torch.bfloat16 if place.precision == "bf16" else torch.float32
    rate, single = matmul_rate(place, half), matmul_rate(place, torch.float32)
    share = _operations(model, place) / seconds / rate
    loading = clock.loading / (clock.loading + clock.steps)
    told = {
        "trains": f"{BATCH / seconds:,.0f} ECG/s in {place.precision} on {place.name}",
        "matrix products": f"reach {rate / 1e12:.2f} TFLOP/s in {place.precision} and "
        f"{single / 1e12:.2f} in fp32; a step runs at {share:.0%} of the former, all its parts "
        "included",
        "loading and normalising": f"take {loading:.1%} of an epoch",
    }
    if place.device != "cuda":
        told["GPU:"] = "no CUDA device at hand, so its figures are not in this table"
    return told


def matmul_rate(place: Place, dtype: torch.dtype) -> float:
    """Return the operations per second of a large square product."""
    side = _MATRIX[place.device]
    a, b = (torch.randn(side, side, device=place.device).to(dtype) for _ in range(2))
    clock, best = Clock(place), float("inf")
    for _ in range(8):
        start = clock.now()
        torch.mm(a, b)
        best = min(best, clock.now() - start)
    return 2 * side**3 / best


def _operations(model: nn.Module, place: Place) -> float:
    """Return the floating-point operations of one step's convolutions and products."""
    from torch.utils.flop_counter import FlopCounterMode

    batch = {
        "ecg": torch.zeros(BATCH, len(LEADS8), LENGTH, device=place.device),
        "ecg_lead_mask": torch.ones(BATCH, len(LEADS8), device=place.device),
    }
    with FlopCounterMode(display=False) as counter:
        loss = functional.mse_loss(model(batch)[HEAD], torch.zeros(BATCH, 2, device=place.device))
        loss.backward()
    return float(counter.get_total_flops())


ROW = Row(
    name="train_step",
    unit="steps of 32 ECGs",
    sizes=(256, 1024, 4096),
    quick=(32, 64, 96),
    prepare=lambda folder, size: write_cohort(folder / SHARDS, size),
    work=lambda size: size // BATCH,
    sides={"ours": _ours, "torch": _peer},
    comparisons=(
        Comparison(
            work="training step of the CTRCD network, batch 32, 8×5000",
            ours="ours", other="torch", ratio=3.5, tolerance=1e-4,
            peer="the same layers as `Conv1d` in plain PyTorch, fp32, `AdamW(amsgrad=True)`, as "
            "torch_ecg's trainer",
        ),
    ),
    notes=(
        "Both sides are given the same normalised batches; reading them is not in the step. The "
        "peer starts from our weights and gives the same logits to 1e-4.",
    ),
)  # fmt: skip
