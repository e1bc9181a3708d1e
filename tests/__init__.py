"""A package, lest a dependency's own `tests` folder be imported in the place of this one.

Imported before anything else of the tests, so before a library reads how many threads it may take.
"""

import os

# What is this small runs on one thread: two workers with two threads each wait for one another.
os.environ.setdefault("OMP_NUM_THREADS", "1")
