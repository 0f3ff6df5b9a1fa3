"""Fetch vendored scripts anew from npm, at release and by hand: never at install or run time.

    python .ci/refresh_vendor.py

Writes the files, VERSION and SHA256SUMS; review the difference before it is committed.
"""

from __future__ import annotations

import hashlib
import subprocess
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WANTED = (
    ("leaflet", "1.9.4", "BSD-2-Clause", ("dist/leaflet.js", "dist/leaflet.css", "LICENSE"),
     ROOT / "pvplanner" / "vendor" / "leaflet"),
    ("axe-core", "4.14.1", "MPL-2.0", ("axe.min.js", "LICENSE"),
     ROOT / "tests" / "vendor" / "axe-core"),
)  # fmt: skip


def refresh(name: str, version: str, licence: str, files: tuple[str, ...], folder: Path) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        command = ["npm", "pack", f"{name}@{version}", "--silent"]
        made = subprocess.run(command, cwd=temporary, check=True, capture_output=True, text=True)
        with tarfile.open(Path(temporary) / made.stdout.strip().splitlines()[-1]) as packed:
            bodies = {Path(f).name: packed.extractfile(f"package/{f}").read() for f in files}
    folder.mkdir(parents=True, exist_ok=True)
    sums = []
    for file, body in bodies.items():
        (folder / file).write_bytes(body)
        sums.append(f"{hashlib.sha256(body).hexdigest()}  {file}")
    told = f"{name} {version} ({licence}), npm package {name}, files {' and '.join(files[:-1])}"
    (folder / "VERSION").write_text(told + "\n", encoding="utf-8")
    (folder / "SHA256SUMS").write_text("\n".join(sums) + "\n", encoding="utf-8")


if __name__ == "__main__":
    for wanted in WANTED:
        refresh(*wanted)
