#!/usr/bin/env python3
"""Writes THIRD_PARTY_NOTICES.md and sbom.json (CycloneDX 1.5) for the Python wheel and for the npm package.

    tests/notices.py            # writes both files into bindings-python/ and bindings-node/
    tests/notices.py --check    # fails if a committed file differs from the file that would be written

Both files list the crates that are compiled into the module on at least one platform. The dependencies of build scripts
and tests are not listed. The licence texts are copied from the crates.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = {"bindings-python": "pypi", "bindings-node": "npm"}
NAMES = re.compile(r"(?i)^(licen[cs]e|copying|notice|unlicense)")


def metadata() -> dict[str, Any]:
    command = ["cargo", "metadata", "--locked", "--format-version", "1", "--manifest-path", str(ROOT / "Cargo.toml")]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def checksums() -> dict[tuple[str, str], str]:
    """Returns the SHA-256 hash of each crate's archive, as stated in Cargo.lock."""
    found: dict[tuple[str, str], str] = {}
    for block in (ROOT / "Cargo.lock").read_text().split("[[package]]"):
        fields = dict(re.findall(r'^(\w+) = "([^"]+)"$', block, re.M))
        if "checksum" in fields:
            found[fields["name"], fields["version"]] = fields["checksum"]
    return found


def compiled_in(data: dict[str, Any], root: str) -> list[dict[str, Any]]:
    """Returns the crates from the registry that are compiled into a crate of this workspace, sorted by name and
    version."""
    packages = {package["id"]: package for package in data["packages"]}
    nodes = {node["id"]: node for node in data["resolve"]["nodes"]}
    begin = next(id for id, package in packages.items() if package["name"] == root)
    seen, open_ids = {begin}, [begin]
    while open_ids:
        for dep in nodes[open_ids.pop()]["deps"]:
            normal = any(kind["kind"] is None for kind in dep["dep_kinds"])
            is_macro = any("proc-macro" in target["kind"] for target in packages[dep["pkg"]]["targets"])
            if normal and not is_macro and dep["pkg"] not in seen:
                seen.add(dep["pkg"])
                open_ids.append(dep["pkg"])
    crates = [packages[id] for id in seen if packages[id]["source"] is not None]
    return sorted(crates, key=lambda crate: (crate["name"], crate["version"]))


def texts(crate: dict[str, Any]) -> list[str]:
    folder = Path(crate["manifest_path"]).parent
    files = sorted(path for path in folder.iterdir() if path.is_file() and NAMES.match(path.name))
    read = (path.read_text(encoding="utf-8", errors="replace") for path in files)
    return ["\n".join(line.rstrip() for line in text.strip().splitlines()) for text in read if text.strip()]


def notices(crates: list[dict[str, Any]]) -> str:
    by_text: dict[str, list[str]] = defaultdict(list)
    lines = [
        "# Third-party notices",
        "",
        "The native module contains these crates. Their licence texts follow; a crate without one carries none in its package,",
        "and its licence is the one named here.",
        "",
        "| crate | version | licence | source |",
        "|---|---|---|---|",
    ]
    for crate in crates:
        name = f"{crate['name']} {crate['version']}"
        source = crate.get("repository") or f"https://crates.io/crates/{crate['name']}"
        lines.append(f"| {crate['name']} | {crate['version']} | {crate.get('license') or 'see below'} | {source} |")
        for text in dict.fromkeys(texts(crate)):
            by_text[text].append(name)
    for text, owners in sorted(by_text.items(), key=lambda item: item[1]):
        lines += ["", f"## {', '.join(owners)}", "", "```text", text.replace("```", "'''"), "```"]
    return "\n".join(lines) + "\n"


def sbom(package: str, kind: str, crates: list[dict[str, Any]], version: str) -> str:
    sums = checksums()

    def component(crate: dict[str, Any]) -> dict[str, Any]:
        purl = f"pkg:cargo/{crate['name']}@{crate['version']}"
        entry: dict[str, Any] = {
            "type": "library",
            "bom-ref": purl,
            "name": crate["name"],
            "version": crate["version"],
            "purl": purl,
        }
        if crate.get("license"):
            entry["licenses"] = [{"expression": crate["license"].replace("/", " OR ")}]
        if checksum := sums.get((crate["name"], crate["version"])):
            entry["hashes"] = [{"alg": "SHA-256", "content": checksum}]
        return entry

    bom = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": {
                "type": "library",
                "bom-ref": f"pkg:{kind}/churn-core@{version}",
                "name": "churn-core",
                "version": version,
                "purl": f"pkg:{kind}/churn-core@{version}",
                "licenses": [{"license": {"id": "Apache-2.0"}}],
                "description": f"The native module of {package}",
            }
        },
        "components": [component(crate) for crate in crates],
    }
    return json.dumps(bom, indent=1, ensure_ascii=False) + "\n"


def main() -> int:
    check = "--check" in sys.argv[1:]
    data = metadata()
    stale = []
    for package, kind in PACKAGES.items():
        version = next(entry["version"] for entry in data["packages"] if entry["name"] == package)
        crates = compiled_in(data, package)
        files = {"THIRD_PARTY_NOTICES.md": notices(crates), "sbom.json": sbom(package, kind, crates, version)}
        for name, content in files.items():
            path = ROOT / package / name
            if check:
                if not path.is_file() or path.read_text(encoding="utf-8") != content:
                    stale.append(str(path.relative_to(ROOT)))
            else:
                path.write_text(content, encoding="utf-8")
        print(f"{package}: {len(crates)} crates")
    if stale:
        print(f"not current, run tests/notices.py: {', '.join(stale)}", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
