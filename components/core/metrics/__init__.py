"""Metrics: pure functions over arrays, row weights everywhere, one bootstrap for them all.

- `discrimination`: AUROC, AUPRC, curves, operating points
- `threshold`: choice on validation, figures at a threshold
- `cutoffs`: the two-by-two table at many thresholds; `utility`: net benefit
- `calibration`, `platt`: Brier, ECE, slope, intercepts, reliability; recalibration
- `ipcw`: weights of a binary label at a horizon under censoring
- `incidence`: cumulative incidence with competing death, beside 1 - Kaplan-Meier
- `bootstrap`: intervals, paired differences, share of the oracle; `folds`: the same within folds
- `registry`: every metric by name. A new metric is an entry in a module's `METRICS` tuple here.

Import from the modules.
"""
