"""Tests that the Python code in the README runs."""

import os
import re
import subprocess
import sys
from pathlib import Path


def test_readme(tmp_path):
    text = (Path(__file__).parents[1] / "README.md").read_text()
    example = "\n".join(re.findall(r"```python\n(.*?)```", text, re.S))
    ran = subprocess.run([sys.executable, "-c", example], cwd=tmp_path, env=os.environ, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert "lowers the risk" in ran.stdout or "raises the risk" in ran.stdout
