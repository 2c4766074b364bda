"""The progress bar that is shown for ``progress=True``."""

from __future__ import annotations

import sys
from typing import Any


class Bar:
    """Shows progress as a tqdm bar. If tqdm is not installed, prints one line per stage to stderr."""

    def __init__(self) -> None:
        self._stage = ""
        self._bar: Any = None
        try:
            from tqdm.auto import tqdm
        except ImportError:
            return
        self._bar = tqdm(total=1.0, bar_format="{desc:<12} {percentage:3.0f}%|{bar}| {elapsed}")

    def __call__(self, stage: str, share: float) -> None:
        if self._bar is None:
            if stage != self._stage:
                print(f"churn: {stage}", file=sys.stderr)
        else:
            self._bar.set_description(stage, refresh=False)
            self._bar.update(share - self._bar.n)
        self._stage = stage

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
