#!/usr/bin/env python3
"""papers.py OUT BOARD DEBS ROOT LOCK: what goes with a card's image, from the packages in ROOT and their files in DEBS.
papers.py --fetched DEBS LOCK: before anything is installed, whether the packages' files in DEBS are those of LOCK; exit code 1 if not.

OUT/packages.lock        a line for each of Debian's packages: name, version, architecture, SHA-256 of its file
OUT/smiletill-BOARD.cdx.json       CycloneDX 1.5: those, the terminal and the Go modules it was built from
OUT/smiletill-BOARD.manifest.json  what the image is: size, SHA-256, partitions, kernel, the root's hash

Where packages.lock is not LOCK, the differences are printed, a line each; with LOCKED=1 in the environment the exit code is 1 then.
"""
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import time
import urllib.parse
import uuid

OWN = "smiletill"


def sha256(path):
    with open(path, "rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def installed(root):
    """(name, version, architecture, source) of each package that dpkg has in root, sorted. Debian tells of holes by sources."""
    found = []
    for entry in (root / "var/lib/dpkg/status").read_text().split("\n\n"):
        field = dict(re.findall(r"^(Package|Version|Architecture|Status|Source): (.*)$", entry, re.M))
        if field.get("Status") == "install ok installed":
            source = field.get("Source", field["Package"]).split()[0]
            found.append((field["Package"], field["Version"], field["Architecture"], source))
    return sorted(found)


def lock(packages, debs):
    """The lines of packages.lock. A package whose file is not there any more is an error."""
    for name, version, arch, _ in packages:
        if name != OWN:
            file = f"{name}_{version.replace(':', '%3a')}_{arch}.deb"
            yield f"{name} {version} {arch} {sha256(debs / file)}"


def differences(old, new):
    """What a person has to know of two lists: a line for each package that came, went or changed."""
    was, now = ({line.split()[0]: line.split()[1:] for line in lines} for lines in (old, new))
    for name in sorted(was.keys() | now.keys()):
        if name not in was:
            yield f"{name} {now[name][0]} is new"
        elif name not in now:
            yield f"{name} {was[name][0]} is gone"
        elif was[name][0] != now[name][0]:
            yield f"{name} is {now[name][0]}, was {was[name][0]}"
        elif was[name] != now[name]:
            yield f"{name} {now[name][0]} has another content under the same version"


def fetched(debs):
    """The lines of packages.lock by the names of packages' files alone."""
    for file in sorted(debs.glob("*.deb")):
        name, version, arch = file.stem.split("_")
        yield f"{name} {version.replace('%3a', ':')} {arch} {sha256(file)}"


def compared(lines, locked):
    """Prints how lines differ from the lock, and tells whether they do."""
    old = pathlib.Path(locked).read_text().splitlines() if os.path.exists(locked) else []
    told = list(differences(old, lines)) if old else [f"there is no {locked} to compare with"]
    if told:
        print(f"  card: the packages are not those of {os.path.basename(locked)}:")
        print("".join(f"    {line}\n" for line in told), end="")
    return not told


def go_modules(program):
    """(path, version) of the Go modules in a program, as go version says."""
    text = subprocess.run(["go", "version", "-m", program], check=True, capture_output=True, text=True).stdout
    return re.findall(r"^\tdep\t(\S+)\t(\S+)", text, re.M)


def sbom(board, image, version, lines, modules, sources):
    def component(kind, name, v, purl, sha=None):
        c = {"type": kind, "bom-ref": purl, "name": name, "version": v, "purl": purl}
        if sha:
            c["hashes"] = [{"alg": "SHA-256", "content": sha}]
        return c

    quote = urllib.parse.quote
    parts = [component("application", OWN, version, f"pkg:generic/{OWN}@{quote(version)}")]
    for name, v, arch, sha in map(str.split, lines):
        parts.append(component("library", name, v, f"pkg:deb/debian/{quote(name)}@{quote(v)}?arch={arch}&distro=debian-12&upstream={quote(sources[name])}", sha))
    for path, v in modules:
        parts.append(component("library", path, v, f"pkg:golang/{path}@{v}"))
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, image)}",
        "version": 1,
        "metadata": {
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH", "0")))),
            "component": {"type": "firmware", "name": f"smiletill-{board}", "version": version,
                          "hashes": [{"alg": "SHA-256", "content": image}]},
        },
        "components": parts,
    }


def main():
    if sys.argv[1] == "--fetched":
        if not compared(list(fetched(pathlib.Path(sys.argv[2]))), sys.argv[3]):
            sys.exit("  card: LOCKED=1 stops here. Without it newer packages are taken; those of the lock's day can be had from Debian's\n"
                     "  card: snapshot service: SOURCES=sources.list (buildroot/README.md)")
        return
    out, board, debs, root, locked = sys.argv[1:]
    out, debs, root = map(pathlib.Path, (out, debs, root))
    packages = installed(root)
    # what starts the card is unpacked, not installed
    if (out / "unpacked").exists():
        packages += [tuple(line.split()) for line in (out / "unpacked").read_text().splitlines()]
    lines = list(lock(packages, debs))
    (out / "packages.lock").write_text("".join(line + "\n" for line in lines))
    same = compared(lines, locked)
    if not same:
        print(f"  card: to take them as they are: cp {out}/packages.lock {locked}")
    version = next((v for name, v, *_ in packages if name == OWN), "unknown")
    file = out / "images" / f"smiletill-{board}.img"
    image = sha256(file)
    sources = {name: source for name, _, _, source in packages}
    bom = sbom(board, image, version, lines, go_modules(root / "usr/bin/smiletill"), sources)
    (out / f"smiletill-{board}.cdx.json").write_text(json.dumps(bom, indent=1) + "\n")
    table = json.loads(subprocess.run(["sfdisk", "-J", file], check=True, capture_output=True, text=True).stdout)["partitiontable"]
    blocks, top = re.fullmatch(r"smiletill\.verity=(\d+):(\w+)\n", (out / "images/verity").read_text()).groups()
    manifest = {
        "board": board, "compatible": f"smiletill-{board}", "version": version,
        "image": {"file": file.name, "bytes": file.stat().st_size, "sha256": image},
        "kernel": next(p.name for p in (root / "lib/modules").iterdir()),
        "root": {"verity_blocks": int(blocks), "verity_hash": top},
        "partitions": [{"number": int(p["node"].rsplit("img", 1)[1]), "type": p["type"], "start": p["start"] * 512,
                        "bytes": p["size"] * 512} for p in table["partitions"]],
        "debian_packages": len(lines),
    }
    (out / f"smiletill-{board}.manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    sys.exit(1 if not same and os.environ.get("LOCKED") else 0)


if __name__ == "__main__":
    main()
