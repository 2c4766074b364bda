"""Tests that the type stubs in the repository are equal to those that stubs.py writes for the built module."""

import subprocess
import sys
from pathlib import Path


def test_stubs_are_up_to_date():
    script = Path(__file__).parents[1] / "stubs.py"
    ran = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
