"""Models of times to event without a network: Cox regression and the risk that it predicts.

- `likelihood`: the partial likelihood with its derivatives
- `cox`: fitting by damped Newton steps, and the penalty chosen by cross-validation
- `hazard`: baseline hazard and cumulative incidence at horizons, death competing
"""
