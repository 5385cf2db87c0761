"""What every test shares: which inputs the property tests draw.

A run draws the same ones each time, so that it says something about the change and not about
luck; `FOREGATE_RANDOM=1 make test` draws others.
"""

import os

from hypothesis import settings

settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("random", deadline=None, print_blob=True)
settings.load_profile("random" if os.environ.get("FOREGATE_RANDOM") else "same")
