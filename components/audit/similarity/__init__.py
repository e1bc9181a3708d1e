"""Near-identical records among many: short sketches, banding to candidates, exact comparison.

Letters: `B` records of a batch, `L` leads, `T` samples, `A` anchors (heart beats) of a record, `M`
sketches in all, `D` numbers in a sketch, `N` records in all, `P` pairs.
"""
