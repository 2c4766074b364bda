"""Tests that the example of the store runs."""

import subprocess
import sys
from pathlib import Path

import pytest


def test_store_example(tmp_path):
    pytest.importorskip("pandas")
    script = Path(__file__).parents[2] / "examples/python/store.py"
    for changed in (47243, 0):
        command = [sys.executable, script, f"sqlite://{tmp_path}/churn.db"]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        assert f"payments: 47243 rows, {changed} new or changed" in ran.stdout and "signed off: " in ran.stdout
