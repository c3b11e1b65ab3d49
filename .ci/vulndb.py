#!/usr/bin/env python3
"""vulndb.py REPORTS OUT: the Go team's reports (a folder of OSV files) as a database that govulncheck reads: index/db.json,
index/modules.json (module to reports) and ID/REPORT.json."""
import json
import os
import pathlib
import shutil
import sys

THEN = "0001-01-01T00:00:00Z"  # govulncheck compares it with nothing here


def main():
    reports, out = map(pathlib.Path, sys.argv[1:])
    new = out.with_suffix(".part")
    shutil.rmtree(new, ignore_errors=True)
    (new / "ID").mkdir(parents=True)
    (new / "index").mkdir()
    modules = {}
    for file in sorted(reports.glob("GO-*.json")):
        report = json.loads(file.read_text())
        (new / "ID" / file.name).write_text(json.dumps(report))
        for affected in report.get("affected", []):
            modules.setdefault(affected["package"]["name"], set()).add(report["id"])
    if not modules:
        sys.exit(f"{reports} has no reports")
    table = [{"path": path, "vulns": [{"id": i, "modified": THEN} for i in sorted(ids)]} for path, ids in sorted(modules.items())]
    (new / "index/modules.json").write_text(json.dumps(table))
    (new / "index/db.json").write_text(json.dumps({"modified": THEN}))
    shutil.rmtree(out, ignore_errors=True)
    os.rename(new, out)


if __name__ == "__main__":
    main()
