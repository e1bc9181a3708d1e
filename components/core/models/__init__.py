"""One file per model: a frozen `Config`, `build(config, spec)` and `suggest(trial)`.

A model takes a batch (`dict[str, Tensor]`, one entry per modality with its mask) and returns
`dict[str, Tensor]` of logits, one entry per head. A model file imports torch inside `build` (its
network lies in `blocks/`), so that a task file is validated without it. See `registry` for how a
model is found.
"""
