#!/usr/bin/env python3
"""Checks this Buildroot tree.

check.py alone [TREE]         without Buildroot: against the symbols of symbols.Kconfig
check.py with BUILDROOT OUT   with a checkout of Buildroot, in the folder OUT

Each complaint is a line; the exit code is 1 if there is one. kconfiglib is needed for the first.
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import warnings

HERE = pathlib.Path(__file__).resolve().parent


def lines(path):
    """The settings of a defconfig: symbol to line."""
    found = {}
    for n, line in enumerate(path.read_text().splitlines(), 1):
        m = re.fullmatch(r'(BR2_\w+)=(y|n|\d+|".*")|# (BR2_\w+) is not set', line)
        if not m:
            if line and not line.startswith("#"):
                yield f"{path.name}:{n}: not a setting: {line}", None
            continue
        symbol = m[1] or m[3]
        if symbol in found:
            yield f"{path.name}:{n}: {symbol} was set before", None
        found[symbol] = line
        yield None, (symbol, line)


def dropped(defconfig, dotconfig):
    """Kconfig drops what it can't set, without a word: every line must be in the result."""
    there = set(dotconfig.splitlines())
    for complaint, setting in lines(defconfig):
        if complaint:
            yield complaint
        elif setting[1] not in there and not (setting[1].startswith("# ") and setting[0] + "=" not in dotconfig):
            yield f"{defconfig.name}: Kconfig dropped {setting[1]}: an unmet dependency, or no such symbol"


def alone(tree):
    os.environ["CONFIG_"] = ""  # Buildroot's symbols carry their prefix in their names
    import kconfiglib

    os.environ["BR2_EXTERNAL_SMILETILL_PATH"] = str(tree)
    for defconfig in sorted((tree / "configs").glob("*_defconfig")):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            k = kconfiglib.Kconfig(str(tree / "symbols.Kconfig"), warn_to_stderr=False, suppress_traceback=True)
        for name, s in k.syms.items():
            if not s.nodes and re.match(r"BR2_", name):
                yield f"Config.in: {name} is used and declared nowhere: misspelled, or missing in symbols.Kconfig"
        k.load_config(str(defconfig), replace=True)
        for w in k.warnings:
            yield f"{defconfig.name}: {w}"
        yield from dropped(defconfig, k._config_contents("") if hasattr(k, "_config_contents") else "")
        for s in k.unique_defined_syms:
            if s.rev_dep is not k.n and kconfiglib.expr_value(s.rev_dep) and not kconfiglib.expr_value(s.direct_dep):
                yield f"{defconfig.name}: {s.name} is selected although its dependencies are not met"
    yield from names(tree)


def names(tree):
    """Packages: every dependency is a package of ours or a known one; the files that are installed exist."""
    known = {"jpeg", *(p.name for p in (tree / "package").iterdir())}
    for mk in sorted((tree / "package").glob("*/*.mk")):
        text = mk.read_text()
        name = mk.stem
        upper = name.upper().replace("-", "_")
        if not re.match(r"#{80}\n#\n# " + re.escape(name) + r"\n#\n#{80}\n\n", text):
            yield f"{mk.name}: its head is not Buildroot's"
        for m in re.finditer(r"^(\w+?)_(?:VERSION|SITE|DEPENDENCIES|LICENSE) =", text, re.M):
            if m[1] != upper:
                yield f"{mk.name}: {m[0]} is a variable of no package: want {upper}_"
        deps = re.search(rf"^{upper}_DEPENDENCIES = (.*)$", text, re.M)
        for d in (deps[1].split() if deps else []):
            if d not in known:
                yield f"{mk.name}: depends on {d}, which is no package"
        for source in re.findall(r"\$\(@D\)/((?:systemd|cmd|vision)/[\w./-]+)", text):
            if not (HERE.parent / source).exists():
                yield f"{mk.name}: installs {source}, which is not in the repository"
    linked = re.search(r"-l(\w+)", go_tflite_flags() or "")
    library = (tree / "package/libtensorflowlite-c/libtensorflowlite-c.mk").read_text()
    if linked and f"lib{linked[1]}.so $(STAGING_DIR)" not in re.sub(r"\s*\\\n\s*", " ", library).replace("$(@D)/", ""):
        yield f"the program links -l{linked[1]}: no package installs lib{linked[1]}.so into staging"
    for defconfig in (tree / "configs").glob("*_defconfig"):
        for path in re.findall(r"\$\(BR2_EXTERNAL_SMILETILL_PATH\)/([\w./-]+)", defconfig.read_text()):
            if not (tree / path).exists():
                yield f"{defconfig.name}: {path} is not in the tree"


def go_tflite_flags():
    """What go-tflite hands to the linker."""
    where = subprocess.run(["go", "list", "-m", "-f", "{{.Dir}}", "github.com/mattn/go-tflite"], cwd=HERE.parent,
                           capture_output=True, text=True, check=False).stdout.strip()
    if not where:
        return None
    text = "".join(p.read_text() for p in pathlib.Path(where).glob("*.go"))
    return " ".join(re.findall(r"#cgo.*LDFLAGS:(.*)", text))


def with_buildroot(buildroot, out):
    def make(*targets):
        return subprocess.run(["make", "-s", "-C", buildroot, f"O={out}", f"BR2_EXTERNAL={HERE}", *targets],
                              capture_output=True, text=True, check=False)

    pins = {re.search(r"linux,(\w{40})", p.read_text())[1]
            for p in pathlib.Path(buildroot, "configs").glob("raspberrypi*_defconfig")
            if re.search(r"linux,(\w{40})", p.read_text())}
    for defconfig in sorted((HERE / "configs").glob("*_defconfig")):
        r = make(defconfig.name)
        if r.returncode:
            yield f"{defconfig.name}: make: {r.stderr.strip()}"
            continue
        for bad in re.findall(r".*unmet direct dependencies.*", r.stdout + r.stderr):
            yield f"{defconfig.name}: {bad}"
        yield from dropped(defconfig, pathlib.Path(out, ".config").read_text())
        info = json.loads(make("show-info").stdout or "{}")
        for name in ("smiletill", "libtensorflowlite-c"):
            if name not in info:
                yield f"{defconfig.name}: {name} is not built"
            for d in info.get(name, {}).get("dependencies", []):
                if d not in info:
                    yield f"{defconfig.name}: {name} depends on {d}, which is no package"
        pin = re.search(r"linux,(\w{40})", defconfig.read_text())
        if pins and pin and pin[1] not in pins:
            yield (f"{defconfig.name}: the kernel's commit {pin[1]} is not the one whose hash this Buildroot knows "
                   f"({', '.join(sorted(pins))}): set that one")
    checker = pathlib.Path(buildroot, "utils/check-package")
    files = [str(p) for d in ("package", "configs", "board") for p in (HERE / d).rglob("*") if p.is_file()]
    r = subprocess.run([sys.executable, checker, "-b", *files, str(HERE / "Config.in"), str(HERE / "external.mk")],
                       capture_output=True, text=True, check=False)
    if r.returncode:
        yield "check-package: " + (r.stdout + r.stderr).strip()


def main(argv):
    if len(argv) >= 2 and argv[1] == "alone":
        complaints = alone(pathlib.Path(argv[2]).resolve() if len(argv) > 2 else HERE)
    elif len(argv) == 4 and argv[1] == "with":
        complaints = with_buildroot(os.path.abspath(argv[2]), os.path.abspath(argv[3]))
    else:
        sys.exit(__doc__)
    bad = list(dict.fromkeys(complaints))
    print("\n".join(bad) or "the Buildroot tree holds")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main(sys.argv)
