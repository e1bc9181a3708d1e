"""Metrics: pure functions over arrays, row weights everywhere, one bootstrap for them all.

- `discrimination`: AUROC, AUPRC, curves, operating points
- `threshold`: choice on validation, figures at a threshold
- `cutoffs`: the two-by-two table at many thresholds; `utility`: net benefit
- `calibration`: Brier, ECE, slope, intercepts, reliability
- `recalibrate`: recalibration by name, from `platt`, `temperature` and `isotonic`
- `ipcw`: weights of a binary label at a horizon under censoring
- `incidence`: cumulative incidence with competing death, beside 1 - Kaplan-Meier
- `followed`: follow-up; `concordance`, `time_auc`, `survival_brier`: times to event
- `drawn_incidence`: cumulative incidence in every draw; `survival_calibration`: risk by a horizon
- `selective`: risk-coverage curve, accuracy of the most confident answers
- `bootstrap`: intervals, paired differences, share of the oracle; `folds`: the same within folds
- `delong`: DeLong's test of two AUROCs on one score per patient
- `class_metric`, `class_bootstrap`: several classes on the same bootstrap
- `multiclass`, `ordinal`: figures of several classes, without and with order
- `registry`: every metric by name. A new metric is an entry in a module's `METRICS` tuple here.

Import from the modules.
"""
