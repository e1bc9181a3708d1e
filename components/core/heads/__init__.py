"""One file per kind of head: from logits to a loss, a log-odds and answers people can read.

A file holds `KIND` (as in `components.core.config.heads`), and functions of its head's settings:

- `outputs(head)`: how many logits the network gives it;
- `make_loss(name, head, frame, fit)`: the loss over the records of a batch whose truth is known;
- `log_odds(head, logits)`: `[B]` of the binary view, higher is likelier;
- `meaning(head)`: what that log-odds is of, as part of a sentence;
- `calibrate(head, case)`: what validation and training part teach of the way back to probabilities,
  as plain JSON values;
- `answers(head, logits, calibration)`: name → `[B]`, what the members say together.

Legend: B records of a batch, k logits, M members of an ensemble.
"""
