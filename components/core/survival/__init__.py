"""Models of times to event without a network: Cox regression and the risk that it predicts.

- `likelihood`: the partial likelihood with its derivatives
- `cox`: fitting by damped Newton steps; `penalty`: chosen by cross-validation
- `hazard`: baseline hazard; `incidence`: risk by a horizon, death competing
"""
