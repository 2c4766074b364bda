#!/usr/bin/env python3
"""Checks the dependencies of the workspace, without a network.

    tests/dependencies.py

- The licence of every crate is permitted by `deny.toml`, and every crate comes from crates.io.
- No crate that `deny.toml` bans is used.
- The table of direct dependencies in DESIGN.md has exactly the crates that a Cargo.toml of the workspace names.
- The Rust code of each crate names each of its direct dependencies.

`cargo deny` (see `tests/nightly.sh`) checks licences, bans and sources with its own parser. Security advisories need a
network, so maintainers check them before a release.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path
from typing import Any

from notices import ROOT, metadata

REGISTRY = "registry+https://github.com/rust-lang/crates.io-index"

#: Dependencies that the code of a crate does not name, with the reason.
UNNAMED = {("churn-store", "thiserror"): "the macro `error_type!` of churn-core expands to code that uses it"}


def permitted(expression: str, allowed: set[str]) -> bool:
    """Evaluates an SPDX licence expression. `OR` needs one permitted side, and `AND` needs both. The old notation
    `MIT/Apache-2.0` means `OR`."""
    words = re.findall(r"\(|\)|[^\s()]+(?: WITH [^\s()]+)?", expression.replace("/", " OR "))
    logic = {"(": "(", ")": ")", "AND": "and", "OR": "or"}
    # The expression that is evaluated has only parentheses, `and`, `or`, `True` and `False`.
    return bool(eval(" ".join(logic.get(word, str(word in allowed)) for word in words)))


def direct(data: dict[str, Any]) -> dict[str, set[str]]:
    """Returns the direct dependencies of the workspace's crates: for each name, the crates that use it."""
    members = set(data["workspace_members"])
    found: dict[str, set[str]] = {}
    for package in data["packages"]:
        if package["id"] in members:
            for dependency in package["dependencies"]:
                if dependency["source"] is not None:
                    found.setdefault(dependency["name"], set()).add(package["name"])
    return found


def documented() -> set[str]:
    """Returns the crates that the table of DESIGN.md names."""
    text = (ROOT / "DESIGN.md").read_text()
    section = text.split("\n## Dependencies\n")[1].split("\n## ")[0]
    return {name for row in re.findall(r"^\| (`.*?) \|", section, re.M) for name in re.findall(r"`([\w-]+)`", row)}


def unused(data: dict[str, Any]) -> list[str]:
    """Returns direct dependencies that no Rust file of their crate names."""
    members = set(data["workspace_members"])
    missing = []
    for package in data["packages"]:
        if package["id"] not in members:
            continue
        folder = Path(package["manifest_path"]).parent
        files = [
            file for file in folder.rglob("*.rs") if "node_modules" not in file.parts and "target" not in file.parts
        ]
        source = "\n".join(file.read_text() for file in files)
        for dependency in package["dependencies"]:
            name = (dependency["rename"] or dependency["name"]).replace("-", "_")
            if (package["name"], dependency["name"]) in UNNAMED:
                continue
            if not re.search(rf"\b{name}\b", source):
                missing.append(f"{package['name']}: {dependency['name']}")
    return missing


def problems() -> list[str]:
    rules = tomllib.loads((ROOT / "deny.toml").read_text())
    allowed = set(rules["licenses"]["allow"])
    banned = {ban["crate"] for ban in rules["bans"]["deny"]}
    data = metadata()
    found = []
    for package in data["packages"]:
        name = f"{package['name']} {package['version']}"
        if package["source"] is None:
            continue
        if package["source"] != REGISTRY:
            found.append(f"{name} comes from {package['source']}")
        if package["name"] in banned:
            found.append(f"{name} is banned by deny.toml")
        if not permitted(package["license"] or "none", allowed):
            found.append(f"{name} has the licence {package['license']}, which deny.toml does not permit")
    used, listed = set(direct(data)), documented()
    found += [f"{name} has no reason in the table of DESIGN.md" for name in sorted(used - listed)]
    found += [f"{name} is in the table of DESIGN.md and is not a dependency" for name in sorted(listed - used)]
    found += [f"{name} is never used" for name in unused(data)]
    return found


if __name__ == "__main__":
    assert permitted("(MIT OR GPL-3.0) AND ISC", {"MIT", "ISC"}) and not permitted("MIT AND GPL-3.0", {"MIT"})
    assert permitted("Apache-2.0 WITH LLVM-exception", {"Apache-2.0 WITH LLVM-exception"}) and permitted(
        "MIT/X", {"MIT"}
    )
    wrong = problems()
    print("\n".join(wrong) or "dependencies are as documented")
    sys.exit(bool(wrong))
